/**
 * Prints what became of a workspace's repository: POSIX shell with what every image has. What it reads is written by
 * `runtime/prepare-workspace.sh`, and shown by `.bashrc` to every shell.
 *
 * First line `settled`, `cloning`, `ended empty|used` or `failed empty|used`. After `cloning` and `ended` come the
 * address and the latest line of git, after `failed` what was said about it. `empty` is what the next start goes on with.
 */
export const READ_CLONE = `
set -u
run=\${FULLSTACKAGENT_RUN_DIR:-/tmp/fullstackagent}
workspace=\${FULLSTACKAGENT_WORKSPACE:-/workspace}
# Whoever works here may put something in the place of a file that never ends.
if command -v timeout >/dev/null; then limit='timeout 5'; else limit=; fi
fullness() {
  # A clone that is all there is moved to its place at the next start, whatever else lies there.
  if [ -d "$workspace/.fullstackagent-cloned" ]; then echo empty
  # A clone that did not come to its end, and what the file system put there, are not somebody's.
  elif ls -A -- "$workspace" | grep -Fvxq -e lost+found -e .fullstackagent-clone; then echo used
  else echo empty; fi
}
# Beside other files, git clones into a folder only.
cloned_by_hand() {
  [ ! -d "$workspace/.fullstackagent-cloned" ] || return 1
  for found in "$workspace/.git" "$workspace"/*/.git; do
    if [ -e "$found" ]; then return 0; fi
  done
  return 1
}
clones() {
  # Whoever was to take the file away may have been killed.
  pid=
  if [ -f "$run/cloning.pid" ]; then read -r pid <"$run/cloning.pid" || :; fi
  [ -z "$pid" ] || kill -0 "$pid" 2>/dev/null
}
if [ -f "$run/cloning" ] && { clones || ! cloned_by_hand; }; then
  if clones; then echo cloning; else echo "ended $(fullness)"; fi
  $limit head -c 2100 -- "$run/cloning" | head -n 1
  if [ -f "$run/clone.log" ]; then
    $limit tail -c 1000 -- "$run/clone.log" 2>/dev/null | tr '\\r' '\\n' | grep . | tail -n 1
  fi
elif [ -f "$run/clone-failed" ] && ! cloned_by_hand; then
  echo "failed $(fullness)"
  $limit head -c 8000 -- "$run/clone-failed"
else
  echo settled
fi
exit 0
`;
