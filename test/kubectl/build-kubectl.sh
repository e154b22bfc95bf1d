#!/bin/sh
# Builds kubectl of another minor version than this machine has, from its Go module, for the engine's conformance list:
#   sh test/kubectl/build-kubectl.sh 1.29.15
# Needs Go and about two minutes of CPU for each; what is built already stays.
set -eu
version=${1:?a version of kubectl, such as 1.29.15}
rest=${version#*.}
minor=${rest%%.*}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=$root/node_modules/.cache/kubectl
program=$target/kubectl-$version
if [ -x "$program" ]; then
  echo "$program"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$target"
cd "$work"
cat >main.go <<'GO'
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	// Sign-in to clusters, as the published program has it.
	_ "k8s.io/client-go/plugin/pkg/client/auth"
)

func main() {
	command := cmd.NewDefaultKubectlCommand()
	if err := cli.RunNoErrOutput(command); err != nil {
		util.CheckErr(err)
	}
	os.Exit(0)
}
GO
go mod init kubectl >/dev/null 2>&1
go get "k8s.io/kubectl@v0.$rest" "k8s.io/component-base@v0.$rest" "k8s.io/client-go@v0.$rest" >/dev/null
go mod tidy >/dev/null 2>&1
package=k8s.io/component-base/version
CGO_ENABLED=0 go build -mod=mod \
  -ldflags "-s -w -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=$minor" \
  -o "$program.new" .
mv "$program.new" "$program"
echo "$program"
