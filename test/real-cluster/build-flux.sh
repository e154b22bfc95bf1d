#!/bin/sh
# Builds the controllers of Flux that the tests in this folder start, from their Go modules: kustomize-controller whole,
# and of source-controller what fetches git (flux/git-source.go says why). Needs Go 1.25 or newer. Does nothing where
# both are there.
set -eu
version=1.7.3
here=$(cd "$(dirname "$0")" && pwd)
target=$(cd "$here/../.." && pwd)/node_modules/.cache/real-cluster
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$target"

# The module's folder, to be built in: a module of somebody else's cannot import what is internal to it.
unpack() {
  download=$(go mod download -json "github.com/fluxcd/$1@v$version")
  cp -r "$(printf '%s' "$download" | sed -n 's/.*"Dir": "\(.*\)",.*/\1/p')" "$work/$1"
  chmod -R u+w "$work/$1"
  cd "$work/$1"
  # In its repository that is a folder; published, it is a module like any other.
  go mod edit -dropreplace="github.com/fluxcd/$1/api"
}

# With the kinds that it waits for. All is named with the version: another one is built when this file names it.
build() {
  CGO_ENABLED=0 go build -mod=mod -ldflags '-s -w' -o "$work/built" .
  mkdir -p "$target/flux-crds-$version"
  cp config/crd/bases/*.yaml "$target/flux-crds-$version/"
  mv "$work/built" "$target/$1-$version"
  echo "$target/$1-$version"
}

if [ ! -x "$target/source-controller-$version" ]; then
  unpack source-controller
  rm -f internal/controller/bucket* internal/controller/helm* internal/controller/oci* internal/controller/*_test.go
  cp "$here/flux/git-source.go" main.go
  build source-controller
fi
if [ ! -x "$target/kustomize-controller-$version" ]; then
  unpack kustomize-controller
  build kustomize-controller
fi
