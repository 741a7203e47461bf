# House rules that no compiler checks. Needs common.sh.
#
#   check_rules   every .rs file opens with a line of module documentation, and no crate has more
#                 unsafe blocks than SAFETY comments; prints the counts

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
    [[ -z $failed ]]
}

count_unsafe() {
    local blocks comments
    blocks=$(rust_files "$1/src" | xargs -r cat | grep -cE '^[^/]*\bunsafe (impl\b|\{)')
    comments=$(rust_files "$1/src" | xargs -r cat | grep -cE '// SAFETY: ')
    printf '%-20s %6d %7d\n' "$1" "$blocks" "$comments"
    ((comments >= blocks)) || { printf '%s: more unsafe blocks than SAFETY comments\n' "$1" && return 1; }
}

rust_files() { find "$1" \( -name target -o -name '.?*' \) -prune -o -name '*.rs' -print; }
