#!/usr/bin/env bash
# Opens gdb on the machine that scripts/run.sh runs, or on a core dump; see usage().
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"
. "$ORBITAL_ROOT/scripts/lib/qemu.sh"

usage() {
    cat <<'END'
usage: scripts/gdb.sh [OPTION]... [MACHINE] [-- GDB_ARGUMENT...]

Opens gdb with the symbols of the kernel and of every program and with the `orbital` commands
(`help orbital`). Every process is an inferior of its own: scripts/orbital-gdb/README.md tells what
can be done with it. MACHINE is what to look at:

  nothing      the machine that scripts/run.sh runs, the youngest if there are several
  HOST:PORT    a gdb stub (:PORT on this host)
  FILE         a stub's unix socket, or a core dump: (gdb) monitor dump-guest-memory -p FILE

  --plain        talk to QEMU's stub itself: one inferior, the CPU, whoever runs on it
  --debug        MACHINE runs the debug build
  --symbols DIR  MACHINE runs the kernel.elf and the programs/ in DIR
  --help         this text

Exit status 1, with one line of error: there is no such machine, or its kernel is not the one in
target/orbital/, so that these symbols would be wrong.
END
}

machine='' place='' plain='' programs='' gdb_arguments=()

main() {
    DIE_STATUS=2
    parse_options "$@"
    DIE_STATUS=1
    require gdb gdb "the debugger"
    install_required || die "$install_problem"
    find_machine
    local kernel=$place/kernel.elf
    [[ -e $kernel ]] || die "there is no $kernel: scripts/build.sh --${place##*/} makes it"

    export ORBITAL_MACHINE=$machine ORBITAL_PROGRAMS=$programs ORBITAL_PROXY=
    [[ -n $plain ]] || ORBITAL_PROXY=$OUTPUT/orbital-gdb
    # gdb asks again after two seconds, which a machine on a busy host answers twice.
    exec gdb -q -nx -iex "set auto-load no" -iex "set confirm off" -iex "set pagination off" \
        -iex "set remotetimeout 60" -iex "set breakpoint pending on" -iex "set disassembly-flavor intel" \
        "$kernel" -x "$ORBITAL_ROOT/scripts/gdb/main.py" "${gdb_arguments[@]}"
}

parse_options() {
    while (($#)); do
        case $1 in
        --plain) plain=yes ;;
        --debug | --release) place=$OUTPUT/${1#--} ;;
        --symbols)
            (($# > 1)) || die "$1 needs a folder (see --help)"
            place=$(realpath -- "$2") && shift
            ;;
        --help) usage && exit ;;
        --) gdb_arguments=("${@:2}") && return ;;
        -*) die "unknown option $1 (see --help)" ;;
        *) { [[ -z $machine ]] || die "one machine at a time: $machine or $1"; } && machine=$1 ;;
        esac
        shift
    done
}

# Sets place and programs to those of the run of run.sh that has the machine; without a machine it is
# the youngest, and the others are named.
find_machine() {
    local note at of with chosen others=()
    machine=${machine/#localhost:/:} machine=${machine/#:/127.0.0.1:}
    [[ ! -S $machine ]] || machine=$(realpath -- "$machine")
    chosen=$machine
    while IFS= read -r note; do
        { read -r at && read -r of && read -r with; } <"$note"
        machine=${machine:-$at}
        if [[ $machine == "$at" ]]; then
            place=${place:-$of} programs=$with
        elif [[ -z $chosen ]]; then
            others+=("$at")
        fi
    done < <(running_machines)
    place=${place:-$OUTPUT/release}
    [[ -n $machine ]] || die "no machine runs: start one with scripts/run.sh (--wait-gdb halts it at first)"
    ((${#others[@]} == 0)) ||
        say "the youngest machine, $machine; scripts/gdb.sh MACHINE opens another: ${others[*]}"
}

main "$@"
