#!/bin/bash
# add-repository.sh <name> <address of the key> <fingerprints, comma-separated> <address> <suite> <components>
#
# Adds an apt repository whose key is checked first: each key in the file has to be one of those named. apt then checks
# each package against it.
set -euo pipefail
(($# == 6)) || { echo 'usage: add-repository.sh <name> <key address> <fingerprints> <address> <suite> <components>' >&2; exit 64; }
name=$1 key_address=$2 expected=",$3," address=$4 suite=$5 components=$6
keyrings=${KEYRINGS:-/etc/apt/keyrings} sources=${SOURCES:-/etc/apt/sources.list.d}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
export GNUPGHOME=$work

curl -fsSL --proto '=https' --proto-redir '=https' -o "$work/key" -- "$key_address"
# A record "pub" begins each key, the first "fpr" after it is its fingerprint; those of subkeys follow later.
found=$(gpg --batch --quiet --no-keyring --show-keys --with-colons "$work/key" | awk -F: '$1 == "pub" { wanted = 1 } $1 == "fpr" && wanted { print $10; wanted = 0 }')
[[ -n $found ]] || { echo "$key_address holds no key." >&2; exit 1; }
while read -r fingerprint; do
  [[ $expected == *",$fingerprint,"* ]] || { echo "$key_address holds the key $fingerprint, which is none of those expected." >&2; exit 1; }
done <<<"$found"

mkdir -p -- "$keyrings" "$sources"
if grep -q 'BEGIN PGP' "$work/key"; then
  gpg --batch --quiet --no-keyring --dearmor --output "$keyrings/$name.gpg" "$work/key"
else
  cp -- "$work/key" "$keyrings/$name.gpg"
fi
chmod 0644 "$keyrings/$name.gpg"
printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\nSigned-By: %s\n' "$address" "$suite" "$components" "$keyrings/$name.gpg" \
  >"$sources/$name.sources"
