#!/bin/sh
# install-packages.sh PACKAGE...: installs the Debian packages that are missing and says which.
# Calls apt only when something is missing; with sudo when not root. Never asks a question.
set -eu

missing=
for package in "$@"; do
	status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "Missing Debian packages, installing them with apt:$missing"
as_root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "Not root, and no sudo here: install them as root, then run this again." >&2
		exit 1
	}
	as_root=sudo
fi

apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null
}

install() {
	# shellcheck disable=SC2086 # a list of words
	apt install --no-install-recommends $missing
}

ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt update
install || { apt update && install; }
