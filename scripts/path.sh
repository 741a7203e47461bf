#!/usr/bin/env bash
# Prints the instructions of one system call, by stage; see usage().
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"
. "$ORBITAL_ROOT/scripts/lib/qemu.sh"

usage() {
    cat <<'END'
usage: scripts/path.sh [yield | getpid]

Boots Orbital, follows one system call through the kernel with gdb, and prints every instruction of
it, the line it comes from, and how many there are in each stage: entry, decode, decide, act, switch,
exit.

  yield    a yield that switches between two address spaces (default)
  getpid   the shortest call
END
}

main() {
    local run number
    case ${1-yield} in
    yield) run='tiny yield; tiny yield' number=12 ;;
    getpid) run='bench syscall_getpid' number=7 ;;
    --help) usage && exit ;;
    *) DIE_STATUS=2 die "unknown path $1 (see --help)" ;;
    esac
    require_qemu bios ''
    require gdb gdb "follows the path"
    install_required || die "$install_problem"
    "$ORBITAL_ROOT/scripts/build.sh" </dev/null

    local place=$OUTPUT/release
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/orbital.XXXXXX")
    trap 'rm -rf -- "$scratch"' EXIT
    "$OUTPUT/mkimage" --kernel "$place/kernel.stripped" --programs "$place/stripped" \
        --bios "$scratch/bios.img" --cmdline "run=\"$run\" quiet=yes"
    qemu_machine bios
    qemu_disk "$scratch/bios.img"
    # gdb ends it, or it ends with this script.
    setpriv --pdeathsig TERM qemu-system-x86_64 "${machine[@]}" -m 128 -display none -serial null \
        -S -gdb "unix:$scratch/gdb,server=on,wait=off" </dev/null &
    while [[ ! -S $scratch/gdb ]]; do sleep 0.1; done
    NUMBER=$number SKIP=100 gdb -nx -batch -ex "target remote $scratch/gdb" \
        -x "$ORBITAL_ROOT/scripts/bench/path.py" "$place/kernel.elf" 2>&1
    wait
}

main "$@"
