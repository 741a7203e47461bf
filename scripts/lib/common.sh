# Shared by every script, sourced first: where the project lies, how a script speaks and how it
# fails. Settings of the caller that would change what is built are dropped here, once.

# Nothing else in scripts/ may depend on the folder it was called from.
ORBITAL_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
OUTPUT=$ORBITAL_ROOT/target/orbital

# They would replace the flags of .cargo/config.toml, or move the files other tools look for.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET \
    CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER

# The status die() leaves with; a script with its own table of codes sets it.
DIE_STATUS=1

say() { printf 'orbital: %s\n' "$*"; }

die() {
    printf 'orbital: %s\n' "$*" >&2
    exit "$DIE_STATUS"
}

# only_one NAME: waits until no other script holds the lock NAME, and holds it until this one ends.
only_one() {
    mkdir -p -- "$OUTPUT" 2>/dev/null || die "cannot write $OUTPUT"
    local lock
    { exec {lock}>"$OUTPUT/.$1.lock"; } 2>/dev/null || die "cannot write $OUTPUT"
    flock --nonblock "$lock" || { say "waiting for another run of this script"; flock "$lock"; }
}

# make_scratch: sets scratch, a folder that goes with this script. It holds a lock on it, as whatever
# it starts does: a folder without one was left by a script that was killed, and goes now.
make_scratch() {
    local parent=${TMPDIR:-/tmp} folder held
    for folder in "$parent"/orbital-run.??????; do
        [[ ! -O $folder || -L $folder ]] || ! flock --nonblock "$folder" true 2>/dev/null || rm -rf -- "$folder"
    done
    # Another script may take it for such a folder before it has its lock.
    until scratch=$(mktemp -d "$parent/orbital-run.XXXXXX" 2>/dev/null) || die "cannot write to $parent" &&
        exec {held}<"$scratch" && flock --nonblock "$held" && [[ -d $scratch ]]; do :; done
    trap 'rm -rf -- "$scratch"' EXIT
}
