# Shared by the commands in this folder; source it from the project's root.

say() {
	printf '\033[1m==>\033[0m %s\n' "$*"
}

# Install the Debian packages that are missing, and nothing else.
need_packages() {
	missing=()
	for package in "$@"; do
		if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$'; then
			missing+=("$package")
		fi
	done
	[ ${#missing[@]} -eq 0 ] && return
	say "installing ${missing[*]}"
	as_root=()
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "Missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}" >&2
			exit 1
		}
		as_root=(sudo)
	fi
	"${as_root[@]}" apt-get update -qq
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Node, and the packages of the folder's package-lock.json if they are not there or older than it.
need_node_packages() {
	if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
		need_packages nodejs npm
	fi
	[ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] && return
	say "installing the npm packages of $1"
	(cd "$1" && npm ci --no-audit --no-fund --loglevel=error)
	touch "$1/node_modules/.package-lock.json"
}

build_packages=(build-essential cmake ninja-build pkg-config libwebsockets-dev libwebsockets-evlib-uv
	libuv1-dev libssl-dev libcjson-dev libqrencode-dev libcurl4-openssl-dev libsystemd-dev libunistring-dev uthash-dev
	libhiredis-dev
	esbuild brotli gzip)
fuzz_packages=(libcmocka-dev clang libclang-rt-dev)

# Configure once, then build what has changed.
build() {
	say "building $1"
	if [ ! -f "build/$1/build.ninja" ]; then
		cmake --preset "$1" -G Ninja >"/tmp/nakodo-configure.$$" 2>&1 || {
			cat "/tmp/nakodo-configure.$$" >&2
			rm -f "/tmp/nakodo-configure.$$"
			exit 1
		}
		rm -f "/tmp/nakodo-configure.$$"
	fi
	cmake --build --preset "$1"
}
