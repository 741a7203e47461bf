#!/usr/bin/env bash
# Runs a workload and leaves pictures of who had the CPU when; see usage().
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"

usage() {
    cat <<'END'
usage: scripts/trace.sh [--to DIR] [OPTION of scripts/run.sh]...

Runs scripts/run.sh with these options, for example
  scripts/trace.sh --append 'run="say hello 3; say world 3" poweroff=yes'
and leaves in DIR (default: target/orbital/trace) what was remembered of the switches:

  trace.svg     a picture for a browser: a lane for each task, colours for why it left the CPU
  trace.json    Chrome trace events, for https://ui.perfetto.dev or chrome://tracing
  trace.ftrace  sched_switch and sched_wakeup lines of Linux's ftrace, for Perfetto too
  record        what the kernel wrote (kernel/src/record.rs)

The machine must end by itself, with poweroff=yes or in a panic. It remembers the last 65536 switches,
or as many as --append trace=N says. The exit status is that of scripts/run.sh.
END
}

main() {
    local to=$OUTPUT/trace status=0
    case ${1-} in
    --help) usage && exit ;;
    --to) (($# > 1)) || DIE_STATUS=2 die "--to needs a value"; to=$2; shift 2 ;;
    esac
    require python3 python3-minimal "draws the pictures"
    install_required || die "$install_problem"
    mkdir -p -- "$to" 2>/dev/null || die "cannot write $to"
    to=$(cd -- "$to" && pwd -P)
    rm -f -- "$to/record" 2>/dev/null || die "cannot write $to"

    "$ORBITAL_ROOT/scripts/run.sh" --append trace=65536 --qemu-arg -debugcon \
        --qemu-arg "file:$to/record" "$@" || status=$?
    [[ -e $to/record ]] || exit "$status"
    PYTHONPATH=$ORBITAL_ROOT/scripts python3 -B -m timeline "$to/record" "$to" || exit
    say "$to: trace.svg trace.json trace.ftrace"
    exit "$status"
}

main "$@"
