# The QEMU side of run.sh. Needs common.sh, packages.sh and machine.sh.
#
#   require_qemu FIRMWARE DISPLAY   notes the packages a run needs
#   qemu_machine FIRMWARE           sets `machine`: the machine of qemu.args
#   qemu_disk IMAGE                 adds its disk
#   pick_gdb_port                   sets gdb_port, and keeps other runs off it until QEMU listens
#   note_machine AT DIR FILE...     tells gdb.sh what runs AT a port or socket: the folder of its
#                                   build, and the unstripped files of programs that are not Orbital's
#                                   own; sets note, the file
#   running_machines                the notes of the machines that run, the youngest first
#   run_qemu SECONDS ARG...         runs it, as run_machine does, and sets `outcome`

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

# One run at a time on this host, whatever checkout it is of: the next one looks when QEMU listens, or
# will not any more. The lock is on a folder that is always there, so nothing is left of it.
pick_gdb_port() {
    local lock
    exec {lock}</
    flock --wait 20 "$lock" || die "no gdb port: another run holds on to the choice of one"
    for gdb_port in {1234..1299} none; do
        port_is_taken "$gdb_port" || break
    done
    [[ $gdb_port != none ]] || die "no free port for the gdb stub: 1234 to 1299 are all taken"
    setpriv --pdeathsig KILL bash -c "$(declare -f port_is_taken)"'
        for ((i = 0; i < 100; i++)); do ! port_is_taken "$0" || exit; sleep 0.1; done' \
        "$gdb_port" </dev/null >/dev/null 2>&1 &
    exec {lock}>&-
}

# The kernel's table of sockets is read, because a connection would halt the machine behind a stub.
port_is_taken() {
    [[ $1 != none ]] && grep -qi -E "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$1") [0-9A-F:]+ 0A " \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# In a file whose lock QEMU holds as long as it runs.
note_machine() {
    local programs lock
    programs=$(realpath -- "${@:3}" 2>/dev/null | paste -s -d :) || programs=
    note=$OUTPUT/.machine-$$
    exec {lock}>"$note" && flock "$lock" || die "cannot write $note"
    printf '%s\n' "$1" "$2" "$programs" >&"$lock"
}

# Those of machines that are gone, whose script was killed, are removed.
running_machines() {
    local note
    while IFS= read -r note; do
        [[ -s $note ]] || continue
        if flock --nonblock "$note" true; then
            rm -f -- "$note"
        else
            printf '%s\n' "$note"
        fi
    done < <(ls -t -- "$OUTPUT"/.machine-* 2>/dev/null)
}

# run_qemu SECONDS ARG...: QEMU's status is 2 * V + 1 for a V the kernel wrote to the exit port.
run_qemu() {
    run_machine "$1" qemu-system-x86_64 -d cpu_reset -D "$scratch/qemu.log" "${@:2}"
    # The log names a triple fault, which the status does not.
    case $machine_status in
    0) outcome=left && ! grep -q 'Triple fault' -- "$scratch/qemu.log" 2>/dev/null || outcome=reset ;;
    124 | 137) outcome=timeout ;;
    *) ((machine_status % 2)) && outcome_of $((machine_status / 2)) || outcome="QEMU failed (status $machine_status)" ;;
    esac
}
