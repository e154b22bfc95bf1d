# The start of every shell in a sandbox, in the image and on the local engine. Bash 5, of other programs only coreutils.
# Your own settings go into ~/.bashrc.local: it is read after all of this except the welcome, and this file is replaced
# with each new image.

case $- in *i*) ;; *) return ;; esac

# What the platform says, before a variable of the project can say something else.
__fsa_consent_file=${FULLSTACKAGENT_CONSENT_FILE:-}
__fsa_tools=${FULLSTACKAGENT_TOOLS_DIR:-}
__fsa_run=${FULLSTACKAGENT_RUN_DIR:-/tmp}

# --- Variables of the project ---------------------------------------------------------------------------------------
# Each is a file. Reading them here is what makes a changed variable reach every new shell without a restart. `read`
# up to a NUL takes the bytes as they are, line ends at the end included; nothing is ever evaluated.
__fsa_variables() {
  # Bytes, not characters: neither lengths nor values depend on the language.
  local LC_ALL=C file name value
  [[ -d ${FULLSTACKAGENT_ENV_DIR:-} ]] || return 0
  for file in "$FULLSTACKAGENT_ENV_DIR"/*; do
    name=${file##*/}
    [[ -f $file && $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
    # What bash itself holds read-only cannot be set, and would end this shell.
    case $name in BASHOPTS | BASH_VERSINFO | EUID | PPID | SHELLOPTS | UID) continue ;; esac
    # They are for the start of the sandbox, and one of them is long.
    case $name in FULLSTACKAGENT_REPOSITORY* | FULLSTACKAGENT_SYSTEM_PROMPT | FULLSTACKAGENT_GIT_*) continue ;; esac
    value=
    IFS= read -r -d '' value <"$file"
    # Linux starts no program with a longer one: every command would fail.
    if ((${#name} + ${#value} > 131000)); then
      printf '%s is too long for a variable. Read it from %s\n' "$name" "$file"
      continue
    fi
    # Global, because a project may call its own variables "name" and "file" too.
    declare -gx "$name=$value"
  done
}
__fsa_variables
unset -f __fsa_variables

# --- The shell -------------------------------------------------------------------------------------------------------
HISTFILE=$HOME/.bash_history
HISTSIZE=20000
HISTFILESIZE=40000
HISTCONTROL=ignoreboth
shopt -s histappend checkwinsize globstar
# Each command is in the history at once, so that another shell, or the next one after a crash, finds it.
PROMPT_COMMAND='history -a'

__fsa_workspace=${FULLSTACKAGENT_WORKSPACE:-/workspace}
# The path as people know it: the workspace is /workspace wherever its folder really is.
__fsa_path() {
  case $PWD/ in
    "$__fsa_workspace"/*) printf '/workspace%s' "${PWD#"$__fsa_workspace"}" ;;
    "$HOME"/*) printf '~%s' "${PWD#"$HOME"}" ;;
    *) printf '%s' "$PWD" ;;
  esac
}
PS1='\[\e[32m\]\u@${PROJECT_NAME:-sandbox}\[\e[0m\]:\[\e[34m\]$(__fsa_path)\[\e[0m\]\$ '

alias ls='ls --color=auto' ll='ls -alF' grep='grep --color=auto'

# --- Claude Code ------------------------------------------------------------------------------------------------------
# Without isolation (the local engine alone) a sandbox is a process of the person who runs the platform. The engine then
# names a file, which is there once that person has said that an agent may run so.
__fsa_may_run_agent() { [[ -z $__fsa_consent_file || -e $__fsa_consent_file ]]; }

# Typed by hand it asks instead, once for each time. No more than a question: `command claude`, or the program's path,
# go past it.
# shellcheck disable=SC2120 # it is typed with arguments
function claude {
  local answer
  if ! __fsa_may_run_agent; then
    printf 'Sandboxes are not isolated on this machine: Claude Code can read, change and run all that its owner can.\n' >&2
    read -r -p 'Run it this once? [y/N] ' answer 2>/dev/tty </dev/tty || return 1
    [[ $answer == [yY]* ]] || return 1
  fi
  # Somebody has it now: a later shell does not start it by itself any more.
  rmdir "$__fsa_run/.fullstackagent-agent-waits" 2>/dev/null
  command claude "$@"
}

[[ -f $HOME/.bashrc.local ]] && . "$HOME/.bashrc.local"

# --- The repository that the workspace begins with --------------------------------------------------------------------
# While it is on its way (prepare-workspace.sh), an empty folder would look like all there is.
__fsa_await_clone() {
  # What a server says is shown: no character of it may be a command for the terminal.
  local LC_ALL=C run=$__fsa_run skip='' url pid text
  IFS= read -r url <"$run/cloning" || return 0
  printf 'Cloning %s into /workspace. Ctrl-C opens the shell before it is done.\n' "$url"
  trap 'skip=yes' INT
  while [[ -z $skip && -f $run/cloning ]]; do
    # Whoever was to take the file away may have been killed.
    if [[ -s $run/cloning.pid ]]; then read -r pid <"$run/cloning.pid"; else pid=$$; fi
    kill -0 "$pid" 2>/dev/null || break
    text=$(<"$run/clone.log")
    text=${text%$'\r'}
    text=${text##*[$'\r\n']}
    text=${text//[^[:print:]]/}
    # Only where git begins, which is a folder that nobody has to know.
    [[ $text == 'Cloning into '* ]] && text=
    printf '\r\e[K  %s' "${text:0:70}"
    sleep 0.2
  done 2>/dev/null
  trap - INT
  printf '\r\e[K'
}
[[ -f $__fsa_run/cloning ]] && __fsa_await_clone
unset -f __fsa_await_clone
# Once it was cloned by hand, into a folder of its own where there are other files, it is no news.
[[ -f $__fsa_run/clone-failed && ! -e $__fsa_workspace/.git ]] && ! compgen -G "$__fsa_workspace/*/.git" >/dev/null &&
  printf '\e[1;31m%s\e[0m\n\n' "$(<"$__fsa_run/clone-failed")"

# A key, a login of an earlier day on the volume, or a cloud's own credentials.
__fsa_has_credentials() {
  [[ -n ${ANTHROPIC_API_KEY:-}${ANTHROPIC_AUTH_TOKEN:-}${CLAUDE_CODE_OAUTH_TOKEN:-} ]] && return 0
  [[ ${CLAUDE_CODE_USE_BEDROCK:-0} != 0 || ${CLAUDE_CODE_USE_VERTEX:-0} != 0 ]] && return 0
  [[ -s ${CLAUDE_CONFIG_DIR:-$HOME/.claude}/.credentials.json ]]
}

# Sets __fsa_missing to what keeps Claude Code from starting by itself: off, program, credentials, consent or nothing.
__fsa_look_for_obstacles() {
  __fsa_missing=
  if [[ ${FULLSTACKAGENT_AGENT:-claude} != claude || -n ${FULLSTACKAGENT_NO_CLAUDE:-} ]]; then
    __fsa_missing=off
  elif ! type -P claude >/dev/null; then
    __fsa_missing=program
  elif ! __fsa_has_credentials; then
    __fsa_missing=credentials
  elif ! __fsa_may_run_agent; then
    __fsa_missing=consent
  fi
}

__fsa_say_what_is_missing() {
  case $__fsa_missing in
    program)
      # An image without it is somebody's choice; on one machine it can be added.
      [[ -z $__fsa_tools ]] ||
        printf 'Claude Code is not installed here. An operator can add it: page Operations of the portal, or npm run tools -- install\n'
      ;;
    credentials)
      printf 'Claude Code waits for a key or a login: add ANTHROPIC_API_KEY to the variables of the project, or type claude.\n'
      ;;
    consent)
      printf 'Claude Code does not start by itself, because sandboxes are not isolated here: allow it in the portal, or type claude.\n'
      ;;
  esac
}

