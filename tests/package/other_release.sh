#!/usr/bin/env bash
# Goal: the README's two commands work on the other Debian release that it names, all but the browsers.
# Usage: other_release.sh PROJECT FOLDER ; FOLDER keeps the release with what was built there for the
# next time. Packages come from where this machine has its own.
set -euo pipefail
project=$1
folder=$2
. "$project/script/lib.sh"

release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
case $release in
bookworm) other=trixie ;;
trixie) other=bookworm ;;
*)
	echo "This is neither Debian 12 nor Debian 13." >&2
	exit 1
	;;
esac
if [ "$(id -u)" -ne 0 ]; then
	exec sudo --preserve-env "$BASH" "$0" "$@"
fi
if [ "${3-}" != apart ]; then # what is mounted below goes with us
	exec unshare --mount --pid --fork --kill-child "$BASH" "$0" "$project" "$folder" apart
fi
need_packages debootstrap iproute2

# Where this machine has its packages of one kind: Debian, Debian-Security.
mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
		"Label: $1" "Codename: $release$2" | head -n 1
}

# A shell command in the other release.
inside() {
	chroot "$root" env --unset=CMAKE_C_COMPILER_LAUNCHER HOME=/root TMPDIR=/tmp LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		bash -euo pipefail -c "cd /nakodo; $1"
}

root=$folder/$other
if [ ! -e "$root/nakodo" ]; then
	say "making $other in $root"
	rm -rf "$root"
	mkdir -p "$folder"
	debootstrap --variant=minbase --include=ca-certificates "$other" "$root" \
		"$(mirror Debian '')" >"$folder/debootstrap.log" || {
		tail -n 20 "$folder/debootstrap.log" >&2
		exit 1
	}
	mkdir "$root/nakodo"
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"

say "taking this machine's settings along"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
{
	echo "deb $(mirror Debian '') $other main"
	security=$(mirror Debian-Security -security)
	[ -z "$security" ] || echo "deb $security $other-security main"
} >"$root/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::https?::Proxy' >"$root/etc/apt/apt.conf.d/proxy" || true
for file in "${NODE_EXTRA_CA_CERTS-}" "${SSL_CERT_FILE-}"; do
	[ -z "$file" ] || install -D -m 644 "$file" "$root$file"
done
if command -v npm >/dev/null; then
	npm config get registry | sed 's/^/registry=/' >"$root/root/.npmrc"
fi

say "copying the tree"
(
	cd "$root/nakodo"
	find . \( -path ./build -o -path ./tests/node_modules \) -prune -o ! -type d -exec rm {} +
)
(cd "$project" && git ls-files -z --cached --others --exclude-standard |
	tar --create --null --files-from=- --ignore-failed-read) | tar --extract --directory "$root/nakodo"

say "./script/server"
inside 'apt-get update -qq && apt-get upgrade -y -qq && apt-get install -y -qq --no-install-recommends curl' \
	>"$folder/apt.log" 2>&1 || {
	cat "$folder/apt.log" >&2
	exit 1
}
# Its ports may be taken here: it gets a network of its own once it has its packages and is built.
inside './script/server --check && . script/lib.sh && need_packages iproute2'
inside 'unshare --net bash -euo pipefail -c "
	ip link set lo up
	./script/server &
	for try in {1..100}; do
		curl --silent --fail http://localhost:3000/healthz && curl --silent --insecure --fail https://localhost:3443/healthz && break
		[ \$try -lt 100 ] && sleep 0.1
	done
	kill %1
	wait %1
"'

say "./script/test, without browsers"
inside './script/test --no-browsers -L "unit|source|integration"'
