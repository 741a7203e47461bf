#!/usr/bin/env bash
# Checks everything there is to check: format, house rules, lints, documentation, host tests, and the
# tests that boot Orbital in QEMU and Bochs. Every step runs even if one before it failed; the status
# is 0 only if none did.
set -euo pipefail
. "$(dirname -- "${BASH_SOURCE[0]}")/lib/common.sh"
. "$ORBITAL_ROOT/scripts/lib/packages.sh"
. "$ORBITAL_ROOT/scripts/lib/toolchain.sh"
. "$ORBITAL_ROOT/scripts/lib/qemu.sh"
. "$ORBITAL_ROOT/scripts/lib/bochs.sh"
. "$ORBITAL_ROOT/scripts/lib/rules.sh"

ON_HOST=(--package orbital-abi --package orbital-core --package orbital-arch --package orbital-gdb)
ON_TARGET=(--package orbital-kernel --package orbital-arch --package ulib --package programs)
failed=()

main() {
    (($# == 0)) || { DIE_STATUS=2 die "unknown option $1: scripts/test.sh takes none"; }
    require_qemu uefi ''
    require_bochs
    require gdb gdb "what the tests of the debugger drive"
    require tmux tmux "what the test of run.sh --gdb looks at"
    install_required || die "$install_problem"
    choose_toolchain

    # The policies are named in a table only, where rustfmt does not find them.
    step "format" cargo_host fmt --all --check -- "$ORBITAL_ROOT"/kernel/core/src/sched/*.rs
    step "house rules" check_rules
    step "clippy, host" cargo_host clippy --locked --all-targets -- -D warnings
    step "clippy, image tool" cargo_image clippy --locked --package image --all-targets -- -D warnings
    step "clippy, x86_64-unknown-none" cargo_target clippy --locked --release "${ON_TARGET[@]}" -- -D warnings
    export RUSTDOCFLAGS='-D warnings'
    step "rustdoc, host" cargo_host doc --locked --no-deps --document-private-items
    step "rustdoc, x86_64-unknown-none" cargo_target doc --locked --release --no-deps --document-private-items "${ON_TARGET[@]}"
    step "tests, image tool" cargo_image test --locked --package image
    step "tests, host" cargo_host test --locked --no-fail-fast "${ON_HOST[@]}"
    step "tests, gdb commands" test_gdb_commands
    step "tests, QEMU and Bochs" test_machines
    step "tests, QEMU, preempted" test_preempted

    ((${#failed[@]} == 0)) || die "failed: $(printf '%s; ' "${failed[@]}")after $SECONDS s"
    say "all checks passed in $SECONDS s"
}

# step NAME COMMAND...: in a subshell, so that nothing it sets or enters stays.
step() {
    local name=$1
    shift
    printf '\n==> %s\n' "$name"
    if ! ("$@") </dev/null; then
        failed+=("$name")
        printf '==> %s: FAILED\n' "$name"
    fi
}

# In gdb's own Python: there need not be another.
test_gdb_commands() {
    cd -- "$ORBITAL_ROOT/scripts/gdb" || return
    gdb -q -nx -batch -ex 'python
import os, sys, unittest
sys.dont_write_bytecode = True
sys.path.insert(0, os.getcwd())
tests = unittest.main(module=None, argv=["-", "discover"], exit=False)
os._exit(not tests.result.wasSuccessful())'
}

# Files in which every machine names its policy: it is what they are about, or is counted in what they
# measure. A machine there that names none fails its test.
NAMED=(budgets nmi sched sweep)

# Of these the preempted step runs only a part, and why that is all there is to run:
#   endurance, unwinding
#               all machines but those of the tests that are run name their policy
#   documents   a session shows one run, line by line, and so the turns that the default policy makes;
#               two sessions show none, and one test has no machine
PART=(endurance unwinding documents)

test_machines() {
    "$ORBITAL_ROOT/scripts/build.sh" --release --uefi || return
    "$ORBITAL_ROOT/scripts/build.sh" --debug || return
    export ORBITAL_ARTIFACTS=$OUTPUT/release ORBITAL_MKIMAGE=$OUTPUT/mkimage
    local files status=0
    mapfile -t files < <(files_but "${NAMED[@]}")
    run_tests --lib "${files[@]}" || status=1
    ORBITAL_TEST_SCHED=named run_tests "${NAMED[@]/#/--test=}" || status=1
    return "$status"
}

# All machines that choose no policy once more, preempted: the same programs, the same results. What
# the step before has built is there. `kernel_elf` and `promises` have no machine.
test_preempted() {
    export ORBITAL_ARTIFACTS=$OUTPUT/release ORBITAL_MKIMAGE=$OUTPUT/mkimage
    export ORBITAL_TEST_SCHED="sched=round-robin quantum=100us"
    local files status=0
    mapfile -t files < <(files_but "${NAMED[@]}" "${PART[@]}" kernel_elf promises)
    run_tests "${files[@]}" || status=1
    run_tests --test endurance -- a_million_yields hours_of_idle || status=1
    run_tests --test unwinding -- in_a_double_fault in_a_page_fault_of_a_program || status=1
    run_tests --test documents -- the_proxy_lists_its_tasks the_readme_boots_bochs every_gdb || status=1
    return "$status"
}

run_tests() { cargo_host test --locked --no-fail-fast --package orbital-tests "$@"; }

# files_but NAME...: the options that choose all files of tests but these.
files_but() {
    local file name
    for file in "$ORBITAL_ROOT"/tests/tests/*.rs "$ORBITAL_ROOT"/tests/tests/*/main.rs; do
        name=${file%/main.rs}
        name=${name##*/} name=${name%.rs}
        [[ " $* " == *" $name "* ]] || printf -- '--test=%s\n' "$name"
    done
}

main "$@"
