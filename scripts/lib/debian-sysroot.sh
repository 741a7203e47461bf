# Debian's packages of a recent Rust, made into the shape that cargo's build-std and the boot
# loader's build expect. Part of toolchain.sh.
#
# Debian has no x86_64-unknown-none libraries (build-std makes them) and keeps the compiler's LLVM
# tools elsewhere. A private sysroot in .toolchain/ links everything together; it is made anew when
# the compiler changes, and nothing under /usr is touched.

debian_rust_present() {
    local version
    debian_llvm=
    [[ -x /usr/bin/cargo && -x /usr/bin/cargo-clippy && -x /usr/bin/cargo-fmt && -x /usr/bin/rustfmt &&
        -d /usr/lib/rustlib/src/rust/library ]] || return 1
    debian_rustc=$(/usr/bin/rustc -vV 2>/dev/null) || return 1
    version=$(sed -n 's/^release: \([0-9.]*\).*/\1/p' <<<"$debian_rustc")
    [[ $(printf '%s\n' "$OLDEST" "$version" | sort -V | head -n 1) == "$OLDEST" ]] || return 1
    debian_llvm=$(sed -n 's/^LLVM version: \([0-9]*\).*/\1/p' <<<"$debian_rustc")
    [[ -x /usr/bin/rust-lld && -x /usr/lib/llvm-$debian_llvm/bin/lld &&
        -x /usr/lib/llvm-$debian_llvm/bin/llvm-objcopy ]]
}

# Fails, with the reason in install_problem, when Debian cannot provide it.
install_debian_rust() {
    local candidate
    apt_usable rustc-web && apt_knows rustc-web || return 1
    candidate=$(LC_ALL=C apt-cache policy rustc-web | sed -n 's/^ *Candidate: //p')
    if ! dpkg --compare-versions "$candidate" ge "$OLDEST"; then
        install_problem="Debian's rustc-web is $candidate, Orbital needs $OLDEST"
        return 1
    fi
    note_package rustc-web "the Rust compiler"
    note_package cargo-web "builds kernel, programs and tools"
    note_package rust-web-src "source of core and alloc, built for the bare machine"
    note_package rust-web-llvm "links for the bare machine"
    note_package rust-web-clippy "lints"
    note_package rustfmt-web "checks the format"
    install_required || return 1

    # Of these, the versions that belong to the compiler.
    debian_rust_present && return
    require "/usr/lib/llvm-$debian_llvm/bin/lld" "lld-$debian_llvm" "the linker behind rust-lld"
    require "/usr/lib/llvm-$debian_llvm/bin/llvm-objcopy" "llvm-$debian_llvm" "strips what goes into the image"
    install_required && debian_rust_present
}

use_debian_rust() {
    TOOLCHAIN=$ORBITAL_ROOT/.toolchain
    local stamp="$TOOLCHAIN
$debian_rustc"
    if [[ $(cat -- "$TOOLCHAIN/stamp" 2>/dev/null) != "$stamp" ]]; then
        make_debian_sysroot
        printf '%s\n' "$stamp" >"$TOOLCHAIN/stamp"
    fi
    unset RUSTUP_TOOLCHAIN
}

make_debian_sysroot() {
    local host tool llvm=/usr/lib/llvm-$debian_llvm/bin
    host=$(sed -n 's/^host: //p' <<<"$debian_rustc")
    rm -rf -- "$TOOLCHAIN"
    mkdir -p -- "$TOOLCHAIN/bin" "$TOOLCHAIN/lib/rustlib/$host/bin"

    for tool in cargo cargo-clippy cargo-fmt rustfmt rust-lld; do
        ln -s "/usr/bin/$tool" "$TOOLCHAIN/bin/$tool"
    done
    for tool in rustc rustdoc; do
        printf '#!/bin/sh\nexec /usr/bin/%s --sysroot "%s" "$@"\n' "$tool" "$TOOLCHAIN" >"$TOOLCHAIN/bin/$tool"
        chmod +x "$TOOLCHAIN/bin/$tool"
    done

    ln -s /usr/lib/rustlib/src /usr/lib/rustlib/etc "$TOOLCHAIN/lib/rustlib/"
    ln -s "/usr/lib/rustlib/$host/lib" "$TOOLCHAIN/lib/rustlib/$host/lib"
    ln -s "$llvm/llvm-objcopy" "$llvm/llvm-objdump" /usr/bin/rust-lld "$TOOLCHAIN/lib/rustlib/$host/bin/"
}
