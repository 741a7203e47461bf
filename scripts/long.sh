#!/usr/bin/env bash
# The long runs, for before a release; see usage().
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"
. "$ORBITAL_ROOT/scripts/lib/toolchain.sh"
. "$ORBITAL_ROOT/scripts/lib/qemu.sh"

usage() {
    cat <<'END'
usage: scripts/long.sh [NAME]...

Runs the tests that the suite ignores because they take minutes to hours, each with the figure it
reaches in its name: all of them, about a day on two cores, or those with a NAME in theirs, such as
every_mib.
END
}

main() {
    case ${1-} in
    --help) usage && exit ;;
    -*) DIE_STATUS=2 die "unknown option $1 (see --help)" ;;
    esac
    require_qemu bios ''
    install_required || die "$install_problem"
    choose_toolchain
    "$ORBITAL_ROOT/scripts/build.sh" --release
    export ORBITAL_ARTIFACTS=$OUTPUT/release ORBITAL_MKIMAGE=$OUTPUT/mkimage
    cargo_host test --locked --no-fail-fast --package orbital-tests -- --ignored --nocapture "$@"
    say "all long runs passed in $SECONDS s"
}

main "$@"
