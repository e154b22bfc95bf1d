/** What the exit codes of {@link BUILD} mean, beside those of buildah itself. */
export const BUILD_EXITS = { noBuildah: 69, busy: 75, notAllowed: 77, nothingToBuild: 78 } as const;

/** Where everything of a build is, on the volume: layers stay for the next one, the rest goes with the build. */
const FOLDER = '"$HOME/.cache/fullstackagent/build"';

/**
 * Builds an image of the workspace with buildah, and keeps it as an OCI layout until its standard input ends. `$1`: what
 * begins the line that says that it is there; `$2`: the image that a workspace without a Dockerfile is built on; `$3`: how
 * its app is started, as JSON, or nothing.
 *
 * Whoever asked holds the input open: when the connection or the asker is gone, so is the build. One build at a time holds
 * the lock, whoever started it. buildah runs in a user namespace, so that it needs no right of its own; `chroot` because a
 * program in a pod cannot mount a /proc of its own. Files of a base image that belong to a user who is not in the
 * namespace belong to the builder meanwhile: what is pushed of them is what came.
 */
export const BUILD = `
set -eu
mark=$1 node_image=$2 start=$3
folder=${FOLDER}
mkdir -p -- "$folder"
exec 9>"$folder/lock"
flock -n 9 || exit ${BUILD_EXITS.busy}
command -v buildah >/dev/null 2>&1 || exit ${BUILD_EXITS.noBuildah}
[ "$(id -u)" = 0 ] || buildah unshare true </dev/null >/dev/null 2>&1 || exit ${BUILD_EXITS.notAllowed}

rm -rf -- "$folder/image" "$folder/tmp"
mkdir -p -- "$folder/tmp/run"
trap 'rm -rf -- "$folder/image" "$folder/tmp"' EXIT
trap 'exit 129' HUP TERM INT PIPE
export TMPDIR="$folder/tmp" XDG_RUNTIME_DIR="$folder/tmp/run"

set --
if [ -f Dockerfile ]; then set -- --file Dockerfile
elif [ -f Containerfile ]; then set -- --file Containerfile
elif [ -f package.json ] && [ -n "$start" ]; then
  cat >"$folder/tmp/Dockerfile" <<DOCKERFILE
FROM $node_image
WORKDIR /app
COPY . .
RUN if [ -f package-lock.json ]; then npm ci; \\
  elif [ -f pnpm-lock.yaml ]; then corepack pnpm install --frozen-lockfile; \\
  elif [ -f yarn.lock ]; then corepack yarn install; \\
  else npm install; fi
RUN npm run build --if-present
ENV NODE_ENV=production HOME=/tmp NPM_CONFIG_UPDATE_NOTIFIER=false
USER 1001:1001
EXPOSE 3000
CMD ["/bin/sh", "-c", $start]
DOCKERFILE
  set -- --file "$folder/tmp/Dockerfile"
  echo 'There is no Dockerfile: this one is made for it.'
  cat "$folder/tmp/Dockerfile"
  if [ ! -f .dockerignore ]; then
    printf '%s\\n' .git node_modules .env .env.local '.env.*.local' >"$folder/tmp/ignore"
    set -- "$@" --ignorefile "$folder/tmp/ignore"
  fi
else exit ${BUILD_EXITS.nothingToBuild}
fi

cat >"$folder/tmp/build.sh" <<'BUILD'
folder=$1
shift
driver=vfs
for one in overlay vfs; do
  if [ -d "$folder/storage/$one" ]; then driver=$one; break; fi
done
in_store() {
  buildah --root "$folder/storage" --runroot "$folder/tmp/run/containers" \\
    --storage-driver "$driver" --storage-opt "$driver.ignore_chown_errors=true" "$@"
}
# Layers that share their files, where the kernel and the volume can do that; found out once.
if [ ! -d "$folder/storage" ]; then
  driver=overlay
  in_store images >/dev/null 2>&1 || { driver=vfs; rm -rf -- "$folder/storage"; }
fi
in_store rm --all >/dev/null 2>&1
in_store build --isolation chroot --layers --tag localhost/workspace "$@" . || exit
# What no later build can begin with.
in_store rmi --prune >/dev/null 2>&1
in_store push --quiet localhost/workspace "oci:$folder/image:latest"
BUILD
exec 3<&0
# What runs in a build writes to a pipe of its own: buildah opens it again, which a socket refuses.
mkfifo "$folder/tmp/output"
cat <"$folder/tmp/output" 3<&- 9>&- &
printing=$!
# A group of its own, to be ended as one. Root's mounts would outlive it; others have them in a namespace anyway.
within=
[ "$(id -u)" != 0 ] || within='unshare --mount'
setsid $within sh "$folder/tmp/build.sh" "$folder" "$@" </dev/null >"$folder/tmp/output" 2>&1 3<&- &
building=$!
{ cat; kill -s TERM -- "-$building"; } <&3 >/dev/null 2>&1 9>&- &
watching=$!
code=0
wait "$building" || code=$?
kill -s KILL -- "-$building" 2>/dev/null || true
wait "$printing" || true
if [ "$code" != 0 ]; then
  kill "$watching" 2>/dev/null || true
  exit "$code"
fi
printf '\\n%s ready\\n' "$mark"
wait "$watching" || true
`;

/** One file of the image that {@link BUILD} keeps. `$1`: its path below the layout, made of what nobody has to quote. */
export const READ_IMAGE = `exec cat -- ${FOLDER}/image/"$1"`;
