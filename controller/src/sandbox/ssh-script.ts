/** What the exit codes of the scripts below, before their first line, mean. */
export const SSH_EXITS = { noServer: 69, otherUser: 67 } as const;

/** One key as OpenSSH writes it, without options and comment: it becomes a line of a file that sshd obeys. */
export const PUBLIC_KEY = /^(?:ssh-ed25519|ecdsa-sha2-nistp256) [A-Za-z0-9+/]{40,200}={0,2}$/;

const WHO = `
me=$(id -un 2>/dev/null) || me=$(id -u)
`;

const FIND_SERVER = `
server=
for file in /usr/sbin/sshd /usr/local/sbin/sshd /usr/bin/sshd; do
  if [ -x "$file" ]; then server=$file; break; fi
done
[ -n "$server" ] && command -v ssh-keygen >/dev/null 2>&1 || exit ${SSH_EXITS.noServer}
`;

/** Whether {@link SSH_SERVER} can be started: the user it signs in, and the folder it begins in, a line each. */
export const SSH_OFFER = `
set -eu
${WHO}${FIND_SERVER}
printf '%s\\n' "$me" "$(pwd -P)"
`;

/**
 * An SSH server for one connection, on its standard input and output; it runs as whoever the sandbox runs as and listens
 * nowhere. `$1`: the user that the client will name, `$2`: for how many seconds it may sign in, and then the keys of
 * which it will show one (see {@link PUBLIC_KEY}).
 *
 * Its first line is `<host key>`, for the client to compare with. The host key stays in the sandbox's home, the rest is in
 * a folder of this connection and ends with it.
 * StrictModes is off: a volume may be group-writable, and the folder is made here, for nobody else.
 */
export const SSH_SERVER = `
set -eu
umask 077
${WHO}
[ "$1" = "$me" ] || { printf '%s\\n' "$me" >&2; exit ${SSH_EXITS.otherUser}; }
${FIND_SERVER}
# sshd started by root wants this folder; Debian makes it when its own service starts.
if [ "$(id -u)" = 0 ]; then mkdir -p -m 0755 /run/sshd; fi

here=$(mktemp -d "\${TMPDIR:-/tmp}/fullstackagent-ssh.XXXXXXXX")
trap 'rm -rf -- "$here"' EXIT
trap 'exit 129' HUP TERM INT PIPE

keys=$HOME/.config/fullstackagent
host_key=$keys/ssh_host_ed25519_key
if [ ! -f "$host_key" ]; then
  mkdir -p -- "$keys"
  new=$keys/.\${here##*/}
  ssh-keygen -q -t ed25519 -N '' -C '' -f "$new" >/dev/null
  # A link is made once: of two first connections one key stays. It needs one file system, so the key is made here.
  ln -- "$new" "$host_key" 2>/dev/null || [ -f "$host_key" ]
  rm -f -- "$new" "$new.pub"
fi

# In this machine's own time zone: every version of sshd reads it so.
until=$(($(date +%s) + $2))
at=$(date -d "@$until" +%Y%m%d%H%M%S 2>/dev/null) || at=$(date -r "$until" +%Y%m%d%H%M%S)
shift 2
for key; do printf 'expiry-time="%s" %s\\n' "$at" "$key"; done >"$here/key"

# sshd begins with an empty environment. What a shell of the terminal has is put back, but for the terminal's token.
unset TTYD_ACCESS_TOKEN
export -p >"$here/env"
cat >"$here/login" <<'LOGIN'
tty=\${SSH_TTY-} connection=\${SSH_CONNECTION-} client=\${SSH_CLIENT-} agent=\${SSH_AUTH_SOCK-} term=\${TERM-}
. "$(dirname -- "$0")/env"
export SSH_CONNECTION="$connection" SSH_CLIENT="$client"
[ -z "$tty" ] || export SSH_TTY="$tty" TERM="$term"
[ -z "$agent" ] || export SSH_AUTH_SOCK="$agent"
cd "$FULLSTACKAGENT_SSH_START"
unset FULLSTACKAGENT_SSH_START
shell=\${SHELL:-/bin/sh}
[ -n "\${SSH_ORIGINAL_COMMAND-}" ] || exec "$shell" -l
command=$SSH_ORIGINAL_COMMAND
unset SSH_ORIGINAL_COMMAND
exec "$shell" -c "$command"
LOGIN
printf 'export FULLSTACKAGENT_SSH_START=%s\\n' "'$(pwd -P | sed "s/'/'\\\\\\\\''/g")'" >>"$here/env"

sftp=
for file in /usr/lib/openssh/sftp-server /usr/libexec/sftp-server /usr/libexec/openssh/sftp-server /usr/lib/ssh/sftp-server; do
  if [ -x "$file" ]; then sftp=$file; break; fi
done
cat >"$here/config" <<CONFIG
HostKey $host_key
AuthorizedKeysFile $here/key
PidFile none
StrictModes no
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
LoginGraceTime 30
MaxAuthTries 3
X11Forwarding no
PermitTunnel no
GatewayPorts no
PermitUserEnvironment no
PrintMotd no
PrintLastLog no
ClientAliveInterval 30
ClientAliveCountMax 4
LogLevel ERROR
ForceCommand sh $here/login
\${sftp:+Subsystem sftp $sftp}
CONFIG

ssh-keygen -y -f "$host_key" | cut -d ' ' -f 1,2
"$server" -i -e -f "$here/config"
`;
