#!/bin/sh
# Builds the API server that the tests in this folder start, from its Go module. Needs Go 1.24 or newer and about six
# minutes of CPU; etcd comes from the system's packages (Debian: etcd-server).
set -eu
version=1.34.4
modules=0.34.4
root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/node_modules/.cache/real-cluster
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$target"
cd "$work"
download=$(go mod download -json "k8s.io/kubernetes@v$version")
kubernetes=$(printf '%s' "$download" | sed -n 's/.*"GoMod": "\(.*\)",.*/\1/p')
{
  printf 'module apiserver\n\ngo 1.24.0\n\ngodebug default=go1.24\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$version"
  # Its own modules are folders of its repository; published, they are modules of another version number.
  sed -n "s#^\t\(k8s.io/[a-z-]*\) => ./staging/.*#\t\1 => \1 v$modules#p" "$kubernetes"
  printf ')\n'
} >go.mod
printf '//go:build tools\n\npackage apiserver\n\nimport _ "k8s.io/kubernetes/cmd/kube-apiserver"\n' >tools.go
go mod tidy -e
package=k8s.io/component-base/version
CGO_ENABLED=0 go build -mod=mod \
  -ldflags "-s -w -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=34" \
  -o "$target/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
echo "$target/kube-apiserver"
