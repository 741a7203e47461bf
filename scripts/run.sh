#!/usr/bin/env bash
# Builds Orbital and boots it in QEMU or Bochs, with its serial console on this terminal; see usage().
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"
. "$ORBITAL_ROOT/scripts/lib/machine.sh"
. "$ORBITAL_ROOT/scripts/lib/qemu.sh"
. "$ORBITAL_ROOT/scripts/lib/bochs.sh"
. "$ORBITAL_ROOT/scripts/lib/replay.sh"
. "$ORBITAL_ROOT/scripts/lib/beside.sh"

readonly EXIT_FAILED=1 EXIT_USAGE=2 EXIT_PANIC=3 EXIT_RESET=4 EXIT_NOT_STARTED=5 EXIT_TIMEOUT=124

usage() {
    cat <<END
usage: scripts/run.sh [OPTION]...

Builds the kernel, the programs and a disk image, installs what is missing for that, and boots it in
QEMU with the serial console on this terminal. Ctrl-A x leaves; Ctrl-C is for the guest. The gdb
stub listens on port 1234, or on the next free one; scripts/gdb.sh finds it.

  --append "KEY=VALUE ..."  kernel command line (repeatable), for example
                            --append 'shells=1' or --append 'run="hello; echo hi" poweroff=yes'
  --program FILE[=NAME]     add an ELF file to the ramdisk as bin/NAME, by default under its own
                            name (repeatable)
  --wait-gdb                halt at the first instruction until gdb says continue
  --gdb                     the same, with gdb beside the console where tmux is there
  --gdb-socket FILE         let the gdb stub listen on this unix socket and on no port
  --qmp FILE                join QEMU's monitor (QMP) to this unix socket, where a program listens;
                            after a panic or a triple fault the machine then stands still
  --deterministic           let time pass by instructions: every run makes the same switches at the
                            same moments after the first, preemption included, while nobody types
  --record DIR              record the run into DIR, keys included; Ctrl-C leaves
  --keep DIR                leave in DIR what starts the same machine again, whatever is built then
  --replay DIR              repeat the recorded run in DIR exactly, or start the machine that --keep or
                            a failed test left there; with --wait-gdb a recorded one stays when the
                            run is over, for the reverse commands of gdb
  --bochs                   boot it in Bochs instead of QEMU, on a CPU that has what QEMU's lacks:
                            x2APIC, TSC-deadline, PCID; takes the options without gdb, --qmp,
                            --record, --deterministic, --uefi and --qemu-arg
  --uefi                    boot with UEFI (OVMF) instead of a BIOS
  --display                 show the screen in a window
  --memory MIB              how much memory the machine has (default: 128; at least 18)
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
  $EXIT_NOT_STARTED    nothing was booted: a package, the build, QEMU or Bochs failed
  $EXIT_TIMEOUT  --timeout ended the run
  130  interrupted, by Ctrl-C where the guest does not get it
END
}

append=() programs=() qemu_args=()
profile=release firmware=bios memory=128 seconds='' display='' bochs='' wait_gdb='' beside=''
gdb_socket='' qmp='' deterministic='' record='' keep='' replay='' note=''

main() {
    DIE_STATUS=$EXIT_USAGE
    parse_options "$@"
    DIE_STATUS=$EXIT_NOT_STARTED
    [[ -z $beside || -n ${TMUX-} || ! -t 0 ]] || ! command -v tmux >/dev/null || in_tmux "$@"
    [[ -z $display || -n ${DISPLAY-}${WAYLAND_DISPLAY-} ]] || die "--display: there is no screen (DISPLAY is not set)"
    # Nothing to read is not an error: the machine runs on without input.
    { : 9<&0; } 2>/dev/null || exec </dev/null

    if [[ -n $bochs ]]; then require_bochs; else require_qemu "$firmware" "$display"; fi
    [[ -z $replay || -z $wait_gdb ]] || require gdb gdb "goes back in a recorded run"
    install_required || die "$install_problem"
    [[ -n $replay ]] || build
    make_scratch
    trap 'rm -rf -- "$scratch"; rm -f -- "$note"; [[ ! -S $gdb_socket ]] || rm -- "$gdb_socket"' EXIT
    if [[ -z $replay ]]; then
        choose_image
        describe_machine
    else
        place=$replay
        if [[ -n $bochs ]]; then replay_in_bochs "$replay"; else replay_machine "$replay" "$wait_gdb"; fi
    fi
    if [[ -n $bochs ]]; then
        run_bochs "$seconds" "$image" "$memory" "$display"
    else
        boot
    fi
    finish
}

