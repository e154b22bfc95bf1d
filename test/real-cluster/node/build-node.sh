#!/bin/sh
# Builds what a node of Kubernetes runs, and Sealed Secrets, from their Go modules: beside the API server that
# build-api-server.sh makes. Needs Go 1.25 or newer and about eight minutes of CPU; containerd and runc come from the
# system's packages. Does nothing where all of it is there.
set -eu
version=1.34.4
modules=0.34.4
sealed_secrets=0.36.0
root=$(cd "$(dirname "$0")/../../.." && pwd)
# Named with the versions: others are built when this file names them.
target=$root/node_modules/.cache/real-cluster/node-$version-$sealed_secrets
[ ! -x "$target/sealed-secrets-controller" ] || exit 0
programs='kubelet kube-controller-manager kube-scheduler kube-proxy'
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir -p "$target" "$work/kubernetes"

cd "$work/kubernetes"
download=$(go mod download -json "k8s.io/kubernetes@v$version")
kubernetes=$(printf '%s' "$download" | sed -n 's/.*"GoMod": "\(.*\)",.*/\1/p')
{
  printf 'module node\n\ngo 1.24.0\n\ngodebug default=go1.24\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$version"
  # Its own modules are folders of its repository; published, they are modules of another version number.
  sed -n "s#^\t\(k8s.io/[a-z-]*\) => ./staging/.*#\t\1 => \1 v$modules#p" "$kubernetes"
  printf ')\n'
} >go.mod
{
  printf '//go:build tools\n\npackage node\n\nimport (\n'
  for program in $programs; do printf '\t_ "k8s.io/kubernetes/cmd/%s"\n' "$program"; done
  printf ')\n'
} >tools.go
go mod tidy -e
package=k8s.io/component-base/version
for program in $programs; do
  CGO_ENABLED=0 go build -mod=mod \
    -ldflags "-s -w -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=34" \
    -o "$target/$program" "k8s.io/kubernetes/cmd/$program"
  echo "$target/$program"
done

source=$(go mod download -json "github.com/bitnami-labs/sealed-secrets@v$sealed_secrets" | sed -n 's/.*"Dir": "\(.*\)",.*/\1/p')
cp -R "$source" "$work/sealed-secrets"
chmod -R u+w "$work/sealed-secrets"
cd "$work/sealed-secrets"
CGO_ENABLED=0 go build -ldflags "-s -w -X main.VERSION=$sealed_secrets" -o "$target/sealed-secrets-controller" ./cmd/controller
echo "$target/sealed-secrets-controller"
