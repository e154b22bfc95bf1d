#!/bin/bash -p
# check-image.sh IMAGE           runs the checks in a container of that image (docker or podman)
# check-image.sh --root FOLDER   runs them in that root file system (bubblewrap), with programs of this machine's kernel
# check-image.sh --inside        what the two above start; needs nothing that the contract does not ask for
#
# Checks what docs/custom-image.md asks of a sandbox image. It runs as on a cluster: uid 1001, no capabilities, no new
# privileges, a read-only root, with /workspace, /home/developer and /tmp writable. Prints one line a check and ends with
# 1 where one failed.
set -uo pipefail

# Drawn, because this file itself is looked through below.
TOKEN="check-$(</proc/sys/kernel/random/uuid)"
readonly TOKEN
failed=0

ok() { printf 'ok    %s\n' "$*"; }
note() { printf 'note  %s\n' "$*"; }
bad() {
  printf 'FAIL  %s\n' "$*"
  failed=$((failed + 1))
}
# check <sentence> <command ...>
check() {
  local sentence=$1
  shift
  if "$@" >/dev/null 2>&1; then ok "$sentence"; else bad "$sentence"; fi
}
# eventually <seconds> <command ...>
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}

# --- Inside: the file system ------------------------------------------------------------------------------------------

is_developer() { [[ $(id -u):$(id -g):$(id -un) == 1001:1001:developer ]]; }
has_home() { [[ $(getent passwd 1001) == developer:*:1001:1001:*:/home/developer:/bin/bash ]]; }
writable() { [[ -d $1 && -w $1 ]]; }
not_writable() { [[ -e $1 && ! -w $1 && ! -O $1 ]]; }
gnu_tools() {
  [[ $(realpath -m -- /nowhere/..) == / && $(stat -c %s -- /dev/null) == 0 ]] && mv --help | grep -q -- -T &&
    ln --help | grep -q -- -T && chmod --help | grep -q -- --reference
}
modern_tmux() { [[ $(tmux -V) =~ ([0-9]+)\.([0-9]+) ]] && ((BASH_REMATCH[1] * 100 + BASH_REMATCH[2] >= 302)); }
modern_bash() { ((BASH_VERSINFO[0] >= 5)); }

check_files() {
  local program
  check 'the user is developer, uid 1001, gid 1001' is_developer
  check 'its home is /home/developer and its shell /bin/bash' has_home
  check '/workspace is a folder it can write to' writable /workspace
  check '/home/developer is a folder it can write to' writable /home/developer
  check '/tmp is a folder it can write to' writable /tmp
  check '/run/fullstackagent/env is there, to mount variables on' test -d /run/fullstackagent/env
  check 'the entrypoint cannot be changed by the user' not_writable "$entrypoint"
  # What the platform runs beside the shells.
  for program in sh bash cat cksum curl cut dirname find git grep gzip head ln ls mkdir mv readlink rm sed sleep sort tail tar tmux tr truncate; do
    check "$program is on the PATH" command -v "$program"
  done
  check 'chmod, realpath, stat, mv and ln are the GNU ones' gnu_tools
  check 'bash is 5 or newer' modern_bash
  check 'tmux is 3.2 or newer' modern_tmux
  for program in claude node npm python3 psql gh buildah podman rg jq sshd; do
    command -v "$program" >/dev/null || [[ -x /usr/sbin/$program ]] || note "no $program: people will miss it, the platform does not"
  done
}

# --- Inside: shells ---------------------------------------------------------------------------------------------------

new_shell() { FULLSTACKAGENT_ENV_DIR=$variables FULLSTACKAGENT_RUN_DIR=$variables/run bash -ic "$1" 2>/dev/null; }
# The new shell expands these, not this one.
# shellcheck disable=SC2016
sees() { [[ $(new_shell 'printf %s "$CHECK_VALUE"') == *"$1" ]]; }
# shellcheck disable=SC2016
shows_prompt() { [[ $(PROJECT_NAME=my-blog new_shell 'cd /workspace && printf %s "${PS1@P}"') == *developer@my-blog*:*/workspace* ]]; }

check_shells() {
  variables=$(mktemp -d)
  mkdir -p "$variables/run/.fullstackagent-welcomed"
  printf one >"$variables/CHECK_VALUE"
  check 'a new shell has the variables that are mounted' sees one
  printf two >"$variables/CHECK_VALUE"
  check 'the next one sees a change of them' sees two
  check 'the prompt is user@project:path' shows_prompt
  rm -rf -- "$variables"
}

# --- Inside: the terminal ---------------------------------------------------------------------------------------------

