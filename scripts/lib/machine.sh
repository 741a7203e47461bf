# A run of run.sh's machine, whoever emulates it. Needs common.sh.
#
#   run_machine SECONDS COMMAND...  runs it; sets machine_status (124: SECONDS were over) and, when
#                                   this script was told to stop, ended_by (the status to leave with).
#                                   If console_file is set, what COMMAND prints goes there at once, and
#                                   from there to standard output, however slowly that is read
#   outcome_of CODE                 sets `outcome` by what the kernel left with; fails if it is no such
#                                   code (arch/src/x86_64/qemu.rs)
#
# `outcome` is one of: left, well, failed, panic, reset, timeout; or else says what is broken.

console_file=

# In the background with our own standard input, so that a signal to this script is handled at once.
# The emulator is ended by its pid, and by the kernel should this script be killed outright.
run_machine() {
    local seconds=${1:-0} pid='' terminal='' output=1 shown=''
    shift
    ended_by=
    trap 'ended_by=130; end_child "$pid"' INT
    trap 'ended_by=129; end_child "$pid"' HUP
    trap 'ended_by=143; end_child "$pid"' TERM
    if [[ -t 0 ]]; then
        terminal=$(stty -g)
        # Where QEMU leaves Ctrl-C to the terminal, it ends the run; the other keys that make signals
        # belong to the guest.
        stty quit undef susp undef
    fi

    [[ -z $console_file ]] || exec {output}>"$console_file"
    setpriv --pdeathsig TERM timeout --foreground --kill-after=5 "$seconds" "$@" <&0 >&"$output" &
    pid=$!
    if [[ -n $console_file ]]; then
        setpriv --pdeathsig TERM tail -f -s 0.1 -c +1 --pid="$pid" -- "$console_file" &
        shown=$!
    fi
    # `wait` returns early when one of the traps ran.
    while :; do
        machine_status=0
        wait "$pid" || machine_status=$?
        kill -0 "$pid" 2>/dev/null || break
    done

    trap - INT HUP TERM
    # The rest of it, but for one who wants this script gone.
    [[ -z $shown || ${ended_by:-130} != 130 ]] || wait "$shown" || :
    if [[ -n $terminal ]]; then
        stty "$terminal"
        printf '\e[0m\e[?25h'
    fi
}

end_child() { [[ -z $1 ]] || kill "$1" 2>/dev/null || :; }

outcome_of() {
    case $1 in
    16) outcome=well ;;
    17) outcome=failed ;;
    18) outcome=panic ;;
    *) return 1 ;;
    esac
}
