#!/usr/bin/env bash
# Without tests the daemon is built with neither cmocka nor node nor clang: in a world that has only
# the commands below, and of the libraries all but cmocka.
set -euo pipefail
source=$1 build=$2/tests/source/plain_build
world=$build/world
rm -rf "$world" && mkdir -p "$world/bin" "$world/pkgconfig"
for command in ar as brotli cc cmake esbuild gzip ld ninja pkg-config ranlib sh; do
	ln -s "$(command -v "$command")" "$world/bin/$command"
done
IFS=: read -ra folders <<<"$(pkg-config --variable pc_path pkg-config)"
for folder in "${folders[@]}"; do
	for file in "$folder"/*.pc; do
		case $file in */cmocka.pc | *'/*.pc') ;; *) ln -sf "$file" "$world/pkgconfig/" ;; esac
	done
done

in_world() {
	env -i HOME="$build" PATH="$world/bin" PKG_CONFIG_LIBDIR="$world/pkgconfig" "$@"
}

if in_world sh -c 'command -v node || command -v clang || pkg-config --exists cmocka'; then
	echo "the world has what it must not have"
	exit 1
fi
in_world cmake --fresh -S "$source" -B "$build/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
	-DBUILD_TESTING=OFF >"$build/configure.log" 2>&1 || { cat "$build/configure.log" && exit 1; }
in_world cmake --build "$build/build"
"$build/build/nakodo" --version
if nm "$build/build/nakodo" | grep -E 'audit|invariants'; then
	echo "a release has what only debug builds have"
	exit 1
fi
if grep -q 'Test *#' <(ctest --test-dir "$build/build" --show-only 2>/dev/null); then
	echo "there are tests"
	exit 1
fi