__fsa_start_agent() {
  printf "Starting Claude Code. To start without it, turn it off in the project's settings, or put FULLSTACKAGENT_NO_CLAUDE=1 into ~/.bashrc.local.\n"
  # shellcheck disable=SC2119
  claude
}

# --- The first shell since the sandbox started -----------------------------------------------------------------------
# Making a folder succeeds once, however many shells start at the same time; so does removing it.
__fsa_look_for_obstacles
if mkdir "$__fsa_run/.fullstackagent-welcomed" 2>/dev/null; then
  printf '\e[1m%s\e[0m is ready.\n' "${PROJECT_NAME:-Your sandbox}"
  printf '  Your files are in /workspace. An app that listens on $PORT (%s) is at its URL in the portal.\n' "${PORT:-3000}"
  [[ -n ${DATABASE_URL:-} ]] && printf '  PostgreSQL is at $DATABASE_URL.\n'
  printf '\n'
  if [[ -z $__fsa_missing ]]; then
    __fsa_start_agent
  else
    # What it waits for may come while the sandbox runs: then the next new shell starts it.
    mkdir "$__fsa_run/.fullstackagent-agent-waits" 2>/dev/null
    __fsa_say_what_is_missing
  fi
elif [[ -z $__fsa_missing ]] && rmdir "$__fsa_run/.fullstackagent-agent-waits" 2>/dev/null; then
  __fsa_start_agent
fi

unset -f __fsa_has_credentials __fsa_look_for_obstacles __fsa_say_what_is_missing __fsa_start_agent

true
