#!/bin/bash -p
# Process 1 of a sandbox. Prepares the volume, then serves the terminal on port 7681 until it is told to stop.
#
# The token never becomes an argument and does not stay in an environment. ttyd itself takes a credential only as an
# argument (-c), which every process of the sandbox could read in /proc, and prints it to its log. So ttyd listens on a
# socket without one, and nginx stands before it with a salted hash of the credential. What is left of the token after
# the `exec` below is that hash.
#
# -p: neither BASH_ENV nor functions of the environment reach this script.
set -euo pipefail

readonly DEFAULT_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
readonly THEME='{"background":"#14161a","foreground":"#e6e6e6","cursor":"#e6e6e6"}'
readonly PING_SECONDS=20
readonly SOCKET_TRIES=200
# What it waits for itself takes a moment; a repository goes on coming behind it. Less than the startupProbe's.
readonly PREPARE_SECONDS=30
# Together less than terminationGracePeriodSeconds of the manifests, which is 10.
readonly HANG_UP_SECONDS=2 STOP_SECONDS=5

say() { printf 'entrypoint: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 64
}

# --- First step: everything that needs the token ----------------------------------------------------------------------

prepare_credential() {
  local token=${TTYD_ACCESS_TOKEN:-} hash
  unset TTYD_ACCESS_TOKEN
  [[ -n $token ]] || fail 'TTYD_ACCESS_TOKEN is not set. It is the password of the terminal, and nothing starts without it.'
  [[ $token =~ ^[[:graph:]]{16,128}$ ]] ||
    fail 'TTYD_ACCESS_TOKEN has to have 16 to 128 characters, without spaces and control characters.'
  # A restarted container finds the old folder: in a pod, /tmp outlives its containers.
  rm -rf -- "$run"
  mkdir -m 0700 -- "$run" || fail "$run cannot be created. It has to be in a writable folder, as /tmp is in the manifests."
  hash=$(printf '%s\n' "$token" | openssl passwd -6 -stdin) || fail 'openssl could not hash the token.'
  (umask 077 && printf 'user:%s\n' "$hash" >"$run/credential")
}

# --- Second step: the volume ------------------------------------------------------------------------------------------

seed() {
  [[ -d $workspace && -w $workspace ]] || fail "$workspace is not a writable folder. A volume belongs there."
  [[ -d $HOME && -w $HOME ]] || fail "$HOME is not a writable folder. A volume belongs there."
  # What it finds on the volume may let it wait for ever: a terminal is what this could be mended with.
  FULLSTACKAGENT_WORKSPACE=$workspace timeout --kill-after=1 "$PREPARE_SECONDS" "$here/prepare-workspace.sh" ||
    say 'The workspace could not be prepared. The terminal starts without it.'
}

# A project's variables come to each shell from their files. In the environment too, a removed one would stay, and one
# called LD_PRELOAD would reach the programs below.
forget_project_variables() {
  local file name
  for file in "${FULLSTACKAGENT_ENV_DIR:-/nowhere}"/*; do
    name=${file##*/}
    [[ -f $file && $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || continue
    case $name in FULLSTACKAGENT_ENV_DIR | FULLSTACKAGENT_RUN_DIR | HOME | BASH* | EUID | PPID | SHELLOPTS | UID) continue ;; esac
    if [[ $name == PATH ]]; then shell_path=$DEFAULT_PATH; else unset "$name" 2>/dev/null || true; fi
  done
}

# --- Third step: the terminal -----------------------------------------------------------------------------------------

write_nginx_conf() {
  local ipv6=
  # Where the kernel has no IPv6, nginx would not start.
  if [[ -s /proc/net/if_inet6 ]]; then ipv6="listen [::]:$port;"; fi
  cat >"$run/nginx.conf" <<CONF
daemon off;
# One process: a worker of its own would allow the shells to look into it again.
master_process off;
pid $run/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  server_tokens off;
  client_body_temp_path $run/nginx-body;
  proxy_temp_path $run/nginx-proxy;
  fastcgi_temp_path $run/nginx-fastcgi;
  uwsgi_temp_path $run/nginx-uwsgi;
  scgi_temp_path $run/nginx-scgi;
  map \$http_upgrade \$connection_upgrade { default upgrade; '' ''; }
  # A browser adds what it knows of Basic authentication to requests of any page; a foreign page's are refused.
  map "\$http_origin \$http_host" \$foreign {
    default 1;
    "~^ " 0;
    "~*^https?://([^ /]+) \\1\$" 0;
  }
  server {
    listen $port;
    $ipv6
    client_max_body_size 64k;
    auth_basic "ttyd";
    auth_basic_user_file $run/credential;
    if (\$foreign) { return 403; }
    location / {
      proxy_pass http://unix:$run/ttyd.sock;
      proxy_http_version 1.1;
      proxy_set_header Host \$host;
      proxy_set_header Upgrade \$http_upgrade;
      proxy_set_header Connection \$connection_upgrade;
      # What stands behind needs no credential, and so never sees one.
      proxy_set_header Authorization "";
      proxy_buffering off;
      proxy_buffer_size 32k;
      proxy_buffers 8 32k;
      # ttyd pings every $PING_SECONDS seconds.
      proxy_read_timeout 3600s;
      proxy_send_timeout 3600s;
    }
  }
}
CONF
}

