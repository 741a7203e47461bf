# Recording a run of run.sh, and running it again. Needs common.sh and qemu.sh.
#
#   deterministic_machine           adds to `machine`: its time is the number of its instructions
#   keep_machine DIR PLACE IMAGE FILE=NAME...
#                                   puts into DIR what starts `machine` with the disk IMAGE again; PLACE
#                                   is the folder of its build, FILE=NAME a program from elsewhere
#   record_machine DIR              adds to `machine` that it is recorded into DIR, where it is kept
#   replay_machine DIR STAY         sets `machine` to the one in DIR: as it was recorded, or, without
#                                   a recording, started once more. STAY: it does not end by itself,
#                                   and has a snapshot from when the kernel was up
#   replay_in_bochs DIR             sets `image` and `memory` to those of the machine in DIR
#   empty_qcow2 FILE                makes a disk that only holds snapshots
#
# In DIR: `machine`, QEMU's arguments, one per line; `disk.img`, kernel.elf and programs/, which were
# in it; of a recording also QEMU's log `replay.bin`, its snapshots `state.qcow2`, `console`, what came
# on the serial line, and `record`, what the kernel wrote of its switches; once somebody wanted to go
# back in it, `up.qcow2`, the snapshots with one of the kernel's first instruction.

deterministic_machine() { machine+=(-icount "shift=3,sleep=off" -rtc "base=2000-01-01,clock=vm"); }

keep_machine() {
    local program
    empty_folder "$1"
    printf '%s\n' "${machine[@]}" >"$1/machine"
    link "$3" "$1/disk.img" && link "$2/kernel.elf" "$1" && link "$2/programs" "$1" || die "cannot write $1"
    for program in "${@:4}"; do
        cp --remove-destination -- "${program%=*}" "$1/programs/${program##*=}.elf" || die "cannot write $1"
    done
}

# A later build makes new files. Another disk gets copies.
link() { cp -lr -- "$1" "$2" 2>/dev/null || cp -r -- "$1" "$2"; }

# empty_folder DIR: makes it, or takes away the run that is in it; what else somebody has stays.
empty_folder() {
    mkdir -p -- "$1" 2>/dev/null && [[ -w $1 ]] || die "cannot write $1"
    [[ -e $1/machine || -z $(ls -A -- "$1") ]] || die "there is no run in $1, but something else: it stays as it is"
    rm -rf -- "$1"/{machine,disk.img,kernel.elf,programs,replay.bin,state.qcow2,up.qcow2,console,record,transcript.txt}
}

record_machine() {
    empty_qcow2 "$1/state.qcow2"
    recorded_devices "$1" record
    # A byte that a slow reader keeps from being written is written again later; QEMU does not record
    # when, and cannot replay beyond it. A file takes everything at once.
    console_file=$1/console
    machine+=(-serial stdio -debugcon "file:$1/record")
}

replay_machine() {
    local argument
    machine=()
    while IFS= read -r argument; do
        [[ -n $2 && $argument == isa-debug-exit,* ]] && unset 'machine[-1]' && continue
        machine+=("$argument")
    done <"$1/machine"
    if [[ -e $1/replay.bin ]]; then
        local log=$1/replay.bin snapshots=$1/state.qcow2
        if [[ -n $2 ]]; then
            # The last two events are the end of the machine and of the log.
            log=$scratch/replay.bin
            { head -c -2 -- "$1/replay.bin" && tail -c 1 -- "$1/replay.bin"; } >"$log"
            snapshots=$1/up.qcow2
            [[ -e $snapshots ]] || take_snapshot "$1" "$log" "$snapshots"
        fi
        # What gdb saves on the way is gone with this run.
        cp -- "$snapshots" "$scratch/state.qcow2"
        recorded_devices "$1" replay "$log" "$scratch/state.qcow2"
        # Going back and forth prints everything anew, whether somebody reads it or not.
        console_file=$scratch/console
        machine+=(-serial stdio -debugcon file:/dev/null)
    else
        qemu_disk "$1/disk.img"
    fi
}