refuses_without_token() {
  local output code=0
  output=$(timeout 10 env -u TTYD_ACCESS_TOKEN "$entrypoint" 2>&1) || code=$?
  ((code != 0 && code != 124)) && [[ $output == *TTYD_ACCESS_TOKEN* ]]
}
# answers <status> <path> [curl options ...]
answers() {
  local status=$1 path=$2
  shift 2
  [[ $(curl -s -o /dev/null -m 5 -w '%{http_code}' "$@" "http://127.0.0.1:$port$path") == "$status" ]]
}
answers_at_all() { ! answers 000 /; }
# handshake [curl options ...]: whether a WebSocket is opened
handshake() {
  # 101 keeps the connection open, and curl waits: its time limit is what ends it.
  [[ $(curl -s -o /dev/null -m 2 -w '%{http_code}' -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
    -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: Y2hlY2staW1hZ2Utc2gxMg==' -H 'Sec-WebSocket-Protocol: tty' \
    "$@" "http://127.0.0.1:$port/ws?arg=check") == 101 ]]
}
refuses_handshake() { ! handshake -s && ! handshake -u user:wrong; }
# A process of another name space or of somebody who came and went cannot be read; what can be read is looked at.
token_is_readable() {
  local file
  for file in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do
    tr '\0' '\n' <"$file" 2>/dev/null | grep -Fq -f <(printf '%s\n' "$TOKEN" "$encoded") && return 0
  done
  grep -rFlq -f <(printf '%s\n' "$TOKEN" "$encoded") /tmp /home/developer /workspace /run 2>/dev/null
}
token_is_hidden() { ! token_is_readable; }
session_has_shell() {
  [[ $(tmux list-panes -t '=check:' -F '#{pane_current_path}' 2>/dev/null) == /workspace ]] &&
    grep -zqx 'FULLSTACKAGENT_SESSION=check' "/proc/$(tmux list-panes -t '=check:' -F '#{pane_pid}')/environ"
}
refuses_session() { ! timeout 10 "$1" "$2" </dev/null; }
ended() { ! kill -0 "$1" 2>/dev/null; }

check_terminal() {
  local pid encoded startup
  encoded=$(printf 'user:%s' "$TOKEN" | base64 -w 0)
  check 'the entrypoint refuses to start without TTYD_ACCESS_TOKEN and names it' refuses_without_token
  TTYD_ACCESS_TOKEN=$TOKEN "$entrypoint" &
  pid=$!
  check "port $port answers within a minute" eventually 60 answers_at_all
  check 'it wants a credential' answers 401 /
  check 'it refuses a wrong credential' answers 401 /token -u 'user:wrong'
  check 'it takes user:<token> as Basic authentication' answers 200 /token -u "user:$TOKEN"
  check 'ttyd serves its page' answers 200 / -u "user:$TOKEN"
  check 'a WebSocket needs the credential too' refuses_handshake
  check 'a WebSocket is opened with it' handshake -u "user:$TOKEN"
  check 'no process, argument or file has the token where a shell can read it' token_is_hidden
  startup=$(command -v ttyd-startup.sh)
  if [[ -n $startup ]]; then
    # shellcheck disable=SC2016
    for id in '../x' 'a b' '$(id)' '' "$(printf '%065d' 0)"; do
      check "the session id \"$id\" is refused" refuses_session "$startup" "$id"
    done
    # A terminal for it; TMUX would keep it from attaching inside another session.
    tmux new-session -d -s check-outer "env -u TMUX $startup check"
    check 'a session is a tmux session of its name, and its shell has FULLSTACKAGENT_SESSION' eventually 10 session_has_shell
  else
    note 'there is no ttyd-startup.sh: whether session ids are checked was not tried'
  fi
  kill -TERM "$pid" 2>/dev/null
  check 'SIGTERM ends it within ten seconds' eventually 9 ended "$pid"
}

inside() {
  entrypoint=${CHECK_ENTRYPOINT:-/usr/local/bin/entrypoint.sh}
  port=${TTYD_PORT:-7681}
  check_files
  check_shells
  check_terminal
  printf '%s failed\n' "$failed"
  ((failed == 0))
}

# --- Outside ----------------------------------------------------------------------------------------------------------

in_folder() {
  local root=$1 entry sandbox=()
  [[ -d $root/usr && -x $root/bin/bash ]] || { echo "$root is no root file system." >&2; return 2; }
  command -v bwrap >/dev/null || { echo 'This needs bubblewrap (bwrap).' >&2; return 2; }
  # As root, become the image's user first: inside, files then have the owners that they have in the image.
  if ((EUID == 0)); then
    sandbox=(setpriv --reuid 1001 --regid 1001 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all bwrap)
  else
    sandbox=(bwrap --uid 1001 --gid 1001)
    echo 'Not run as root: every file of the folder belongs to the user inside, so "cannot be changed" is not as in a container.'
  fi
  sandbox+=(--unshare-user --unshare-pid --unshare-ipc --unshare-net --die-with-parent --ro-bind "$root" / --proc /proc --dev /dev)
  for entry in /tmp /workspace /home/developer; do sandbox+=(--tmpfs "$entry"); done
  "${sandbox[@]}" --ro-bind "${BASH_SOURCE[0]}" /tmp/check-image.sh --chdir /workspace --clearenv \
    --setenv HOME /home/developer --setenv LANG C.UTF-8 \
    --setenv PATH /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --setenv CHECK_ENTRYPOINT "${CHECK_ENTRYPOINT:-/usr/local/bin/entrypoint.sh}" bash -p /tmp/check-image.sh --inside
}

in_container() {
  local image=$1 engine='' name user
  for name in docker podman; do "$name" info >/dev/null 2>&1 && engine=$name && break; done
  [[ -n $engine ]] || { echo 'Neither docker nor podman answers here. For a root file system as a folder: check-image.sh --root FOLDER' >&2; return 2; }
  user=$("$engine" image inspect --format '{{.Config.User}}' "$image") || return 2
  check 'the image starts as user 1001, by number' test "${user%%:*}" = 1001
  "$engine" run --rm -i --read-only --cap-drop ALL --security-opt no-new-privileges --network none \
    --tmpfs /tmp:exec,mode=1777 --tmpfs /workspace:exec,uid=1001,gid=1001 --tmpfs /home/developer:exec,uid=1001,gid=1001 \
    --user 1001:1001 --env CHECK_ENTRYPOINT --entrypoint /bin/bash "$image" -p -s -- --inside <"${BASH_SOURCE[0]}" || failed=$((failed + 1))
  ((failed == 0))
}

case ${1:-} in
  --inside) inside ;;
  --root) in_folder "$(realpath -- "${2:?--root needs a folder}")" ;;
  '' | -*)
    sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 64
    ;;
  *) in_container "$1" ;;
esac
