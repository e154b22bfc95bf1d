#!/bin/bash -p
# Prepares a sandbox's volume, at each of its starts: in the image entrypoint.sh runs this, on the local engine the
# engine does, in the sandbox and with its variables. Nothing that is there is ever overwritten.
#
# It ends as soon as a shell may start. A repository goes on coming behind it; for so long `cloning` lies in the run
# folder, and shells wait for it and show how far it is (.bashrc). Where it could not be had, `clone-failed` says why:
# what in its first line, git's last word in the second. The controller reads both for the project's page.
#
# -p: neither BASH_ENV nor functions of the environment reach this script.
set -euo pipefail

# The project's variables, as .bashrc reads them: they may say how the repository is reached. First of all, so that none
# of them can be in the way of a name below.
read_variables() {
  local LC_ALL=C file name value
  for file in "${FULLSTACKAGENT_ENV_DIR:-/nowhere}"/*; do
    name=${file##*/}
    [[ -f $file && $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
    case $name in BASH* | EUID | HOME | IFS | PATH | PPID | SHELLOPTS | UID) continue ;; esac
    case $name in FULLSTACKAGENT_ENV_DIR | FULLSTACKAGENT_RUN_DIR | FULLSTACKAGENT_WORKSPACE) continue ;; esac
    value=
    IFS= read -r -d '' value <"$file" || true
    # Linux starts no program with a longer one.
    ((${#name} + ${#value} > 131000)) || declare -gx "$name=$value"
  done
}
read_variables

# Longer is no clone but a connection that nobody ends.
readonly CLONE_SECONDS=3600
# A server that sends less than a byte a second for so long has gone.
readonly STALLED_SECONDS=60
readonly HOST='([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])'

say() { printf 'prepare-workspace: %s\n' "$*" >&2; }
warn() { say "warning: $*"; }

# An empty volume has nothing but what the file system put there, and a clone that did not come to its end.
workspace_is_empty() {
  local entry
  for entry in "$workspace"/* "$workspace"/.[!.]* "$workspace"/..?*; do
    [[ -e $entry || -L $entry ]] || continue
    [[ ${entry##*/} == lost+found || $entry == "$part" ]] || return 1
  done
}

# Once for a volume: who deleted everything wanted it gone.
mark_prepared() { : >"$state/seeded"; }

write_system_prompt() {
  local file=$workspace/CLAUDE.md
  [[ -n ${FULLSTACKAGENT_SYSTEM_PROMPT:-} && ! -e $file && ! -L $file ]] || return 0
  printf '%s\n' "${FULLSTACKAGENT_SYSTEM_PROMPT%$'\n'}" >"$file"
}

# --- The repository ---------------------------------------------------------------------------------------------------

