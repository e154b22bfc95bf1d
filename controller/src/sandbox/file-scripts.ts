/**
 * What runs in a sandbox for files. POSIX shell with what every image has; all that somebody typed comes as a word of
 * the command line and is never read as a program. Exit codes tell what was wrong.
 */
export const FILE_EXITS = { outside: 65, missing: 66, noFolder: 67, clash: 73, mismatch: 74 } as const;

/**
 * `$1`: the terminal session, or empty. `root` is where paths begin: the session's current folder, or the workspace.
 * With tmux the session says it; without, the oldest process of this sandbox that belongs to the session.
 */
const ROOT = `
set -eu
workspace=$(pwd -P)
root=$workspace
if [ -n "$1" ]; then
  found=
  if command -v tmux >/dev/null 2>&1; then
    found=$(tmux display-message -p -t "=$1:" '#{pane_current_path}' 2>/dev/null) || found=
  fi
  if [ -z "$found" ]; then
    for pid in $(ls /proc 2>/dev/null | grep '^[0-9]*$' | sort -n); do
      words=$(tr '\\0' '\\n' 2>/dev/null <"/proc/$pid/environ") || continue
      printf '%s\\n' "$words" | grep -Fqx "FULLSTACKAGENT_SESSION=$1" || continue
      printf '%s\\n' "$words" | grep -Fqx "FULLSTACKAGENT_POD_UID=\${FULLSTACKAGENT_POD_UID:-}" || [ -z "\${FULLSTACKAGENT_POD_UID:-}" ] || continue
      found=$(readlink "/proc/$pid/cwd") || found=
      # One that outlived its shell may stand in a folder that is gone.
      [ -d "$found" ] && break
    done
  fi
  if [ -n "$found" ] && [ -d "$found" ]; then root=$(cd "$found" && pwd -P); fi
fi
inside() {
  case "$1/" in "\${root%/}"/*) ;; *) exit ${FILE_EXITS.outside} ;; esac
}
`;

/** `$2`: path. First line: `file <size>` or `folder`, then the content; a folder comes as a gzipped tar. */
export const DOWNLOAD = `${ROOT}
target=$(realpath -m -- "$root/$2")
inside "$target"
if [ -d "$target" ]; then
  printf 'folder\\n'
  exec tar -C "$(dirname -- "$target")" -czf - -- "$(basename -- "$target")"
fi
[ -f "$target" ] || exit ${FILE_EXITS.missing}
printf 'file %s\\n' "$(stat -c %s -- "$target")"
exec cat -- "$target"
`;

/** `$2`: path, `$3`: upload. The part lies beside its place, so that the last step is a rename. */
const PART = `${ROOT}
target=$root/$2
folder=$(dirname -- "$target")
inside "$(realpath -m -- "$folder")"
part=$folder/.$3-$(printf %s "$2" | cksum | cut -d ' ' -f 1).part
`;

/** Prints `<bytes received> <0 or 1: the name is taken>`. */
export const UPLOAD_STATE = `${PART}
received=0
[ -f "$part" ] && received=$(stat -c %s -- "$part")
exists=0
if [ -e "$target" ] || [ -L "$target" ]; then exists=1; fi
printf '%s %s\\n' "$received" "$exists"
`;

/** Forgets what came of an upload, also where its session has gone to another folder since, or has ended. */
export const UPLOAD_CANCEL = `${PART}
if [ -e "$part" ]; then
  rm -f -- "$part"
else
  find "$workspace" -xdev -type f -name "\${part##*/}" -exec rm -f -- {} + 2>/dev/null || :
fi
`;

/** `$4`: offset, `$5`: size of the whole, `$6`: clash. Standard input: the bytes from the offset on. Prints the path. */
export const UPLOAD = `${PART}
mkdir -p -- "$folder" || exit ${FILE_EXITS.noFolder}
inside "$(realpath -- "$folder")"
[ -L "$part" ] && exit ${FILE_EXITS.outside}
if [ "$4" = 0 ]; then : >"$part"; fi
[ -f "$part" ] || exit ${FILE_EXITS.mismatch}
[ "$(stat -c %s -- "$part")" -ge "$4" ] || exit ${FILE_EXITS.mismatch}
truncate -s "$4" -- "$part"
cat >>"$part"
[ "$(stat -c %s -- "$part")" = "$5" ] || exit ${FILE_EXITS.mismatch}
case $6 in
  replace)
    [ -d "$target" ] && exit ${FILE_EXITS.clash}
    # A script that is replaced stays one that can be run.
    if [ -f "$target" ] && [ ! -L "$target" ]; then chmod --reference="$target" -- "$part"; fi
    mv -fT -- "$part" "$target" ;;
  *)
    place=$target
    count=1
    until ln -T -- "$part" "$place" 2>/dev/null; do
      [ -e "$place" ] || [ -L "$place" ] || exit 1
      [ "$6" = keep-both ] || exit ${FILE_EXITS.clash}
      name=$(basename -- "$target")
      case $name in
        ?*.*) place=$folder/\${name%.*}-$count.\${name##*.} ;;
        *) place=$folder/$name-$count ;;
      esac
      count=$((count + 1))
    done
    rm -f -- "$part"
    target=$place ;;
esac
printf '%s\\n' "$target"
`;
