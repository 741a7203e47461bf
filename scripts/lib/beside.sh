# Console and gdb side by side, for run.sh --gdb. Needs common.sh.
#
#   in_tmux OPTION...  runs this script in a new tmux and leaves with the status it has there
#   open_gdb MACHINE   opens a pane with gdb on this machine

# The session goes when nobody looks at it any more: a terminal that is closed takes all along.
in_tmux() {
    make_scratch
    # shellcheck disable=SC2016 # for the shell in tmux
    tmux new-session -- bash -c '"$@"; echo $? >"$0"' "$scratch/status" "$0" "$@" \; \
        set-option destroy-unattached on || exit "$EXIT_NOT_STARTED"
    [[ ! -e $scratch/status ]] || exit "$(<"$scratch/status")"
    exit
}

# The pane goes when this script does, whatever ends it.
open_gdb() {
    [[ -n ${TMUX-} ]] || { say "--gdb: there is no tmux here; open the second terminal yourself" && return; }
    # shellcheck disable=SC2016 # for the shell in the pane
    tmux split-window -h -- bash -c \
        '{ tail --pid="$0" -s 0.2 -f /dev/null; tmux kill-pane -t "$TMUX_PANE"; } & exec "$@"' "$$" \
        "$ORBITAL_ROOT/scripts/gdb.sh" "$1"
}
