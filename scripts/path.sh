#!/usr/bin/env bash
# Prints the instructions of one way through the kernel, by stage; see usage().
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"
. "$ORBITAL_ROOT/scripts/lib/qemu.sh"

usage() {
    cat <<'END'
usage: scripts/path.sh [yield | same | getpid | tick]

Boots Orbital, follows one way through the kernel with gdb, and prints every instruction of it, the
line it comes from, and how many there are in each stage: entry, decode, decide, act, switch, exit,
and program, which is the loop of a program that does nothing but this call. Together they are what
scripts/bench.sh measures. Pages and cache lines that were touched are counted, too.

  yield    a yield that switches between two address spaces (default)
  same     a yield that switches within one address space
  getpid   the shortest call
  tick     a switch that the timer forces, from its vector on
END
}

main() {
    local line place=$OUTPUT/release
    # From where: a symbol, and what rax must be there.
    local from=syscall_entry number=
    case ${1-yield} in
    yield) line='run="tiny yield; tiny yield"' number=12 ;;
    same) line='run="bench yield_same_space"' number=12 ;;
    getpid) line='run="bench syscall_getpid"' number=7 ;;
    tick) line='run="spin 60; spin 60" sched=round-robin quantum=1ms' from=vector_20 ;;
    --help) usage && exit ;;
    *) DIE_STATUS=2 die "unknown path $1 (see --help)" ;;
    esac
    require_qemu bios ''
    require gdb gdb "follows the path"
    install_required || die "$install_problem"
    "$ORBITAL_ROOT/scripts/build.sh" </dev/null >&2

    make_scratch
    "$OUTPUT/mkimage" --kernel "$place/kernel.stripped" --programs "$place/stripped" \
        --bios "$scratch/bios.img" --cmdline "$line quiet=yes"
    qemu_machine bios
    qemu_disk "$scratch/bios.img"
    # gdb ends it, or it ends with this script.
    setpriv --pdeathsig TERM qemu-system-x86_64 "${machine[@]}" -m 128 -display none -serial null \
        -S -gdb "unix:$scratch/gdb,server=on,wait=off" </dev/null 2>"$scratch/qemu.log" &
    local qemu=$!
    while [[ ! -S $scratch/gdb ]]; do sleep 0.1; done
    # gdb reports each stop as it likes; the walk goes to a file.
    FROM=$from NUMBER=$number TO=$scratch/walk gdb -nx -batch -ex "target remote $scratch/gdb" \
        -x "$ORBITAL_ROOT/scripts/bench/path.py" "$place/kernel.elf" >"$scratch/gdb.log" 2>&1 || true
    kill "$qemu" 2>/dev/null || true # it is there still if gdb failed
    wait
    [[ -s $scratch/walk ]] || die "gdb did not come through: $(tail -5 "$scratch/gdb.log")"
    cat -- "$scratch/walk"
}

main "$@"
