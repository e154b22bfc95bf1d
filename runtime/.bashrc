# The start of every shell in a sandbox, in the image and on the local engine. Bash 5, no other programs needed.
# Your own settings go into ~/.bashrc.local: it is read after all of this except the welcome, and this file is replaced
# with each new image.

case $- in *i*) ;; *) return ;; esac

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

[[ -f $HOME/.bashrc.local ]] && . "$HOME/.bashrc.local"

# A key, a login of an earlier day on the volume, or a cloud's own credentials.
__fsa_claude_can_start() {
  command -v claude >/dev/null || return 1
  [[ -n ${ANTHROPIC_API_KEY:-}${ANTHROPIC_AUTH_TOKEN:-}${CLAUDE_CODE_OAUTH_TOKEN:-} ]] && return 0
  [[ ${CLAUDE_CODE_USE_BEDROCK:-0} != 0 || ${CLAUDE_CODE_USE_VERTEX:-0} != 0 ]] && return 0
  [[ -s ${CLAUDE_CONFIG_DIR:-$HOME/.claude}/.credentials.json ]]
}

# --- The first shell since the sandbox started -----------------------------------------------------------------------
# Making a folder succeeds once, however many shells start at the same time.
if mkdir "${FULLSTACKAGENT_RUN_DIR:-/tmp}/.fullstackagent-welcomed" 2>/dev/null; then
  printf '\e[1m%s\e[0m is ready.\n' "${PROJECT_NAME:-Your sandbox}"
  printf '  Your files are in /workspace. An app that listens on $PORT (%s) is at its URL in the portal.\n' "${PORT:-3000}"
  [[ -n ${DATABASE_URL:-} ]] && printf '  PostgreSQL is at $DATABASE_URL.\n'
  printf '\n'
  if [[ -z ${FULLSTACKAGENT_NO_CLAUDE:-} ]] && __fsa_claude_can_start; then
    printf 'Starting Claude Code. To start without it, put FULLSTACKAGENT_NO_CLAUDE=1 into ~/.bashrc.local.\n'
    claude
  fi
fi

unset -f __fsa_claude_can_start

true
