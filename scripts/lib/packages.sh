# Debian packages, installed when a tool is missing. Needs common.sh.
#
#   require TOOL PACKAGE REASON   notes PACKAGE when TOOL (a command, or an absolute path) is missing
#   install_required              says what was noted and why, and installs it; without a call of apt
#                                 when nothing was. Fails with one line in install_problem.

required_packages=()
required_reasons=()
install_problem=

require() {
    case $1 in
    /*) [[ -e $1 ]] && return ;;
    *) command -v -- "$1" >/dev/null && return ;;
    esac
    note_package "$2" "$3"
}

note_package() {
    required_packages+=("$1")
    required_reasons+=("$2")
}

install_required() {
    ((${#required_packages[@]})) || return 0
    local packages=("${required_packages[@]}") reasons=("${required_reasons[@]}") i
    required_packages=() required_reasons=()

    apt_usable "${packages[@]}" && apt_plan "${packages[@]}" || return 1
    say "installing:"
    for i in "${!packages[@]}"; do
        printf '  %-18s %s\n' "${packages[i]}" "${reasons[i]}"
    done
    [[ -z $apt_removes ]] || say "they replace: $apt_removes"
    # A second try with fresh lists: old ones name files that are gone from the mirror.
    apt_run install "${packages[@]}" || { apt_run update && apt_run install "${packages[@]}"; } ||
        { install_problem="cannot install ${packages[*]}: $(apt_error)" && return 1; }
}

# Sets apt_prefix to what makes a command root.
apt_usable() {
    apt_prefix=()
    if ! command -v apt-get >/dev/null; then
        install_problem="missing: $* (there is no apt-get here to install it)"
    elif ((EUID == 0)); then
        return 0
    elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
        apt_prefix=(sudo)
        return 0
    else
        install_problem="missing: $*; run as root: apt-get install $*"
    fi
    return 1
}

# Asks apt what it would do and sets apt_removes. Only QEMU's own packages may be replaced by ours:
# a compiler that is already there is the user's business.
apt_plan() {
    local plan removed
    apt_knows "$@" || return 1
    if ! plan=$(LC_ALL=C apt-get --simulate --no-install-recommends install "$@" 2>&1); then
        install_problem="cannot install $*: $(grep '^E:' <<<"$plan" | tail -n 1)"
        return 1
    fi
    removed=$(sed -n 's/^Remv \([^ ]*\).*/\1/p' <<<"$plan")
    apt_removes=${removed//$'\n'/ }
    if [[ -n $removed ]] && grep -qv '^qemu-' <<<"$removed"; then
        install_problem="cannot install $*: that would remove $apt_removes"
        return 1
    fi
}

# Reads the package lists when there are none, or none with these packages.
apt_knows() {
    LC_ALL=C apt-cache show -- "$@" >/dev/null 2>&1 && return
    [[ -n ${apt_lists_are_fresh-} ]] || {
        say "reading Debian's package lists (apt-get update)"
        apt_run update || { install_problem="apt-get update failed: $(apt_error)" && return 1; }
        apt_lists_are_fresh=yes
    }
    LC_ALL=C apt-cache show -- "$@" >/dev/null 2>&1 || {
        install_problem="Debian's package lists here do not have all of: $*"
        return 1
    }
}

# apt_run COMMAND [PACKAGE...]: quiet; what it wrote is kept for apt_error.
apt_run() {
    local command=$1
    shift
    apt_log=$ORBITAL_ROOT/target/apt.log
    mkdir -p -- "$ORBITAL_ROOT/target" || return
    "${apt_prefix[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get "$command" --yes \
        --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >"$apt_log" 2>&1 </dev/null
}

apt_error() { grep '^E:' -- "$apt_log" | tail -n 1 || tail -n 1 -- "$apt_log"; }
