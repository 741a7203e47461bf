# The Bochs side of run.sh. Needs common.sh, packages.sh and machine.sh.
#
#   require_bochs                         notes the packages a run needs
#   refuse_with_bochs NAME=VALUE...       ends the script if one of these options was given
#   run_bochs SECONDS IMAGE MEMORY SCREEN runs it, as run_machine does, and sets `outcome`
#
# The machine is described in scripts/bochsrc. Bochs is Debian's, with its debugger built in.

require_bochs() {
    require bochs bochs "the machine Orbital runs on"
    require /usr/share/bochs/BIOS-bochs-latest bochsbios "its firmware"
    require /usr/share/vgabios/vgabios.bin vgabios "the firmware of its screen adapter"
    note_plugin sdl2_gui bochs-sdl "its display, which need not show anything"
    require python3 python3-minimal "joins its serial port to the terminal"
}

note_plugin() { compgen -G "/usr/lib/*/bochs/plugins/libbx_$1.so" >/dev/null || note_package "$2" "$3"; }

refuse_with_bochs() {
    local option
    for option; do
        [[ -z ${option#*=} ]] || die "--bochs: ${option%%=*} is for QEMU only"
    done
}

# In the scratch folder: Bochs needs a disk of its own, of whole cylinders, which it locks with a file
# beside it, and a file that tells its debugger to let the machine run.
run_bochs() {
    local cylinder=$((16 * 63 * 512)) size cylinders environment=(--chdir="$scratch")
    [[ -n $4 ]] || environment+=(SDL_VIDEODRIVER=dummy)
    size=$(stat -c %s -- "$2")
    cylinders=$(((size + cylinder - 1) / cylinder))
    cp -- "$2" "$scratch/disk.img" && truncate -s $((cylinders * cylinder)) -- "$scratch/disk.img" ||
        die "cannot write $scratch"
    echo c >"$scratch/go"

    run_machine "$1" env "${environment[@]}" python3 -B "$ORBITAL_ROOT/scripts/lib/console.py" output \
        setpriv --pdeathsig KILL bochs -q -f "$ORBITAL_ROOT/scripts/bochsrc" -rc go \
        "memory: guest=$3, host=$3" "log: log" \
        "ata0-master: type=disk, mode=flat, path=disk.img, cylinders=$cylinders, heads=16, spt=63" \
        "com1: enabled=1, mode=term, dev={}"
    bochs_outcome
}

# Bochs's status says nothing; the kernel writes its own to the debug console.
bochs_outcome() {
    local code
    case $machine_status in
    0) outcome=left && return ;;
    124 | 137) outcome=timeout && return ;;
    esac
    code=$(sed -n 's/^exit \([0-9]*\)$/\1/p' "$scratch/output" 2>/dev/null | tail -n 1)
    ! outcome_of "$code" || return 0
    if grep -q 'exception with no resolution' "$scratch/log" 2>/dev/null; then
        outcome=reset
    else
        outcome="Bochs failed: $(bochs_said)"
    fi
}

# Its last complaint; before it has read its options they are not in the log.
bochs_said() { cat -- "$scratch/output" "$scratch/log" 2>/dev/null | sed -n 's/.*>>PANIC<< //p' | tail -n 1; }
