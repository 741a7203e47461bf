#!/usr/bin/env bash
# Builds kernel, programs, the image tool and a default disk image; see usage() for where they go.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"
. "$ORBITAL_ROOT/scripts/lib/toolchain.sh"

usage() {
    cat <<'END'
usage: scripts/build.sh [--release | --debug] [--uefi]

Builds what an Orbital machine boots, installing the tools it needs. Quick when nothing changed.

  --release   optimised (default)
  --debug     hardly optimised, with debug assertions; both have full debug information
  --uefi      also make the image for UEFI

  target/orbital/<release|debug>/
    kernel.elf         the kernel, for gdb
    kernel.stripped    the same without symbols, as it lies in the image
    programs/NAME.elf  each program, for gdb
    stripped/NAME      the same without symbols, as it lies in the ramdisk
    bios.img uefi.img  disk images: empty command line, all programs
  target/orbital/mkimage
                       makes other images; see its --help
  target/orbital/orbital-gdb
                       makes processes inferiors of gdb; scripts/gdb.sh starts it
END
}

main() {
    local profile=release uefi='' argument
    for argument; do
        case $argument in
        --release | --debug) profile=${argument#--} ;;
        --uefi) uefi=yes ;;
        --help) usage && exit ;;
        *) DIE_STATUS=2 die "unknown option $argument (see --help)" ;;
        esac
    done

    only_one build
    choose_toolchain
    build_image_tool
    build_debug_tool
    build_machine_code "$profile"
    make_default_image "$profile" bios
    [[ -z $uefi ]] || make_default_image "$profile" uefi
}

build_image_tool() {
    [[ -n $(compgen -G "$ORBITAL_ROOT/target/image/debug/build/bootloader-*/out/bin") ]] ||
        say "building the boot loader: minutes, but only once"
    cargo_image build --locked --quiet --package image || die "cannot build the image tool"
    publish "$ORBITAL_ROOT/target/image/debug/image" "$OUTPUT/mkimage"
}

build_debug_tool() {
    cargo_host build --locked --quiet --package orbital-gdb || die "cannot build orbital-gdb"
    publish "$ORBITAL_ROOT/target/debug/orbital-gdb" "$OUTPUT/orbital-gdb"
}

build_machine_code() {
    local built=$ORBITAL_ROOT/target/$TARGET/$1 place=$OUTPUT/$1 flags=() names program old
    [[ $1 == debug ]] || flags=(--release)
    cargo_target build --locked "${flags[@]}" --package orbital-kernel --package programs ||
        die "cannot build kernel and programs"

    mkdir -p -- "$place/programs" "$place/stripped"
    publish "$built/orbital-kernel" "$place/kernel.elf" "$place/kernel.stripped"
    names=$(program_names)
    for program in $names; do
        publish "$built/$program" "$place/programs/$program.elf" "$place/stripped/$program"
    done
    for old in "$place"/stripped/*; do
        program=${old##*/}
        [[ " $names " == *" $program "* ]] || rm -f -- "$old" "$place/programs/$program.elf"
    done
}

program_names() {
    local source
    for source in "$ORBITAL_ROOT"/userland/programs/src/bin/*; do
        source=${source##*/}
        printf '%s ' "${source%.rs}"
    done
}

# publish BUILT PLACE [STRIPPED]: copies a new BUILT to PLACE, and what a machine needs of it to
# STRIPPED. By rename, because another run may be reading the old one.
publish() {
    [[ -e $2 && ! $1 -nt $2 && (-z ${3-} || -e $3) ]] && return
    cp -- "$1" "$2.new" && mv -- "$2.new" "$2"
    [[ -z ${3-} ]] || { "$LLVM_OBJCOPY" --strip-all "$1" "$3.new" && mv -- "$3.new" "$3"; }
}

make_default_image() {
    local place=$OUTPUT/$1 image=$OUTPUT/$1/$2.img
    [[ -e $image && -z $(find "$OUTPUT/mkimage" "$place/kernel.stripped" "$place/stripped" -newer "$image") ]] && return
    "$OUTPUT/mkimage" --kernel "$place/kernel.stripped" --programs "$place/stripped" "--$2" "$image" ||
        die "cannot make $image"
}

main "$@"
