//! Links the kernel with `linker/kernel.ld`: the addresses, the segments and their rights.

fn main() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../linker/kernel.ld");
    println!("cargo::rerun-if-changed={script}");
    println!("cargo::rustc-link-arg-bins=-T{script}");
}
