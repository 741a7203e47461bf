//! What a panic in a program does: says where and why, and ends that program.

use core::panic::PanicInfo;

use crate::{PANICKED, process};

/// Prints the message and its place, and exits with [`PANICKED`].
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    crate::println!("{info}");
    process::exit(PANICKED)
}
