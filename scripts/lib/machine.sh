# A run of run.sh's machine, whoever emulates it. Needs common.sh.
#
#   run_machine SECONDS COMMAND...  runs it; sets machine_status (124: SECONDS were over) and, when
#                                   this script was told to stop, ended_by (the status to leave with)
#   outcome_of CODE                 sets `outcome` by what the kernel left with; fails if it is no such
#                                   code (arch/src/x86_64/qemu.rs)
#
# `outcome` is one of: left, well, failed, panic, reset, timeout; or else says what is broken.

# In the background with our own standard input, so that a signal to this script is handled at once.
# The emulator is ended by its pid, and by the kernel should this script be killed outright.
run_machine() {
    local seconds=${1:-0} pid='' terminal=''
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

    setpriv --pdeathsig TERM timeout --foreground --kill-after=5 "$seconds" "$@" <&0 &
    pid=$!
    # `wait` returns early when one of the traps ran.
    while :; do
        machine_status=0
        wait "$pid" || machine_status=$?
        kill -0 "$pid" 2>/dev/null || break
    done

    trap - INT HUP TERM
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
