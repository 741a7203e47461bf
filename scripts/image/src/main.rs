//! Makes bootable disk images.
fn main() {}
