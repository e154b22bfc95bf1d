#!/bin/bash
# build.sh [--platform linux/amd64,linux/arm64] [--tag NAME] [--push] [-- further arguments of the engine]
#
# Builds the sandbox image with docker (buildx), podman or buildah, whichever is there; CONTAINER_ENGINE chooses one.
# The tag is fullstackagent/sandbox:<VERSION> without --tag. Versions are build arguments: see the ARGs in Dockerfile.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

fail() {
  printf 'build.sh: %s\n' "$*" >&2
  exit 1
}

engine_works() {
  case $1 in
    docker) docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1 ;;
    podman | buildah) "$1" info >/dev/null 2>&1 ;;
    *) return 1 ;;
  esac
}

choose_engine() {
  local name
  if [[ -n ${CONTAINER_ENGINE:-} ]]; then
    engine_works "$CONTAINER_ENGINE" || fail "CONTAINER_ENGINE is \"$CONTAINER_ENGINE\", and it is not docker, podman or buildah, or does not answer."
    engine=$CONTAINER_ENGINE
    return
  fi
  for name in docker podman buildah; do
    if command -v "$name" >/dev/null && engine_works "$name"; then
      engine=$name
      return
    fi
  done
  fail 'No container engine answers here, so nothing was built. Install docker with buildx, podman or buildah and start it. The scripts of the image are tested without one: npm test -- --project image'
}

read_version() {
  version=$(<VERSION)
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || fail "VERSION holds \"$version\", which is no version."
}

engine='' version='' platform='' push='' tags=() further=()
read_version
while (($# > 0)); do
  case $1 in
    --platform) platform=${2:?--platform needs a value}; shift 2 ;;
    --tag) tags+=("${2:?--tag needs a value}"); shift 2 ;;
    --push) push=yes; shift ;;
    --) shift; further=("$@"); break ;;
    *) fail "Unknown argument: $1" ;;
  esac
done
((${#tags[@]} > 0)) || tags=("fullstackagent/sandbox:$version")
choose_engine

# The time of the commit, not of the build: the same source gives the same labels.
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
created=$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo 1970-01-01T00:00:00Z)
arguments=(--build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "CREATED=$created")
[[ -z $platform ]] || arguments+=(--platform "$platform")

case $engine in
  docker)
    for tag in "${tags[@]}"; do arguments+=(--tag "$tag"); done
    if [[ -n $push ]]; then
      arguments+=(--push --provenance=true --sbom=true)
    elif [[ $platform != *,* ]]; then
      # Several platforms cannot be loaded into docker's own store; they stay in the build cache.
      arguments+=(--load)
    fi
    docker buildx build "${arguments[@]}" "${further[@]}" .
    ;;
  podman | buildah)
    # One list of images for all platforms; format docker, because OCI's has no SHELL.
    list=${tags[0]}
    "$engine" manifest rm "$list" >/dev/null 2>&1 || true
    "$engine" build --format docker --manifest "$list" "${arguments[@]}" "${further[@]}" .
    if [[ -n $push ]]; then
      for tag in "${tags[@]}"; do "$engine" manifest push --all "$list" "docker://$tag"; done
    fi
    ;;
esac
printf 'Built %s with %s.\n' "${tags[*]}" "$engine"
