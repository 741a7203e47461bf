# The QEMU side of run.sh. Needs common.sh and packages.sh.
#
#   require_qemu FIRMWARE DISPLAY   notes the packages a run needs
#   qemu_machine FIRMWARE           sets `machine`: the machine of qemu.args
#   qemu_disk IMAGE                 adds its disk
#   pick_gdb_port                   sets gdb_port, and keeps other runs off it
#   note_machine DIR FILE...        tells gdb.sh what runs behind gdb_port: the folder of its build,
#                                   and the unstripped files of programs that are not Orbital's own
#   running_machines                the notes of the machines that run, the youngest first
#   run_qemu SECONDS ARG...         runs it; sets qemu_status (124: SECONDS were over) and, when this
#                                   script was told to stop, ended_by (the status to leave with)

OVMF=/usr/share/ovmf/OVMF.fd

require_qemu() {
    require qemu-system-x86_64 qemu-system-x86 "the machine Orbital runs on"
    [[ $1 != uefi ]] || require "$OVMF" ovmf "UEFI firmware for it"
    if [[ -n $2 ]] && ! qemu_has_display; then
        note_package qemu-system-gui "shows its screen"
    fi
}

qemu_has_display() { [[ $(qemu-system-x86_64 -display help 2>/dev/null) =~ (^|$'\n')(gtk|sdl|cocoa)($'\n'|$) ]]; }

qemu_machine() {
    mapfile -t machine < <(grep -v -e '^#' -e '^$' -- "$ORBITAL_ROOT/scripts/qemu.args")
    [[ $1 != uefi ]] || machine+=(-bios "$OVMF")
}

# The image is read only: several machines may run from one file.
qemu_disk() {
    machine+=(
        -drive "file=${1//,/,,},if=none,id=disk,format=raw,readonly=on"
        -device "virtio-blk-pci,drive=disk,bootindex=0"
    )
}

# The kernel's table of sockets is read, because a connection would halt the machine behind a stub.
# The lock keeps two runs that start at once apart; QEMU inherits it.
pick_gdb_port() {
    local lock
    for gdb_port in {1234..1299}; do
        grep -qi -E "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$gdb_port") [0-9A-F:]+ 0A " \
            /proc/net/tcp /proc/net/tcp6 2>/dev/null && continue
        exec {lock}>>"$OUTPUT/.gdb-port-$gdb_port.lock"
        flock --nonblock "$lock" && return
        exec {lock}>&-
    done
    die "no free port for the gdb stub: 1234 to 1299 are all taken"
}

# In the file whose lock QEMU holds as long as it runs.
note_machine() {
    local programs
    programs=$(realpath -- "${@:2}" 2>/dev/null | paste -s -d :) || programs=
    printf '%s\n' "127.0.0.1:$gdb_port" "$1" "$programs" >"$OUTPUT/.gdb-port-$gdb_port.lock"
}

running_machines() {
    local note
    for note in $(ls -t -- "$OUTPUT"/.gdb-port-*.lock 2>/dev/null); do
        flock --nonblock "$note" true || printf '%s\n' "$note"
    done
}

# In the background with our own standard input, so that a signal to this script is handled at once.
# QEMU is ended by its pid, and by the kernel should this script be killed outright.
run_qemu() {
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

    setpriv --pdeathsig TERM timeout --foreground --kill-after=5 "$seconds" qemu-system-x86_64 "$@" <&0 &
    pid=$!
    # `wait` returns early when one of the traps ran.
    while :; do
        qemu_status=0
        wait "$pid" || qemu_status=$?
        kill -0 "$pid" 2>/dev/null || break
    done

    trap - INT HUP TERM
    if [[ -n $terminal ]]; then
        stty "$terminal"
        printf '\e[0m\e[?25h'
    fi
}

end_child() { [[ -z $1 ]] || kill "$1" 2>/dev/null || :; }
