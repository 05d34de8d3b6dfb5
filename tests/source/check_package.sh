#!/usr/bin/env bash
# What the Debian package adds to what is installed: its version, the AppArmor profile, completion.
set -euo pipefail
cd "$1"
status=0
fault() {
	echo "$*"
	status=1
}

version=$(sed -n 's/^project(nakodo VERSION \([^ ]*\).*/\1/p' CMakeLists.txt)
grep -qF "nakodo ($version) " <(head -n 1 debian/changelog) || fault "debian/changelog does not begin with $version"
complaints=$(apparmor_parser --skip-kernel-load --skip-cache packaging/apparmor.d/nakodo 2>&1 |
	grep -v 'interface file missing' || true)
[ -z "$complaints" ] || fault "$complaints"
grep -qxF "AppArmorProfile=-nakodo" packaging/nakodo.service.in || fault "the unit has no AppArmor profile"
grep -q '^profile nakodo .*{$' packaging/apparmor.d/nakodo || fault "there is no profile nakodo"

# The image is made without what is only recommended.
for name in $(sed -n 's/^Recommends: *//p' debian/control | tr -d ,); do
	grep -qw -- "$name" <(grep -v '^#' Containerfile) || fault "Containerfile installs no $name, which the package recommends"
done

# is_completed_to EXPECTED WORD…: the last word is.
is_completed_to() {
	local expected=$1
	shift
	COMP_WORDS=("$nakodo" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_nakodo "$nakodo"
	[ "${COMPREPLY[*]}" = "$expected" ] || fault "$* is completed to '${COMPREPLY[*]}', not '$expected'"
}
nakodo=$2/nakodo
. packaging/completion.bash
compopt() { :; } # works while completing only
is_completed_to '--tls-cert' --tls-c
is_completed_to 'token' t
is_completed_to '--help' --check --he
is_completed_to 'ctl' c
is_completed_to 'rooms reload' ctl r
is_completed_to 'debug' ctl log-level d
is_completed_to 'error warn info debug' --log-level ''
is_completed_to 'debug' --log-level = d
is_completed_to 'LICENSE' --tls-cert LICEN
is_completed_to 'packaging' --web-root packag
is_completed_to '' --max-peers ''
is_completed_to '--sub' token --su
is_completed_to 'LICENSE' token --key LICEN
is_completed_to '--token' probe --tok
exit $status
