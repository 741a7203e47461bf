# The QEMU side of run.sh. Needs common.sh, packages.sh and machine.sh.
#
#   require_qemu FIRMWARE DISPLAY   notes the packages a run needs
#   qemu_machine FIRMWARE           sets `machine`: the machine of qemu.args
#   qemu_disk IMAGE                 adds its disk
#   pick_gdb_port                   sets gdb_port, and keeps other runs off it
#   note_machine DIR FILE...        tells gdb.sh what runs behind gdb_port: the folder of its build,
#                                   and the unstripped files of programs that are not Orbital's own
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
