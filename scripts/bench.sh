#!/usr/bin/env bash
# Measures Orbital, and Linux beside it, on the same emulated machine; see usage().
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"
. "$ORBITAL_ROOT/scripts/lib/qemu.sh"

usage() {
    cat <<'END'
usage: scripts/bench.sh [--peer linux] [--out DIR] [OPERATION..]

Measures what the kernel's operations cost and prints one table. Counted in instructions, which
repeat exactly (QEMU's -icount: one instruction is one virtual nanosecond), then in wall time, which
means something only beside what else was measured in the same run. About three minutes.

  --peer linux  measure Debian's Linux on the same emulated machine, in the same run: some minutes
                more; downloads the kernel's package, installs nothing
  --out DIR     write DIR/results.json, DIR/table.txt and DIR/chart.svg
  OPERATION     only these, in instructions: the names that `bench list` prints in a shell

Exit status 1 if the clock of the machine does not count instructions.
END
}

main() {
    local argument
    for argument; do
        [[ $argument != --help ]] || { usage && exit; }
        [[ $argument != linux ]] || require gcc gcc "compiles what runs on Linux"
    done
    require_qemu bios ''
    require python3 python3 "reads what the machines say"
    install_required || die "$install_problem"
    "$ORBITAL_ROOT/scripts/build.sh" </dev/null >&2
    PYTHONDONTWRITEBYTECODE=1 python3 "$ORBITAL_ROOT/scripts/bench/bench.py" "$@"
}

main "$@"