# What git was told by a server, and what a terminal can be shown of it: no control characters, and no token.
clean() {
  local LC_ALL=C text=$1 secret
  for secret in "${GH_TOKEN:-}" "${GITHUB_TOKEN:-}"; do
    [[ -z $secret ]] || text=${text//"$secret"/***}
  done
  printf '%s' "${text//[^[:print:]]/}"
}

# Git's last word about it, out of lines that end in \n and in \r: the last that says it is one, or else the last.
last_line() {
  local line last='git ended without a word' fatal=
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line%$'\r'}
    line=${line##*$'\r'}
    [[ -z ${line// /} ]] || last=$line
    [[ $line != fatal:* && $line != error:* ]] || fatal=$line
  done <"$run/clone.log"
  clean "${fatal:-$last}"
}

# clone_failed <why>
clone_failed() {
  local command
  command=$(printf '%q ' git clone ${branch:+"--branch=$branch"} -- "$url" .)
  warn "$url could not be cloned. $1"
  {
    printf '%s could not be cloned into /workspace:\n  %s\n' "$url" "$1"
    if [[ $1 == *'could not read Username'* || $1 == *'Authentication failed'* || $1 == *"' not found"* ]]; then
      printf '  For a private repository on github.com, put GH_TOKEN among the secret variables of the project.\n'
    fi
    printf 'As long as /workspace is empty, each start of the sandbox tries again. To do it now: %s\n' "${command% }"
  } >"$run/clone-failed"
  rm -f -- "$run/cloning"
}

# A name in the workspace that nobody has taken, for a repository that found the workspace in use.
free_folder() {
  local name=${url%/} number
  name=${name##*/}
  name=${name%.git}
  for number in '' -{2..99}; do
    [[ -e $workspace/$name$number || -L $workspace/$name$number ]] && continue
    printf '%s' "$name$number"
    return 0
  done
  return 1
}

# Its entries, hidden ones too. Whoever died on the way goes on here at the next start.
move_in() {
  find "$whole" -mindepth 1 -maxdepth 1 -exec mv -n -t "$workspace" -- {} + && rmdir -- "$whole" &&
    write_system_prompt && mark_prepared
}

# Each step only after the one before: `set -e` does not hold in what somebody asks the outcome of.
bring_in() {
  local name
  if workspace_is_empty; then
    mv -T -- "$part" "$whole" && move_in && say "$url was cloned."
  else
    # Somebody did not wait, or dropped files here.
    name=$(free_folder) && mv -n -T -- "$part" "$workspace/$name" && mark_prepared &&
      say "$url was cloned into the folder $(clean "$name"): /workspace was not empty any more."
  fi
}

clone() {
  local options=()
  [[ -z $branch ]] || options=("--branch=$branch")
  rm -rf -- "$part"
  if ! GIT_TERMINAL_PROMPT=0 GIT_ASKPASS='' SSH_ASKPASS='' timeout "$CLONE_SECONDS" \
    git -c http.lowSpeedLimit=1 -c "http.lowSpeedTime=$STALLED_SECONDS" \
    clone --progress "${options[@]}" -- "$url" "$part" 2>"$run/clone.log"; then
    rm -rf -- "$part"
    clone_failed "$(last_line)"
  elif ! bring_in; then
    clone_failed 'Its files could not be written into the workspace.'
  fi
  rm -f -- "$run/cloning" "$run/clone.log"
}

# The address has no password in it: git would keep that in .git/config. An address that is refused is not repeated.
begin_clone() {
  if [[ ! $url =~ ^https://$HOST(:[0-9]{1,5})?/[[:graph:]]+$ || $url == *[?#\\]* ]]; then
    warn 'FULLSTACKAGENT_REPOSITORY is not an https:// address without a user name in it. It was not cloned.'
    printf 'The address of the repository is not an https:// address without a user name in it. It was not cloned.\n' \
      >"$run/clone-failed"
    return 0
  fi
  printf '%s\n' "$url" >"$run/cloning"
  say "Cloning $url."
  clone </dev/null &
  printf '%s\n' "$!" >"$run/cloning.pid"
}

# --- git --------------------------------------------------------------------------------------------------------------

# A person's own stays: it is theirs where it is not what was written here before.
write_identity() {
  local key value now before
  for key in name email; do
    if [[ $key == name ]]; then value=${FULLSTACKAGENT_GIT_NAME:-}; else value=${FULLSTACKAGENT_GIT_EMAIL:-}; fi
    [[ -n $value ]] || continue
    now=$(git config --global --get "user.$key" || true)
    before=$(git config --file "$state/git-identity" --get "user.$key" || true)
    [[ $now != "$value" && ( -z $now || $now == "$before" ) ]] || continue
    git config --global "user.$key" "$value" && git config --file "$state/git-identity" "user.$key" "$value"
  done
}

# The token of the shell that asks, where nothing else is set up (in the image, GitHub's own program is).
write_credential_helper() {
  # shellcheck disable=SC2016
  local helper='!f() { token=${GH_TOKEN:-$GITHUB_TOKEN}; test "$1" = get && test -n "$token" && printf "username=x-access-token\npassword=%s\n" "$token"; }; f'
  [[ -z $(git config --get-urlmatch credential.helper https://github.com || true) ]] || return 0
  git config --global credential.https://github.com.helper "$helper"
}

# ----------------------------------------------------------------------------------------------------------------------

prepare_workspace() {
  rm -f -- "$run/cloning" "$run/clone-failed"
  [[ ! -e $state/seeded ]] || return 0
  write_credential_helper || warn 'Git was not told to use GH_TOKEN.'
  if [[ -d $whole ]]; then
    move_in
  elif ! workspace_is_empty; then
    mark_prepared
  elif [[ -n $url ]]; then
    begin_clone
  else
    if [[ -d $template ]]; then cp -R --no-clobber -- "$template/." "$workspace/"; fi
    write_system_prompt
    mark_prepared
  fi
}

workspace=${FULLSTACKAGENT_WORKSPACE:-/workspace}
run=${FULLSTACKAGENT_RUN_DIR:-/tmp/fullstackagent}
url=${FULLSTACKAGENT_REPOSITORY:-}
branch=${FULLSTACKAGENT_REPOSITORY_BRANCH:-}
readonly workspace run url branch
readonly state=$HOME/.local/state/fullstackagent template=/opt/fullstackagent/template
# The first is a clone on its way, the second one that is all there and is being moved to its place.
readonly part=$workspace/.fullstackagent-clone whole=$workspace/.fullstackagent-cloned
# A variable of the project may not send git elsewhere, and its traces would be mistaken for its last word.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY "${!GIT_TRACE@}"

mkdir -p -- "$state"
write_identity || warn 'The git identity could not be set.'
prepare_workspace
