#!/bin/sh
# Builds ttyd for the tests in this folder, from Debian's source package: releases of Debian before 14 have no ttyd to
# install. Needs a C compiler and libwebsockets-dev, libjson-c-dev, libuv1-dev, zlib1g-dev, libssl-dev. apt checks the
# source against Debian's keys, in folders of its own: nothing of this machine's apt is changed.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/node_modules/.cache/image
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$target" "$work/lists/partial" "$work/cache/archives/partial" "$work/source"
printf 'deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main\n' >"$work/sources.list"
: >"$work/status"
cd "$work/source"
apt_source() {
  apt-get -q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o "Dir::State::status=$work/status" \
    -o APT::Sandbox::User=root "$@"
}
apt_source update
# A mirror may lag behind with Debian's own part of the package, which is not used here.
apt_source source --download-only ttyd || true
tar -xf ttyd_*.orig.tar.*
cd ttyd-*/
version=$(basename "$PWD" | sed 's/^ttyd-//')
cc -O2 -o "$target/ttyd" "-DTTYD_VERSION=\"$version\"" -D_GNU_SOURCE -I/usr/include/json-c src/*.c \
  -lwebsockets -ljson-c -luv -lz -lssl -lcrypto -lutil -lpthread
"$target/ttyd" --version
