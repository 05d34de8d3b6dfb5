#!/usr/bin/env bash
# Goal: on Debian 12 and 13 the package is built, has nothing that lintian would mend, is installed on
# a bare system, served from a socket that outlives it, upgraded over an older one, and purged.
# Usage: debian_package.sh PROJECT FOLDER ; FOLDER keeps the releases.
set -euo pipefail
project=$1
folder=$2
. "$project/tests/package/release.sh"

go_apart "$@"
need_packages debootstrap python3 curl
for name in bookworm trixie; do
	make_release "$name" "$name"
	copy_tree
	upgrade lintian
	say "$name: ./script/package, this version and an older one"
	inside './script/package && rm -rf build/new && mv build/package build/new'
	say "$name: lintian"
	inside 'lintian --allow-root --pedantic --fail-on error,warning,pedantic build/new/*.changes'
	inside 'sed -i "1s/(.*)/(0.0.1)/" debian/changelog
		sed -i "s/^project(nakodo VERSION [^ ]*/project(nakodo VERSION 0.0.1/" CMakeLists.txt
		./script/package && rm -rf build/old && mv build/package build/old'
	built=$root/nakodo/build

	say "$name: on a bare system"
	rm -rf "$folder/bare" # nothing is mounted there but by another run, apart
	make_release "$name" bare
	cp "$built"/old/nakodo_*.deb "$root/nakodo/old.deb"
	cp "$built"/new/nakodo_*.deb "$root/nakodo/new.deb"
	upgrade
	"$BASH" "$project/tests/package/life.sh" "$root"
	umount --recursive "$root/proc" "$root/dev" "$root/tmp"
	rm -rf "$root"
done