children=()
stopping=

# Where process 1 is our own tini, every process is the sandbox's. Anywhere else they are somebody's.
is_container() { [[ $PPID == 1 && $(</proc/1/comm) == tini ]]; }

# Zombies are ended already. No program is started here: it would be found.
others_run() {
  local folder id line
  for folder in /proc/[0-9]*; do
    id=${folder#/proc/}
    [[ $id != 1 && $id != "$$" ]] || continue
    { read -r line <"$folder/stat"; } 2>/dev/null || continue
    [[ ${line##*) } == Z* ]] || return 0
  done
  return 1
}

# others_end_within <seconds>
others_end_within() {
  local end=$((SECONDS + $1))
  while others_run; do
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}

# The shells and their programs get SIGHUP from their terminals, what is left a while later SIGTERM.
stop() {
  [[ -z $stopping ]] || return 0
  stopping=yes
  tmux kill-server 2>/dev/null || true
  ((${#children[@]} == 0)) || kill -TERM "${children[@]}" 2>/dev/null || true
  if ! is_container; then
    wait
  elif ! others_end_within "$HANG_UP_SECONDS"; then
    kill -TERM -1 2>/dev/null || true
    others_end_within "$STOP_SECONDS" || true
  fi
}

await_socket() {
  local try
  for ((try = 0; try < SOCKET_TRIES; try++)); do
    if [[ -S $run/ttyd.sock || -n $stopping ]]; then return 0; fi
    kill -0 "$1" 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}

serve_terminal() {
  local code=0 ttyd
  ttyd=$(command -v ttyd) || fail 'There is no ttyd.'
  trap stop TERM INT HUP QUIT
  cd -- "$workspace"
  # -d 3: errors and warnings only.
  PATH=$shell_path "$ttyd" -d 3 -i "$run/ttyd.sock" -T xterm-256color -W -a -P "$PING_SECONDS" -t "theme=$THEME" \
    "$here/ttyd-startup.sh" &
  children=($!)
  await_socket "$!" || fail 'ttyd did not start.'
  nginx -e stderr -p "$run/" -c "$run/nginx.conf" &
  children+=($!)
  [[ -n $stopping ]] || say "The terminal answers on port $port."
  # The one without the other is of no use: the container ends, and is started again.
  wait -n "${children[@]}" || code=$?
  if [[ -n $stopping ]]; then exit 0; fi
  say "A program of the terminal ended with code $code. The sandbox ends, to be started again."
  stop
  exit 70
}

# -----------------------------------------------------------------------------------------------------------------------

shell_path=${PATH:-$DEFAULT_PATH}
PATH=$DEFAULT_PATH
user=$(id -un 2>/dev/null || id -u)
export HOME=${HOME:-/home/developer} USER=${USER:-$user} LOGNAME=${LOGNAME:-$user}
export LANG=${LANG:-C.UTF-8} SHELL=/bin/bash COLORTERM=truecolor
export FULLSTACKAGENT_RUN_DIR=${FULLSTACKAGENT_RUN_DIR:-/tmp/fullstackagent}
run=$FULLSTACKAGENT_RUN_DIR
workspace=${FULLSTACKAGENT_WORKSPACE:-/workspace}
port=${TTYD_PORT:-7681}
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
[[ $port =~ ^[1-9][0-9]{0,4}$ ]] || fail 'TTYD_PORT is not a port.'
[[ $run =~ ^/[A-Za-z0-9._/-]+$ ]] || fail 'FULLSTACKAGENT_RUN_DIR has characters that are not letters, digits, ".", "_", "-" and "/".'
# It is removed at each start, whatever is in it.
run_place=$(realpath -m -- "$run")
for kept in "$workspace" "$HOME"; do
  kept_place=$(realpath -m -- "$kept")
  [[ $kept_place/ != "$run_place"/* && $run_place/ != "$kept_place"/* ]] ||
    fail "FULLSTACKAGENT_RUN_DIR is $run, and $kept is not to be removed."
done

case ${1:-start} in
  start)
    prepare_credential
    # A new program: the kernel forgets the environment with the token. tini reaps what nobody waits for.
    PATH=$shell_path exec /usr/bin/tini -s -- "$here/entrypoint.sh" serve
    ;;
  serve)
    [[ -f $run/credential ]] || fail 'Start this without an argument.'
    unset TTYD_ACCESS_TOKEN
    seed
    forget_project_variables
    write_nginx_conf
    serve_terminal
    ;;
  *) fail "Unknown argument: $1" ;;
esac
