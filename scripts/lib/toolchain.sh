# The Rust toolchain: chooses one, and runs cargo with it. Needs common.sh and packages.sh.
#
#   choose_toolchain    sets it up (installing it if there is none) and exports PATH, RUSTC, RUSTDOC
#   cargo_host ...      cargo for host crates: a stable compiler
#   cargo_target ...    cargo for kernel and programs, on x86_64-unknown-none
#   cargo_image ...     cargo for scripts/image: its boot loader needs nightly features to build, and
#                       minutes, so it has a target folder of its own
#
# Order of choice: what rust-toolchain.toml names if rustup has it; Debian's rustc-web packages, seen
# through the private sysroot that debian-sysroot.sh makes; else rustup installs it. Tools are called
# by path, so that rustup's proxies in PATH never decide.

. "$ORBITAL_ROOT/scripts/lib/debian-sysroot.sh"

TARGET=x86_64-unknown-none
CHANNEL=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$ORBITAL_ROOT/rust-toolchain.toml")
OLDEST=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$ORBITAL_ROOT/Cargo.toml")

choose_toolchain() {
    require cc gcc "links the host tools"
    require /etc/ssl/certs/ca-certificates.crt ca-certificates "cargo fetches crates by HTTPS"
    install_required || die "$install_problem"

    if find_rustup_toolchain; then
        use_rustup_toolchain
    elif debian_rust_present || install_debian_rust; then
        use_debian_rust
    else
        install_rustup_toolchain
        use_rustup_toolchain
    fi
    export PATH=$TOOLCHAIN/bin:$PATH RUSTC=$TOOLCHAIN/bin/rustc RUSTDOC=$TOOLCHAIN/bin/rustdoc
    LLVM_OBJCOPY=$(echo "$TOOLCHAIN"/lib/rustlib/*/bin/llvm-objcopy)
}

cargo_host() { in_project "$@"; }
cargo_target() { (build_std && in_project "$1" --target "$TARGET" "${@:2}"); }
cargo_image() { (export RUSTC_BOOTSTRAP=1 && in_project "$1" --target-dir "$ORBITAL_ROOT/target/image" "${@:2}"); }

# The libraries for the target are compiled with it, also where they are prebuilt: those have no
# .eh_frame, and the kernel's own backtrace would end in them.
build_std() {
    export RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=core,alloc,compiler_builtins \
        CARGO_UNSTABLE_BUILD_STD_FEATURES=compiler-builtins-mem
}

# .cargo/config.toml is found from the working folder. `fmt` and `clippy` are programs of their own:
# cargo would look for them among rustup's proxies first.
in_project() {
    cd -- "$ORBITAL_ROOT" || exit
    case $1 in
    fmt | clippy) SYSROOT=$TOOLCHAIN "$TOOLCHAIN/bin/cargo-$1" "$@" ;;
    *) "$TOOLCHAIN/bin/cargo" "$@" ;;
    esac
}

# ---- rustup

# Looks into rustup's folder: asking rustup could make it download something.
find_rustup_toolchain() {
    local folder
    for folder in "${RUSTUP_HOME:-${HOME-}/.rustup}/toolchains/$CHANNEL"{,-*}; do
        if [[ -x $folder/bin/rustc && -x $folder/bin/cargo-clippy && -x $folder/bin/cargo-fmt &&
            -d $folder/lib/rustlib/$TARGET && -d $folder/lib/rustlib/src/rust/library &&
            -n $(compgen -G "$folder/lib/rustlib/*/bin/llvm-objcopy") ]]; then
            TOOLCHAIN=$folder
            return 0
        fi
    done
    return 1
}

use_rustup_toolchain() {
    export RUSTUP_TOOLCHAIN=$CHANNEL
}

install_rustup_toolchain() {
    local rustup
    rustup=$(PATH=$PATH:${CARGO_HOME:-${HOME-}/.cargo}/bin command -v rustup) ||
        die "no Rust $OLDEST, and no rustup (https://rustup.rs) to install it: $install_problem"
    say "installing Rust $CHANNEL with rustup: the compiler of kernel and programs"
    "$rustup" toolchain install "$CHANNEL" --profile minimal --target "$TARGET" \
        --component rust-src,llvm-tools,clippy,rustfmt </dev/null ||
        die "rustup cannot install Rust $CHANNEL"
    find_rustup_toolchain || die "rustup installed Rust $CHANNEL without all of its components"
}
