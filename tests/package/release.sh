# Debian releases in folders of the build; sourced with $project and $folder, where they are kept with
# what was built there for the next time. Packages come from where this machine has its own.
. "$project/script/lib.sh"
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

# Runs the script anew as root and apart: what it mounts and starts goes with it.
# Usage: go_apart "$@", with `apart` as the script's third argument afterwards.
go_apart() {
	if [ "$(id -u)" -ne 0 ]; then
		exec sudo --preserve-env "$BASH" "$0" "$@"
	fi
	if [ "${3-}" != apart ]; then
		exec unshare --mount --pid --fork --kill-child "$BASH" "$0" "$project" "$folder" apart
	fi
}

# Where this machine has its packages of one kind: Debian, Debian-Security.
mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
		"Label: $1" "Codename: $release$2" | head -n 1
}

# A shell command in $root.
inside() {
	chroot "$root" env --unset=CMAKE_C_COMPILER_LAUNCHER HOME=/root TMPDIR=/tmp LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		bash -euo pipefail -c "cd /nakodo; $1"
}

# make_release RELEASE FOLDER: $root becomes this release in this folder, with this machine's settings.
make_release() {
	root=$folder/$2
	if [ ! -e "$root/nakodo" ]; then
		say "making $1 in $root"
		rm -rf "$root"
		mkdir -p "$folder"
		debootstrap --variant=minbase --include=ca-certificates "$1" "$root" \
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
		echo "deb $(mirror Debian '') $1 main"
		security=$(mirror Debian-Security -security)
		[ -z "$security" ] || echo "deb $security $1-security main"
	} >"$root/etc/apt/sources.list"
	apt-config dump | grep -E '^Acquire::https?::Proxy' >"$root/etc/apt/apt.conf.d/proxy" || true
	for file in "${NODE_EXTRA_CA_CERTS-}" "${SSL_CERT_FILE-}"; do
		[ -z "$file" ] || install -D -m 644 "$file" "$root$file"
	done
	if command -v npm >/dev/null; then
		npm config get registry | sed 's/^/registry=/' >"$root/root/.npmrc"
	fi
}

copy_tree() {
	say "copying the tree"
	(
		cd "$root/nakodo"
		find . \( -path ./build -o -path ./tests/node_modules \) -prune -o ! -type d -exec rm {} +
	)
	(cd "$project" && git ls-files -z --cached --others --exclude-standard |
		tar --create --null --files-from=- --ignore-failed-read) | tar --extract --directory "$root/nakodo"
}

# The newest packages of the release, and those that are named.
upgrade() {
	inside "apt-get update -qq && apt-get upgrade -y -qq && apt-get install -y -qq --no-install-recommends $*" \
		>"$folder/apt.log" 2>&1 || {
		cat "$folder/apt.log" >&2
		exit 1
	}
}
