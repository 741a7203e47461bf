#!/usr/bin/env bash
# Measures Orbital, and its peers beside it, on the same emulated machine; see usage().
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"
. "$ORBITAL_ROOT/scripts/lib/qemu.sh"

usage() {
    cat <<'END'
usage: scripts/bench.sh [--peer linux] [--peer floor] [--out DIR] [OPERATION..]
       scripts/bench.sh --update

Measures what the kernel's operations cost and prints one table. Counted in instructions, which
repeat exactly (QEMU's -icount: one instruction is one virtual nanosecond), then in wall time, which
means something only beside what else was measured in the same run. About two minutes.

  --peer linux  measure Debian's Linux on the same emulated machine, in the same run: some minutes
                more; downloads the kernel's package, installs nothing
  --peer floor  measure hand-written paths without a kernel around them: what nothing can beat
  --out DIR     write DIR/results.json, DIR/table.txt and DIR/chart.svg
  --update      count only, and write the figures down: into scripts/bench/budgets.json, which a test
                holds Orbital to, and into the table of README.md; about a minute
  OPERATION     only these, in instructions: the names that `bench list` prints in a shell

Exit status 1 if nothing is measured, above all when the clock does not count instructions.
END
}

main() {
    local argument
    for argument; do
        [[ $argument != --help ]] || { usage && exit; }
        [[ $argument != linux && $argument != floor ]] || require gcc gcc "compiles the peers"
    done
    require_qemu bios ''
    require python3 python3 "reads what the machines say"
    install_required || die "$install_problem"
    "$ORBITAL_ROOT/scripts/build.sh" </dev/null >&2
    PYTHONDONTWRITEBYTECODE=1 python3 "$ORBITAL_ROOT/scripts/bench/bench.py" "$@"
}

main "$@"