replay_in_bochs() {
    [[ ! -e $1/replay.bin ]] || die "--bochs: what is recorded is repeated in QEMU only"
    ! grep -q -x -e -bios -- "$1/machine" || die "--bochs: the machine in $1 has UEFI"
    image=$1/disk.img
    memory=$(sed -n '/^-m$/{n;p}' -- "$1/machine" | tail -n 1)
}

# take_snapshot DIR LOG FILE: makes FILE, the snapshots of DIR with one of the kernel's first
# instruction. Most of a run is the boot, which going back would repeat each time.
take_snapshot() {
    local replay=("${machine[@]}") stub
    local machine=("${replay[@]}")
    say "taking a snapshot where the kernel starts (once for this recording)"
    cp -- "$1/state.qcow2" "$scratch/up.qcow2"
    recorded_devices "$1" replay "$2" "$scratch/up.qcow2"
    machine+=(-display none -serial file:/dev/null -debugcon file:/dev/null -S -gdb stdio)
    printf -v stub '%q ' setpriv --pdeathsig KILL qemu-system-x86_64 "${machine[@]}"
    # A run that ended before that leaves the snapshots as they were.
    setpriv --pdeathsig TERM timeout 60 setpriv --pdeathsig KILL gdb -q -nx -batch \
        -ex "set remotetimeout 60" -ex "target remote | exec $stub" -ex "break orbital_kernel::kernel_main" \
        -ex continue -ex "monitor savevm up" -ex kill "$1/kernel.elf" </dev/null >/dev/null 2>&1 || :
    mv -- "$scratch/up.qcow2" "$3"
}

# recorded_devices DIR record|replay [LOG STATE]: a log of the disk's reads goes between it and the
# machine, and the local APIC is the plain one: QEMU 7.2 can lock up when it loads a snapshot of the
# accelerated one (QEMU docs/system/replay.rst; issue 2634).
recorded_devices() {
    machine+=(
        -global apic.vapic=off
        -icount "shift=3,rr=$2,rrfile=$(escaped "${3:-$1/replay.bin}"),rrsnapshot=init" -rtc "base=2000-01-01,clock=vm"
        -drive "file=$(escaped "$1/disk.img"),if=none,id=image,format=raw,readonly=on"
        -drive "driver=blkreplay,if=none,image=image,id=disk,readonly=on"
        -device "virtio-blk-pci,drive=disk,bootindex=0"
        -drive "file=$(escaped "${4:-$1/state.qcow2}"),if=none,id=state,format=qcow2"
    )
}

# A comma in an option's value.
escaped() { printf '%s' "${1//,/,,}"; }

# Header, table of reference counts, counts, L1 table: four clusters of 64 KiB, which count
# themselves, of a disk of 1 MiB (QEMU docs/interop/qcow2.txt).
empty_qcow2() {
    local magic=514649fb version=00000003 no_backing_file=000000000000000000000000 cluster_bits=00000010
    local size=0000000000100000 no_encryption=00000000 l1=000000010000000000030000
    local counts=000000000001000000000001 no_snapshots=000000000000000000000000
    local features=000000000000000000000000000000000000000000000000 count_bits_log2=00000004 header=00000068
    truncate -s 0 -- "$1" && truncate -s 256K -- "$1" || die "cannot write $1"
    write_bytes "$1" 0 "$magic$version$no_backing_file$cluster_bits$size$no_encryption$l1$counts$no_snapshots$features$count_bits_log2$header"
    write_bytes "$1" $((1 << 16)) 0000000000020000
    write_bytes "$1" $((2 << 16)) 0001000100010001
}

# write_bytes FILE OFFSET HEX
write_bytes() {
    # shellcheck disable=SC2059 # the format is made of escapes
    printf "$(sed 's/../\\x&/g' <<<"$3")" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
