#!/usr/bin/env bash
# Goal: the README's two commands work on the other Debian release that it names, all but the
# browsers, the fuzzers and the soak.
# Usage: other_release.sh PROJECT FOLDER ; FOLDER keeps the release.
set -euo pipefail
project=$1
folder=$2
. "$project/tests/package/release.sh"

case $release in
bookworm) other=trixie ;;
trixie) other=bookworm ;;
*)
	echo "This is neither Debian 12 nor Debian 13." >&2
	exit 1
	;;
esac
go_apart "$@"
need_packages debootstrap iproute2
make_release "$other" "$other"
copy_tree

say "./script/server"
upgrade curl
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
