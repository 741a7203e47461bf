# House rules that no compiler checks. Needs common.sh.
#
#   check_rules   every .rs file opens with a line of module documentation, no crate has more unsafe
#                 blocks than SAFETY comments, and no module of the kernel uses one below it in the
#                 list of main.rs; prints the counts

check_rules() {
    local crate file failed=
    cd -- "$ORBITAL_ROOT" || return
    for file in $(rust_files .); do
        [[ $(head -n 1 -- "$file") == '//! '* ]] || { printf '%s: does not open with //!\n' "$file" && failed=yes; }
    done
    printf '%-20s %6s %7s\n' crate unsafe SAFETY
    for crate in arch kernel kernel/abi kernel/core scripts/image tests userland/programs userland/ulib; do
        count_unsafe "$crate" || failed=yes
    done
    check_order kernel/src || failed=yes
    [[ -z $failed ]]
}

# Modules stand lowest first in main.rs: whatever a file takes from `crate::` stands above its own.
check_order() {
    local module used below=
    for module in $(sed -nE 's/^mod (\w+);/\1/p' "$1/main.rs" | tac); do
        used=$(find "$1/$module.rs" "$1/$module" -name '*.rs' -exec cat {} + 2>/dev/null | tr -d '\n' |
            grep -oE 'crate::(\{[^;]*|\w+)' | grep -owE "${below:-none}" | sort -u | xargs)
        [[ -z $used ]] || { printf '%s: %s uses what stands below it: %s\n' "$1/main.rs" "$module" "$used" && return 1; }
        below=${below:+$below|}$module
    done
}

count_unsafe() {
    local blocks comments
    blocks=$(rust_files "$1/src" | xargs -r cat | grep -cE '^[^/]*\bunsafe (impl\b|\{)')
    comments=$(rust_files "$1/src" | xargs -r cat | grep -cE '// SAFETY: ')
    printf '%-20s %6d %7d\n' "$1" "$blocks" "$comments"
    ((comments >= blocks)) || { printf '%s: more unsafe blocks than SAFETY comments\n' "$1" && return 1; }
}

rust_files() { find "$1" \( -name target -o -name '.?*' \) -prune -o -name '*.rs' -print; }
