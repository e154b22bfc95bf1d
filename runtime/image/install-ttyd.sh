#!/bin/bash
# install-ttyd.sh <version> <amd64|arm64> [sha256]
#
# Installs ttyd's release for this architecture, checked against the publisher's SHA256SUMS of the same release. That
# finds a damaged download. It does not find a publisher whose account was taken over: give the checksum that you trust
# as third argument for that (build arguments TTYD_SHA256_AMD64 and TTYD_SHA256_ARM64).
set -euo pipefail
version=$1 architecture=$2 pinned=${3:-}
base=${TTYD_RELEASES:-https://github.com/tsl0922/ttyd/releases/download}
target=${TTYD_TARGET:-/usr/local/bin/ttyd}
case $architecture in
  amd64) asset=ttyd.x86_64 ;;
  arm64) asset=ttyd.aarch64 ;;
  *) echo "ttyd is not taken for $architecture." >&2; exit 1 ;;
esac
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"

download() { curl -fsSL --proto '=https' --proto-redir '=https' -o "$1" -- "$base/$version/$1"; }
download "$asset"
download SHA256SUMS
# One line for this file and no other, or there is nothing to check.
awk -v asset="$asset" '$2 == asset || $2 == "*" asset' SHA256SUMS >wanted
[[ $(wc -l <wanted) == 1 ]] || { echo "SHA256SUMS of ttyd $version does not name $asset once." >&2; exit 1; }
sha256sum --check --strict --quiet wanted
if [[ -n $pinned ]]; then printf '%s  %s\n' "$pinned" "$asset" | sha256sum --check --strict --quiet; fi
install -D -m 0755 -- "$asset" "$target"
