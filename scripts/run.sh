#!/usr/bin/env bash
# Builds Orbital and boots it in QEMU, with its serial console on this terminal; see usage().
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"
. "$ORBITAL_ROOT/scripts/lib/qemu.sh"

readonly EXIT_FAILED=1 EXIT_USAGE=2 EXIT_PANIC=3 EXIT_RESET=4 EXIT_NOT_STARTED=5 EXIT_TIMEOUT=124

usage() {
    cat <<END
usage: scripts/run.sh [OPTION]...

Builds the kernel, the programs and a disk image, installs what is missing for that, and boots it in
QEMU with the serial console on this terminal. Ctrl-C or Ctrl-A x leaves. The gdb stub listens on
port 1234, or on the next free one; scripts/gdb.sh finds it.

  --append "KEY=VALUE ..."  kernel command line (repeatable), for example
                            --append 'shells=1' or --append 'run="hello; echo hi" poweroff=yes'
  --program FILE[=NAME]     add an ELF file to the ramdisk as bin/NAME, by default under its own
                            name (repeatable)
  --wait-gdb                halt at the first instruction until gdb says continue
  --gdb                     the same, with gdb beside the console where tmux is there
  --uefi                    boot with UEFI (OVMF) instead of a BIOS
  --display                 show the screen in a window
  --timeout SECONDS         end the run after that time
  --release, --debug        which build (default: --release)
  --qemu-arg ARG            one more argument for QEMU (repeatable)
  --help                    this text

Exit status:
  0    left from the keyboard with Ctrl-A x, or powered off and every program had exited 0
  $EXIT_FAILED    powered off, and a program had failed
  $EXIT_USAGE    bad option, or a file that is not there
  $EXIT_PANIC    the kernel panicked
  $EXIT_RESET    the machine reset (triple fault)
  $EXIT_NOT_STARTED    nothing was booted: a package, the build or QEMU failed
  $EXIT_TIMEOUT  --timeout ended the run
  130  Ctrl-C
END
}

append=() programs=() qemu_args=()
profile=release firmware=bios seconds='' display='' wait_gdb='' beside=''

main() {
    DIE_STATUS=$EXIT_USAGE
    parse_options "$@"
    DIE_STATUS=$EXIT_NOT_STARTED
    [[ -z $beside || -n ${TMUX-} || ! -t 0 ]] || ! command -v tmux >/dev/null || exec tmux new-session "$0" "$@"
    [[ -z $display || -n ${DISPLAY-}${WAYLAND_DISPLAY-} ]] || die "--display: there is no screen (DISPLAY is not set)"
    # Nothing to read is not an error: the machine runs on without input.
    { : 9<&0; } 2>/dev/null || exec </dev/null

    require_qemu "$firmware" "$display"
    install_required || die "$install_problem"
    build
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/orbital.XXXXXX") || die "cannot write to ${TMPDIR:-/tmp}"
    trap 'rm -rf -- "$scratch"' EXIT
    choose_image
    boot
}

parse_options() {
    while (($#)); do
        # --option=value is --option value.
        [[ $1 != --*=* ]] || set -- "${1%%=*}" "${1#*=}" "${@:2}"
        case $1 in
        --append) value_of "$@" && append+=("$2") && shift ;;
        --program) value_of "$@" && add_program "$2" && shift ;;
        --timeout) value_of "$@" && set_timeout "$2" && shift ;;
        --qemu-arg) value_of "$@" && qemu_args+=("$2") && shift ;;
        --release | --debug) profile=${1#--} ;;
        --uefi) firmware=uefi ;;
        --display) display=yes ;;
        --wait-gdb) wait_gdb=yes ;;
        --gdb) wait_gdb=yes beside=yes ;;
        --help) usage && exit ;;
        *) die "unknown option $1 (see --help)" ;;
        esac
        shift
    done
}

