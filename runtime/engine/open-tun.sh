#!/bin/sh
# Runs a command with a /dev/net/tun that everybody may open, where the machine's own is root's alone: pasta leaves root
# before it opens it. What can be done with the device takes rights over a network, which the command has over its own.
# As root, in a mount namespace of its own: open-tun.sh <an empty folder> <command>...
set -eu
stage=$1
shift
mount -t tmpfs -o mode=755,size=64k tmpfs "$stage"
mknod -m 666 "$stage/tun" c 10 200
mount --bind "$stage/tun" /dev/net/tun
exec "$@"