parse_options() {
    while (($#)); do
        # --option=value is --option value.
        [[ $1 != --*=* ]] || set -- "${1%%=*}" "${1#*=}" "${@:2}"
        case $1 in
        --append) value_of "$@" && append+=("$2") && shift ;;
        --program) value_of "$@" && add_program "$2" && shift ;;
        --memory) value_of "$@" && set_memory "$2" && shift ;;
        --timeout) value_of "$@" && set_timeout "$2" && shift ;;
        --qemu-arg) value_of "$@" && qemu_args+=("$2") && shift ;;
        --release | --debug) profile=${1#--} ;;
        --gdb-socket) value_of "$@" && gdb_socket=$(realpath -m -- "$2") && shift ;;
        --qmp) value_of "$@" && qmp=$(realpath -m -- "$2") && shift ;;
        --deterministic) deterministic=yes ;;
        --record) value_of "$@" && record=$(realpath -m -- "$2") && shift ;;
        --keep) value_of "$@" && keep=$(realpath -m -- "$2") && shift ;;
        --replay) value_of "$@" && replay=$(realpath -m -- "$2") && shift ;;
        --bochs) bochs=yes ;;
        --uefi) firmware=uefi ;;
        --display) display=yes ;;
        --wait-gdb) wait_gdb=yes ;;
        --gdb) wait_gdb=yes beside=yes ;;
        --help) usage && exit ;;
        *) die "unknown option $1 (see --help)" ;;
        esac
        shift
    done
    [[ -z $replay || -f $replay/machine ]] || die "--replay: there is no run in $replay"
    [[ -z $record || -z $deterministic ]] || die "--record: a recorded run needs no --deterministic"
    [[ -z $record || -z $keep ]] || die "--keep: --record keeps the machine, too"
    [[ -z $replay || -z "${append[*]}${programs[*]}$record$keep$deterministic" ]] ||
        die "--replay: the machine is the one in $replay, without --append, --program, --record, --keep, --deterministic"
    [[ -z $bochs ]] || refuse_with_bochs --uefi="${firmware#bios}" --gdb="$beside" --wait-gdb="$wait_gdb" \
        --gdb-socket="$gdb_socket" --qmp="$qmp" --record="$record" --deterministic="$deterministic" \
        --qemu-arg="${qemu_args[*]}"
}

value_of() { (($# > 1)) || die "$1 needs a value (see --help)"; }

# The boot loader copies the kernel to the 16 MiB mark before anything could say why it cannot.
set_memory() {
    [[ $1 =~ ^[0-9]{1,6}$ ]] || die "--memory wants MiB, not '$1'"
    ((10#$1 >= 18)) || die "--memory: $1 MiB are too little, the boot loader needs 18"
    memory=$((10#$1))
}

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

# Sets place, the folder of the build, and image: the default one, or one of this run's own.
choose_image() {
    local pack program
    place=$OUTPUT/$profile
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

# Sets machine from the options, and keeps it where they say so.
describe_machine() {
    qemu_machine "$firmware"
    machine+=(-m "$memory" "${qemu_args[@]}")
    qemu_args=()
    [[ -z $deterministic ]] || deterministic_machine
    [[ -z $keep$record ]] || keep_machine "${keep:-$record}" "$place" "$image" "${programs[@]}"
    if [[ -n $record ]]; then
        record_machine "$record"
    else
        qemu_disk "$image"
    fi
}

boot() {
    local arguments action=panic=none,shutdown=poweroff stub=unix:${gdb_socket//,/,,},server=on,wait=off
    [[ -n $gdb_socket ]] || {
        pick_gdb_port
        stub=tcp:127.0.0.1:$gdb_port
    }
    note_machine "${gdb_socket:-127.0.0.1:$gdb_port}" "$place" "${programs[@]%=*}"
    [[ -z $qmp ]] || action=panic=pause,reboot=shutdown,shutdown=pause
    # What a test wanted of the machine it kept is not for a person.
    arguments=("${machine[@]}" -action "$action" -gdb "$stub")
    [[ -z $qmp ]] || arguments+=(-qmp "unix:${qmp//,/,,}")
    # A recorded console cannot share the terminal with the monitor.
    [[ ${machine[*]} == *" -serial "* ]] ||
        arguments+=(-chardev "stdio,id=console,mux=on,signal=off" -serial chardev:console -mon chardev=console)
    [[ -n $display ]] || arguments+=(-display none)
    [[ -z $wait_gdb ]] || arguments+=(-S)
    say "gdb: scripts/gdb.sh${gdb_socket:+ $gdb_socket} in a second terminal (the stub is ${stub%%,*})"
    [[ -z $beside ]] || open_gdb "${gdb_socket:-127.0.0.1:$gdb_port}"
    run_qemu "$seconds" "${arguments[@]}" "${qemu_args[@]}"
}

finish() {
    [[ -z $ended_by ]] || leave "$ended_by"
    case $outcome in
    left | well) leave 0 ;;
    failed) leave "$EXIT_FAILED" "a program failed" ;;
    panic) leave "$EXIT_PANIC" "the kernel panicked" ;;
    reset) leave "$EXIT_RESET" "the machine reset (triple fault)" ;;
    timeout) leave "$EXIT_TIMEOUT" "stopped after $seconds seconds (--timeout)" ;;
    *) leave "$EXIT_NOT_STARTED" "$outcome" ;;
    esac
}

leave() {
    [[ $# == 1 ]] || printf '\norbital: %s\n' "$2" >&2
    exit "$1"
}

main "$@"
