//! I/O ports of one device, as a trait so that drivers can be tested against a model of it.
//!
//! [`Ports`] is what the serial and keyboard drivers need; [`IoPorts`] is the machine's own.

use x86_64::instructions::port::Port;

/// The 8-bit ports of one device, by offset from its first.
pub trait Ports {
    /// Reads one byte.
    fn read(&mut self, offset: u16) -> u8;
    /// Writes one byte.
    fn write(&mut self, offset: u16, value: u8);
}

/// Ports reached by the `in` and `out` instructions.
#[derive(Debug)]
pub struct IoPorts {
    base: u16,
}

impl IoPorts {
    /// The ports that start at `base`.
    ///
    /// # Safety
    /// They belong to one device which the returned value alone drives, and which cannot change
    /// memory.
    pub const unsafe fn new(base: u16) -> Self {
        Self { base }
    }
}

impl Ports for IoPorts {
    fn read(&mut self, offset: u16) -> u8 {
        // SAFETY: a port of the device this value owns (`new`).
        unsafe { Port::new(self.base + offset).read() }
    }

    fn write(&mut self, offset: u16, value: u8) {
        // SAFETY: a port of the device this value owns (`new`).
        unsafe { Port::new(self.base + offset).write(value) }
    }
}