value_of() { (($# > 1)) || die "$1 needs a value (see --help)"; }

set_timeout() {
    [[ $1 =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "--timeout wants seconds, not '$1'"
    seconds=$1
}

# A file whose own name has a `=` needs no NAME.
add_program() {
    local file=$1 name=${1##*/}
    [[ -e $file || $file != *=* ]] || { name=${file##*=} file=${file%=*}; }
    [[ -f $file && -r $file ]] || die "--program: no such file: $file"
    [[ $name =~ ^[A-Za-z0-9_][A-Za-z0-9._+-]{0,63}$ ]] ||
        die "--program: '$name' cannot be a name: 1 to 64 of A-Z a-z 0-9 . _ + -, the first no . + -; give FILE=NAME"
    programs+=("$file=$name")
}

build() {
    local flags=("--$profile")
    [[ $firmware != uefi ]] || flags+=(--uefi)
    "$ORBITAL_ROOT/scripts/build.sh" "${flags[@]}" </dev/null || exit "$EXIT_NOT_STARTED"
}

# Sets image: the default one, or one of this run's own.
choose_image() {
    local place=$OUTPUT/$profile pack program
    image=$place/$firmware.img
    ((${#append[@]} + ${#programs[@]})) || return 0
    image=$scratch/$firmware.img
    pack=(--kernel "$place/kernel.stripped" --programs "$place/stripped" "--$firmware" "$image" --cmdline "${append[*]}")
    for program in "${programs[@]}"; do
        pack+=(--program "$(without_debug_info "$program")")
    done
    "$OUTPUT/mkimage" "${pack[@]}" || exit "$EXIT_NOT_STARTED"
}

# FILE=NAME for a program as it is to be packed: debug information would only slow down the boot.
# A file that is no ELF stays as it is: refusing it is the kernel's task.
without_debug_info() {
    local file=${1%=*} name=${1##*=}
    if grep -qa -F .debug_info -- "$file" && objcopy --strip-debug -- "$file" "$scratch/$name" 2>/dev/null; then
        file=$scratch/$name
    fi
    printf '%s=%s\n' "$file" "$name"
}

boot() {
    local arguments
    qemu_machine "$image" "$firmware"
    pick_gdb_port
    note_machine "$profile" "${programs[@]%=*}"
    arguments=(
        "${machine[@]}" -m 128 -action panic=none
        -chardev "stdio,id=console,mux=on,signal=on" -serial chardev:console -mon chardev=console
        -gdb "tcp:127.0.0.1:$gdb_port"
        # Names a triple fault, which QEMU's exit status does not.
        -d cpu_reset -D "$scratch/qemu.log"
    )
    [[ -n $display ]] || arguments+=(-display none)
    [[ -z $wait_gdb ]] || arguments+=(-S)
    say "gdb: scripts/gdb.sh in a second terminal (the stub is 127.0.0.1:$gdb_port)"
    # Its gdb tries until the stub is there.
    [[ -z $beside || -z ${TMUX-} ]] || tmux split-window -h -- "$ORBITAL_ROOT/scripts/gdb.sh"
    run_qemu "$seconds" "${arguments[@]}" "${qemu_args[@]}"
    finish
}

# QEMU's status is 2 * V + 1 for a V the kernel wrote to the exit port.
finish() {
    [[ -z $ended_by ]] || leave "$ended_by"
    case $qemu_status in
    0)
        ! grep -q 'Triple fault' -- "$scratch/qemu.log" 2>/dev/null || leave "$EXIT_RESET" "the machine reset (triple fault)"
        leave 0
        ;;
    33) leave 0 ;;
    35) leave "$EXIT_FAILED" "a program failed" ;;
    124 | 137) leave "$EXIT_TIMEOUT" "stopped after $seconds seconds (--timeout)" ;;
    37) leave "$EXIT_PANIC" "the kernel panicked" ;;
    *) leave "$EXIT_NOT_STARTED" "QEMU failed (status $qemu_status)" ;;
    esac
}

leave() {
    [[ $# == 1 ]] || printf '\norbital: %s\n' "$2" >&2
    exit "$1"
}

main "$@"
