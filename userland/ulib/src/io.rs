//! Bytes in and out: the calls `write`, `read`, `log`, `clear_screen`, and formatted printing.
//!
//! The console shows each `write` whole. [`Stdout`] therefore collects what one `print!` formats
//! and writes it in one piece, or line by line where it is longer than its buffer.

use core::fmt::{self, Write as _};

use orbital_abi::Errno;
use orbital_abi::layout::IO_MAX;

use crate::sys;

/// File descriptor of the console as input.
pub const STDIN: u64 = 0;
/// File descriptor of the console as output.
pub const STDOUT: u64 = 1;
/// File descriptor of the console for complaints.
pub const STDERR: u64 = 2;

/// Writes `bytes` to the console; at most 4096, and never none.
///
/// # Errors
///
/// `Invalid` for an empty or too long slice.
pub fn write(bytes: &[u8]) -> Result<u64, Errno> {
    // SAFETY: the call only reads memory.
    sys::check(unsafe { sys::write(STDOUT, address(bytes), length(bytes)) })
}

/// Writes any number of bytes, in pieces of whole lines where the lines are short enough.
///
/// # Errors
///
/// None that a valid slice can cause.
pub fn write_lines(mut bytes: &[u8]) -> Result<(), Errno> {
    const PIECE: usize = 4096;
    const _: () = assert!(PIECE as u64 == IO_MAX, "a piece is what one call takes");
    while !bytes.is_empty() {
        let piece = whole_lines(&bytes[..bytes.len().min(PIECE)]);
        write(piece)?;
        bytes = &bytes[piece.len()..];
    }
    Ok(())
}

/// The whole lines at the start of `bytes`, or all of it when there is not one.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let newline = bytes.iter().rposition(|&byte| byte == b'\n');
    newline.map_or(bytes, |newline| &bytes[..=newline])
}

/// Waits for a line, or the end of input, and returns how many bytes of `buffer` it filled.
/// The line keeps its newline; 0 is the end of input.
///
/// # Errors
///
/// None that a valid buffer can cause.
pub fn read(buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the call writes only into `buffer`, which is borrowed mutably.
    let count = sys::check(unsafe { sys::read(STDIN, address_mut(buffer), length(buffer)) })?;
    Ok(filled(count, buffer))
}

/// Writes one line to the kernel's log.
///
/// # Errors
///
/// `Invalid` for an empty line or one of more than 4096 bytes.
pub fn log(line: &str) -> Result<u64, Errno> {
    // SAFETY: the call only reads memory.
    sys::check(unsafe { sys::log(address(line.as_bytes()), length(line.as_bytes())) })
}

/// Clears the screen and the serial terminal.
///
/// # Errors
///
/// `NotImplemented` on a kernel that has no terminal to clear.
pub fn clear_screen() -> Result<(), Errno> {
    // SAFETY: the call touches no memory of the program.
    sys::check(unsafe { sys::clear_screen() }).map(drop)
}

/// Prints to the console: `print!` without the newline.
#[macro_export]
macro_rules! print {
    ($($arg:tt)*) => { $crate::io::print(format_args!($($arg)*)) };
}

/// Prints a line to the console.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($arg:tt)*) => { $crate::io::print_line(format_args!($($arg)*)) };
}

/// What [`print!`](crate::print) calls.
pub fn print(text: fmt::Arguments<'_>) {
    // Formatting into `Stdout` cannot fail, and a value whose `Display` gives up is shown as far
    // as it got.
    let _ = Stdout::new().write_fmt(text);
}

/// What [`println!`](crate::println) calls.
pub fn print_line(text: fmt::Arguments<'_>) {
    let mut out = Stdout::new();
    let _ = out.write_fmt(text);
    let _ = out.write_char('\n');
}

/// Collects formatted text and writes it when it goes out of scope.
///
/// Nothing is written earlier unless the text outgrows the buffer; then whole lines go first, so
/// that a line of up to [`Stdout::CAPACITY`] bytes is never written in two pieces.
pub struct Stdout {
    buffer: [u8; Self::CAPACITY],
    used: usize,
}

impl Stdout {
    /// Length of the longest line that is sure to be written in one piece.
    pub const CAPACITY: usize = 512;

    /// An empty collection.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: [0; Self::CAPACITY], used: 0 }
    }

    /// Writes the first `end` bytes and moves the others to the front.
    fn write_first(&mut self, end: usize) {
        if end > 0 {
            // A console that cannot be written to leaves nobody to tell.
            let _ = write(&self.buffer[..end]);
        }
        self.buffer.copy_within(end..self.used, 0);
        self.used -= end;
    }
}

impl Default for Stdout {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Write for Stdout {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut text = text.as_bytes();
        while !text.is_empty() {
            if self.used == Self::CAPACITY {
                self.write_first(whole_lines(&self.buffer).len());
            }
            let count = text.len().min(Self::CAPACITY - self.used);
            let (now, later) = text.split_at(count);
            self.buffer[self.used..self.used + count].copy_from_slice(now);
            self.used += count;
            text = later;
        }
        Ok(())
    }
}

impl Drop for Stdout {
    fn drop(&mut self) {
        self.write_first(self.used);
    }
}

/// The address of a slice, as a call wants it.
pub(crate) fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr().expose_provenance() as u64
}

/// The address of a slice that a call fills.
pub(crate) fn address_mut(bytes: &mut [u8]) -> u64 {
    bytes.as_mut_ptr().expose_provenance() as u64
}

/// The length of a slice, as a call wants it.
pub(crate) const fn length(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

/// The count a call returned, no larger than the buffer it filled.
pub(crate) fn filled(count: u64, buffer: &[u8]) -> usize {
    usize::try_from(count).map_or(buffer.len(), |count| count.min(buffer.len()))
}
