#!/bin/bash
# What ttyd starts for each connection: ttyd-startup.sh [session id]. The id comes out of a URL.
#
# A session is a tmux session of that name, so it lives on when the connection ends: a reload, a lost network or a
# restarted portal comes back to the same shell and what runs in it. The shell has FULLSTACKAGENT_SESSION, which is how
# the platform finds its folder where files are dropped; where there is tmux it asks that.
set -u
LC_ALL=C

readonly HISTORY_LINES=10000

refuse() {
  printf 'This is no terminal session: an id has 1 to 64 letters, digits, "-" and "_".\n'
  # ttyd drops what a program printed right before its end.
  sleep 1
  exit 1
}

(($# <= 1)) || refuse
session=${1-main}
[[ $session =~ ^[A-Za-z0-9_-]{1,64}$ ]] || refuse
unset LC_ALL

# What scrolled out of sight before: tmux draws the visible part only. The line ends push it out of the visible part,
# which tmux clears.
print_history() {
  local lines rows
  lines=$(tmux display-message -p -t "=$session:" '#{history_size}' 2>/dev/null) || return 0
  [[ $lines =~ ^[0-9]+$ ]] && ((lines > 0)) || return 0
  tmux capture-pane -p -e -J -S "-$HISTORY_LINES" -E -1 -t "=$session:" 2>/dev/null
  read -r rows _ < <(stty size 2>/dev/null)
  [[ ${rows:-} =~ ^[0-9]+$ ]] || rows=24
  printf '%*s' "$rows" '' | tr ' ' '\n'
}

print_history
# -A attaches where the session is there already.
exec tmux -u new-session -A -s "$session" -e "FULLSTACKAGENT_SESSION=$session"
