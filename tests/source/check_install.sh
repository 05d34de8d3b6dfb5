#!/usr/bin/env bash
# `cmake --install` puts everything in its place, and what it installed can be used.
set -euo pipefail
build=$2
export DESTDIR=$build/tests/source/install
rm -rf "$DESTDIR"
cmake --install "$build" >/dev/null
cd "$DESTDIR"

prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")
binary=$prefix/bin/nakodo
pages=$prefix/share/nakodo/web
expected=("$binary" "$pages/index.html" "$pages/lab.html" "$prefix/share/man/man8/nakodo.8"
	"$prefix/share/man/man5/nakodo.conf.5" "$prefix/share/bash-completion/completions/nakodo"
	"$prefix/lib/systemd/system/nakodo.service" "$prefix/lib/systemd/system/nakodo.socket"
	"$prefix/lib/sysusers.d/nakodo.conf" /etc/nakodo/nakodo.conf
	"$prefix/share/nakodo/alerts.yml" "$prefix/share/nakodo/grafana.json")
expected+=("$prefix/share/doc/nakodo/README.md" "$prefix/share/doc/nakodo/docs/protocols/plain.md")
status=0
for file in "${expected[@]}"; do
	if [ ! -s ".$file" ]; then
		echo "$file is not installed"
		status=1
	fi
done
diff -r "$build/web" ".$pages" || status=1

# What a document leads to is there.
while IFS=: read -r document link; do
	if [ ! -e "$(dirname "$document")/$link" ]; then
		echo "$document leads to $link, which is not installed"
		status=1
	fi
done < <(grep -rohP --with-filename --include='*.md' '\]\(\K(?![a-z]+:|#)[^)#]+' ".$prefix/share/doc/nakodo")

# The unit starts what was installed, with the file that was installed.
grep -qxF "ExecStart=$binary --config /etc/nakodo/nakodo.conf" \
	".$prefix/lib/systemd/system/nakodo.service" || { echo "the unit starts something else" && status=1; }
./"$binary" --check --config ./etc/nakodo/nakodo.conf --web-root "./$pages" || status=1
grep -qxF "web-root = $pages" <(./"$binary" --print-config) || { echo "web-root is elsewhere" && status=1; }
complaints=$(MANWIDTH=80 man --warnings -l "./$prefix"/share/man/man[58]/nakodo* 2>&1 >/dev/null)
if [ -n "$complaints" ]; then
	echo "$complaints"
	status=1
fi
exit $status
