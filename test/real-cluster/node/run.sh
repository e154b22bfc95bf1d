#!/bin/bash
# A project from its commit to a running sandbox on a real node: builds what is missing, then runs node.test.ts in a
# network namespace of its own. Needs root, Linux, Go and Debian's etcd-server, containerd, runc,
# containernetworking-plugins, iproute2, iptables, debootstrap, buildah and bubblewrap; half an hour and 25 GB the first
# time, two minutes later. The network, the mounts and the system's settings of this machine stay as they are.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.." && pwd -P)
cache=$root/node_modules/.cache
cd -- "$root"
((EUID == 0)) || { echo 'This needs root: a kubelet makes control groups and mounts.' >&2; exit 1; }
for program in etcd containerd ctr runc ip iptables buildah debootstrap bwrap go; do
  command -v "$program" >/dev/null || { echo "This needs $program." >&2; exit 1; }
done

npm run --silent build
[[ -x $cache/real-cluster/kube-apiserver ]] || sh test/real-cluster/build-api-server.sh
[[ -x $cache/real-cluster/sealed-secrets-controller ]] || sh test/real-cluster/node/build-node.sh
sh test/real-cluster/build-flux.sh
if [[ ! -f $cache/image/sandbox.tar ]]; then
  sh test/image/build-ttyd.sh
  test/image/build-on-debian.sh "$cache/image/debian" "$cache/image/sandbox.tar"
fi

namespace=fullstackagent-node-$$
ip netns add "$namespace"
trap 'ip netns delete "$namespace"' EXIT
# Not `ip netns exec`: that hides the control groups.
nsenter --net="/run/netns/$namespace" unshare --mount --propagation private \
  env REAL_NODE=1 npx vitest run --project journeys real-cluster/node/
