#!/usr/bin/env bash
# The life of the package in a system at ROOT, with old.deb and new.deb in its /nakodo. No systemd runs
# there: what starts the daemon as the unit would, and keeps its socket, is this script.
# Usage: life.sh ROOT
set -euo pipefail
root=$1
if [ -z "${PORT-}" ]; then # again, with a listening socket at descriptor 3
	exec python3 -c '
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
os.environ["PORT"] = str(listener.getsockname()[1])
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.execvp(sys.argv[1], sys.argv[1:])' "$BASH" "$0" "$@"
fi

say() {
	printf '\033[1m==>\033[0m %s\n' "$*"
}
fail() {
	echo "$*" >&2
	exit 1
}
inside() {
	chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@" 3>&-
}
apt_get() {
	inside env DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends "$@" \
		>"$root/apt.log" 2>&1 || {
		cat "$root/apt.log" >&2
		fail "apt-get $*"
	}
}
ask() {
	curl --silent --show-error --fail --max-time 20 "http://127.0.0.1:$PORT/healthz" >/dev/null
}

# The unit's ExecStart as the unit's user, in the folders that systemd would have made for it.
start() {
	local command
	command=$(sed -n 's/^ExecStart=//p' "$root"/usr/lib/systemd/system/nakodo.service)
	for folder in /var/lib/nakodo /var/log/nakodo /run/nakodo; do
		inside install -d -o nakodo -g nakodo -m 750 $folder
	done
	# shellcheck disable=SC2086
	(LISTEN_PID=$BASHPID LISTEN_FDS=1 LISTEN_FDNAMES=plain exec chroot "$root" \
		setpriv --reuid=nakodo --regid=nakodo --clear-groups $command) &
	daemon=$!
	ask
}
stop() {
	kill "$daemon"
	wait "$daemon"
}
is_state() {
	[ "$(inside systemctl --root=/ is-enabled "$1" || true)" = "$2" ] || fail "$1 is not $2"
}

say "installing the older version"
apt_get install /nakodo/old.deb
[ "$(inside nakodo --version)" = 'nakodo 0.0.1' ] || fail "another version is installed"
is_state nakodo.service enabled
is_state nakodo.socket disabled
inside nakodo --check --config /etc/nakodo/nakodo.conf
for page in man5/nakodo.conf.5.gz man8/nakodo.8.gz; do
	[ -s "$root/usr/share/man/$page" ] || fail "$page is missing"
done

say "starting it"
echo 'listen = systemd' >>"$root/etc/nakodo/nakodo.conf"
start

say "upgrading it; who connects meanwhile waits"
apt_get install /nakodo/new.deb
[ "$(inside nakodo --version)" != 'nakodo 0.0.1' ] || fail "it was not upgraded"
[ "$(tail -n 1 "$root/etc/nakodo/nakodo.conf")" = 'listen = systemd' ] || fail "the configuration was changed"
stop
ask &
meanwhile=$!
start
wait $meanwhile
stop

say "purging it"
touch "$root/var/lib/nakodo/ca.pem" "$root/var/log/nakodo/log"
apt_get purge nakodo
rm -rf "$root/run/nakodo" # systemd does, when the service stops
left=$(cd "$root" && find . \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./nakodo \) -prune -o -name '*nakodo*' -print)
[ -z "$left" ] || fail "left behind: $left"
