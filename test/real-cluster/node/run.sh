#!/bin/bash
# A project from its commit to a running sandbox on a real node: builds what is missing, then runs node.test.ts in
# namespaces of its own. Needs root, Linux, Go and Debian's etcd-server, containerd, runc, containernetworking-plugins,
# iproute2, iptables, debootstrap, buildah, bubblewrap, docker-registry, busybox-static, gcc and curl, and kubectl; half an
# hour and 25 GB the first time, four minutes later. However it ends, its processes and mounts end with it, and the
# network and the settings of this machine stay as they are.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.." && pwd -P)
cache=$root/node_modules/.cache
cd -- "$root"
((EUID == 0)) || { echo 'This needs root: a kubelet makes control groups and mounts.' >&2; exit 1; }
for program in etcd containerd ctr runc ip iptables buildah debootstrap bwrap docker-registry busybox gcc curl kubectl go; do
  command -v "$program" >/dev/null || { echo "This needs $program." >&2; exit 1; }
done

npm run --silent build
version=$(sed -n 's/^version=//p' test/real-cluster/build-api-server.sh)
[[ $("$cache/real-cluster/kube-apiserver" --version 2>/dev/null || true) == *" v$version" ]] || sh test/real-cluster/build-api-server.sh
sh test/real-cluster/build-flux.sh
sh test/real-cluster/node/build-node.sh
# By what it is built from: another Dockerfile is another image.
sources=$({
  find runtime -path runtime/engine -prune -o -name node_modules -prune -o -type f -print0
  printf 'test/image/build-on-debian.sh\0'
} | sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-12)
image=$cache/image/sandbox-$sources.tar
if [[ ! -f $image ]]; then
  sh test/image/build-ttyd.sh
  test/image/build-on-debian.sh "$cache/image/debian" "$image"
fi

shopt -s nullglob
groups=(/sys/fs/cgroup/*/kubepods /sys/fs/cgroup/kubepods)
namespace=fullstackagent-node-$$
ip netns add "$namespace"
# shellcheck disable=SC2317 # the trap calls it
clean_up() {
  ip netns delete "$namespace"
  # Where there was a node before, they are that one's.
  if ((${#groups[@]} == 0)); then
    # Its processes leave them a moment after they were killed.
    for _ in {1..50}; do
      find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir -- {} + 2>/dev/null && break
      sleep 0.2
    done
  fi
}
trap clean_up EXIT
# Not `ip netns exec`: that hides the control groups. The first process of a namespace takes all others with it.
REAL_NODE=$image nsenter --net="/run/netns/$namespace" \
  unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
  npx vitest run --project journeys real-cluster/node/
