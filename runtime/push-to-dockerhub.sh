#!/bin/bash
# push-to-dockerhub.sh [name]
#
# Builds the image for amd64 and arm64 and pushes it to Docker Hub, as <name>:<VERSION>, <name>:<major>.<minor> and
# <name>:latest; name is fullstackagent/sandbox. A version that is there already is not overwritten.
#
# Log in before (`docker login`). In a pipeline: DOCKERHUB_USERNAME, and DOCKERHUB_TOKEN, which reaches the engine over
# its standard input and no command line.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)

fail() {
  printf 'push-to-dockerhub.sh: %s\n' "$*" >&2
  exit 1
}

name=${1:-fullstackagent/sandbox}
[[ $name =~ ^[a-z0-9]+([._-][a-z0-9]+)*/[a-z0-9]+([._-][a-z0-9]+)*$ ]] || fail "\"$name\" is no name on Docker Hub, like fullstackagent/sandbox."
version=$(<"$here/VERSION")
docker info >/dev/null 2>&1 || fail 'Docker does not answer here, so nothing was pushed. build.sh also builds with podman or buildah.'
[[ -z $(git -C "$here" status --porcelain -- .) ]] || fail "There are changes in $here that are no commit. What is pushed has to be found again."

if [[ -n ${DOCKERHUB_TOKEN:-} ]]; then
  printf '%s' "$DOCKERHUB_TOKEN" | docker login --username "${DOCKERHUB_USERNAME:?DOCKERHUB_USERNAME is not set}" --password-stdin
fi
if docker manifest inspect "docker.io/$name:$version" >/dev/null 2>&1; then
  fail "$name:$version is there already. Raise the version in VERSION."
fi

tags=(--tag "docker.io/$name:$version")
# A preview (0.2.0-rc.1) is found by its own name only.
if [[ $version != *-* ]]; then
  tags+=(--tag "docker.io/$name:${version%.*}" --tag "docker.io/$name:latest")
fi
CONTAINER_ENGINE=docker exec "$here/build.sh" --platform linux/amd64,linux/arm64 --push "${tags[@]}"
