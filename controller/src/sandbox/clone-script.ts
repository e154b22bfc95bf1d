/**
 * Prints what became of a workspace's repository: POSIX shell with what every image has. What it reads is written by
 * `runtime/prepare-workspace.sh`, and shown by `.bashrc` to every shell, under the same conditions as here.
 *
 * First line `settled`, `cloning`, `ended` or `failed empty|used`. After `cloning` and `ended` come the address and the
 * latest line of git, after `failed` what was said about it.
 */
export const READ_CLONE = `
set -u
run=\${FULLSTACKAGENT_RUN_DIR:-/tmp/fullstackagent}
workspace=\${FULLSTACKAGENT_WORKSPACE:-/workspace}
fullness() {
  # A clone that did not come to its end, and what the file system put there, are not somebody's.
  if ls -A -- "$workspace" | grep -Fvxq -e lost+found -e .fullstackagent-clone; then echo used; else echo empty; fi
}
if [ -f "$run/cloning" ]; then
  # Whoever was to take the file away may have been killed.
  pid=
  if [ -f "$run/cloning.pid" ]; then read -r pid <"$run/cloning.pid" || :; fi
  if [ -z "$pid" ] || kill -0 "$pid" 2>/dev/null; then echo cloning; else echo ended; fi
  head -c 2100 -- "$run/cloning" | head -n 1
  tail -c 1000 -- "$run/clone.log" 2>/dev/null | tr '\\r' '\\n' | grep . | tail -n 1
elif [ -f "$run/clone-failed" ] && [ ! -e "$workspace/.git" ]; then
  echo "failed $(fullness)"
  head -c 8000 -- "$run/clone-failed"
else
  echo settled
fi
exit 0
`;
