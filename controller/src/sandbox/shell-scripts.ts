/**
 * What runs in a sandbox about its shells. POSIX shell with what every image has; a session's id comes as a word of the
 * command line.
 */
export const SHELL_EXITS = { missing: 66, unknown: 69 } as const;

/**
 * Finds `<session> <seconds since 1970> <process> <program in front>` for each. With tmux it says so itself. Without, a
 * shell is the oldest process of its session that leads a terminal; the kernel knows what is in front of that.
 */
const SHELLS = `
set -eu
from_tmux() {
  command -v tmux >/dev/null 2>&1 || return 0
  tmux list-panes -a -F '#{session_name} #{session_created} #{pane_pid} #{pane_current_command}' 2>/dev/null | while read -r session rest; do
    # A person's own tmux is none of ours.
    [ "$(tmux show-environment -t "=$session" FULLSTACKAGENT_SESSION 2>/dev/null)" = "FULLSTACKAGENT_SESSION=$session" ] || continue
    printf '%s %s\\n' "$session" "$rest"
  done
}
from_proc() {
  [ -r /proc/self/environ ] || exit ${SHELL_EXITS.unknown}
  found=' '
  for pid in $(ls /proc | grep '^[0-9]*$' | sort -n); do
    { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
    # After the name, which may have anything in it: state, parent, group, session, terminal, group in front.
    set -- \${line##*) }
    [ "$4" = "$pid" ] && [ "$5" != 0 ] && [ "$6" -gt 0 ] || continue
    words=$(tr '\\0' '\\n' 2>/dev/null <"/proc/$pid/environ") || continue
    printf '%s\\n' "$words" | grep -Fqx "FULLSTACKAGENT_POD_UID=\${FULLSTACKAGENT_POD_UID:-}" || [ -z "\${FULLSTACKAGENT_POD_UID:-}" ] || continue
    session=$(printf '%s\\n' "$words" | sed -n 's/^FULLSTACKAGENT_SESSION=//p' | head -n 1)
    case $session in '' | *[!A-Za-z0-9_-]*) continue ;; esac
    case $found in *" $session "*) continue ;; esac
    found="$found$session "
    printf '%s %s %s %s\\n' "$session" "$(stat -c %Y "/proc/$pid" 2>/dev/null || echo 0)" "$pid" "$(cat "/proc/$6/comm" 2>/dev/null || cat "/proc/$pid/comm" 2>/dev/null)"
  done
}
shells=$(from_tmux)
tmux=$shells
[ -n "$shells" ] || shells=$(from_proc)
`;

export const LIST_SHELLS = `${SHELLS}
printf '%s\\n' "$shells"
`;

/** `$1`: the session. SIGHUP is what a terminal sends that goes away; a shell passes it on to its jobs. */
export const END_SHELL = `wanted=$1
${SHELLS}
pid=$(printf '%s\\n' "$shells" | while read -r session _ pid _; do
  if [ "$session" = "$wanted" ]; then printf '%s' "$pid"; break; fi
done)
[ -n "$pid" ] || exit ${SHELL_EXITS.missing}
if [ -n "$tmux" ]; then exec tmux kill-session -t "=$wanted"; fi
kill -HUP "$pid" 2>/dev/null || exit 0
tries=0
while kill -0 "$pid" 2>/dev/null && [ $tries -lt 40 ]; do
  sleep 0.05
  tries=$((tries + 1))
done
kill -KILL "$pid" 2>/dev/null || :
`;
