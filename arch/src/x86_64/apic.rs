//! The local APIC of this CPU: enabled, its inputs set, and its end of interrupt.
//!
//! [`LocalApic::enable`] brings it up through the `x2apic` crate, in x2APIC mode (registers are
//! MSRs) where CPUID has it, else in xAPIC mode (registers are memory). [`end_of_interrupt`] is on
//! the path of every interrupt and is one store or one `wrmsr`. The timer is in `timer`.

use core::{
    fmt,
    sync::atomic::{AtomicPtr, AtomicU32, Ordering},
};

use raw_cpuid::CpuId;
use x2apic::lapic::{LocalApicBuilder, TimerDivide, TimerMode};
use x86_64::registers::model_specific::{ApicBase, ApicBaseFlags, Msr};

use crate::x86_64::{
    acpi::Platform,
    mmio::{MapMmio, Registers},
};

/// Vector of the timer.
pub const TIMER_VECTOR: u8 = 0x20;
/// Vector of an interrupt that vanished before it was delivered. It gets no end of interrupt.
pub const SPURIOUS_VECTOR: u8 = 0xff;
/// Vector of the error interrupt, which stays masked.
const ERROR_VECTOR: u8 = 0xfe;

/// Registers by their offset in xAPIC mode (SDM volume 3A, table 11-1).
pub(super) mod register {
    pub(in super::super) const TASK_PRIORITY: usize = 0x80;
    pub(in super::super) const END_OF_INTERRUPT: usize = 0xb0;
    pub(in super::super) const ERROR_STATUS: usize = 0x280;
    pub(in super::super) const LVT_TIMER: usize = 0x320;
    pub(in super::super) const LVT_LINT0: usize = 0x350;
    pub(in super::super) const LVT_LINT1: usize = 0x360;
    pub(in super::super) const LVT_ERROR: usize = 0x370;
    pub(in super::super) const TIMER_INITIAL_COUNT: usize = 0x380;
    pub(in super::super) const TIMER_CURRENT_COUNT: usize = 0x390;
    pub(in super::super) const TIMER_DIVIDE: usize = 0x3e0;
}

/// Bits of the local vector table (SDM volume 3A, figure 11-8).
pub(super) const LVT_MASKED: u32 = 1 << 16;
const LVT_DELIVER_NMI: u32 = 0b100 << 8;

/// Bytes of registers in xAPIC mode.
const BLOCK_LENGTH: usize = 0x400;

/// MSR of the x2APIC register that has this offset in xAPIC mode.
#[expect(clippy::cast_possible_truncation, reason = "an offset is below 0x400")]
pub(super) const fn x2apic_msr(offset: usize) -> Msr {
    Msr::new(0x800 + (offset >> 4) as u32)
}

/// This CPU's local APIC.
#[derive(Debug)]
pub struct LocalApic {
    access: Access,
    id: u32,
}

/// How its registers are reached.
#[derive(Debug)]
pub(super) enum Access {
    /// xAPIC mode.
    Memory(Registers),
    /// x2APIC mode.
    Msr,
}

impl Access {
    /// Where the register at `offset` is in memory; null if it is not.
    pub(super) fn address(&self, offset: usize) -> *mut u32 {
        match self {
            Self::Memory(registers) => registers.address(offset),
            Self::Msr => core::ptr::null_mut(),
        }
    }

    pub(super) fn read(&self, offset: usize) -> u32 {
        match self {
            Self::Memory(registers) => registers.read(offset),
            #[expect(clippy::cast_possible_truncation, reason = "the upper half is reserved")]
            // SAFETY: `Msr` is made only where x2APIC mode is on; reads change nothing.
            Self::Msr => (unsafe { x2apic_msr(offset).read() }) as u32,
        }
    }

    #[inline]
    pub(super) fn write(&self, offset: usize, value: u32) {
        match self {
            Self::Memory(registers) => registers.write(offset, value),
            // SAFETY: `Msr` is made only where x2APIC mode is on; the registers that this crate
            // writes control interrupts, not memory.
            Self::Msr => unsafe { x2apic_msr(offset).write(u64::from(value)) },
        }
    }
}

/// Why there is no local APIC to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// CPUID has none.
    Absent,
    /// Its registers cannot be mapped.
    Unmapped,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "this processor has no local APIC",
            Self::Unmapped => "local APIC registers cannot be mapped",
        })
    }
}

/// Where [`end_of_interrupt`] writes: the register in xAPIC mode, null in x2APIC mode. Before the
/// APIC is enabled, a word that nobody reads. The same on every CPU, as the mode is.
static END_OF_INTERRUPT: AtomicPtr<u32> = AtomicPtr::new(NOT_YET.as_ptr());
static NOT_YET: AtomicU32 = AtomicU32::new(0);

/// Tells the local APIC that the interrupt in service is done, so that others of its priority and
/// below can come.
#[inline]
pub fn end_of_interrupt() {
    let register = END_OF_INTERRUPT.load(Ordering::Relaxed);
    if register.is_null() {
        return end_of_interrupt_by_msr();
    }
    // SAFETY: the register, mapped for good, or `NOT_YET`.
    unsafe { register.write_volatile(0) };
}

#[cold]
fn end_of_interrupt_by_msr() {
    // SAFETY: called where x2APIC mode is on; the write concerns interrupts only.
    unsafe { x2apic_msr(register::END_OF_INTERRUPT).write(0) };
}

impl LocalApic {
    /// Enables this CPU's local APIC: priority 0, timer silent, NMI on the input that the firmware
    /// names, the other input (the 8259s') masked.
    ///
    /// # Errors
    /// If there is none, or `map` cannot map its registers.
    ///
    /// # Safety
    /// Interrupts are off, the 8259s are masked, `platform` describes this machine, `map` does
    /// what [`MapMmio`] says, and the vectors of this module have handlers before interrupts are
    /// turned on.
    pub unsafe fn enable(platform: &Platform, map: MapMmio<'_>) -> Result<Self, Error> {
        let features = CpuId::new().get_feature_info().ok_or(Error::Absent)?;
        if !features.has_apic() {
            return Err(Error::Absent);
        }
        let mut builder = LocalApicBuilder::new();
        builder
            .timer_vector(TIMER_VECTOR.into())
            .error_vector(ERROR_VECTOR.into())
            .spurious_vector(SPURIOUS_VECTOR.into())
            .timer_mode(TimerMode::OneShot)
            .timer_divide(TimerDivide::Div1)
            .timer_initial(0);
        // The crate decides by the same bit.
        let access = if features.has_x2apic() {
            Access::Msr
        } else {
            let base = map(platform.local_apic, BLOCK_LENGTH as u64);
            builder.set_xapic_base(base.expose_provenance() as u64);
            // SAFETY: the caller's promises; a local APIC does not touch memory.
            Access::Memory(unsafe { Registers::new(base, BLOCK_LENGTH) }.ok_or(Error::Unmapped)?)
        };
        turn_on();
        let mut local_apic = builder.build().map_err(|_| Error::Unmapped)?;
        // SAFETY: the caller's promises; mode and registers are the ones just found.
        unsafe { local_apic.enable() };
        // SAFETY: it is enabled.
        let id = unsafe { local_apic.id() };
        let id = if features.has_x2apic() { id } else { id >> 24 };
        let apic = Self { access, id };
        apic.set_inputs(platform.nmi_input);
        let eoi = match &apic.access {
            Access::Memory(registers) => registers.address(register::END_OF_INTERRUPT),
            Access::Msr => core::ptr::null_mut(),
        };
        END_OF_INTERRUPT.store(eoi, Ordering::Relaxed);
        Ok(apic)
    }

    /// Identifier of this CPU as interrupt destination.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Whether it is in x2APIC mode.
    pub const fn is_x2apic(&self) -> bool {
        matches!(self.access, Access::Msr)
    }

    /// The registers, for the timer.
    pub(super) const fn access(&self) -> &Access {
        &self.access
    }

    /// The `x2apic` crate leaves both inputs unmasked with vector 0, and its writes to the vector
    /// table come before the APIC is enabled by software, when the mask bits cannot be cleared
    /// (SDM volume 3A, 11.4.7.2): say here what each shall be.
    fn set_inputs(&self, nmi_input: u8) {
        let (nmi, other) = match nmi_input {
            0 => (register::LVT_LINT0, register::LVT_LINT1),
            _ => (register::LVT_LINT1, register::LVT_LINT0),
        };
        self.access.write(nmi, LVT_DELIVER_NMI);
        self.access.write(other, LVT_MASKED);
        self.access.write(register::LVT_ERROR, LVT_MASKED | u32::from(ERROR_VECTOR));
        self.access.write(register::LVT_TIMER, LVT_MASKED | u32::from(TIMER_VECTOR));
        self.access.write(register::TASK_PRIORITY, 0);
        // A write arms the register anew; errors of the firmware's time are not ours.
        self.access.write(register::ERROR_STATUS, 0);
    }
}

/// Sets the global enable bit: firmware may have left it clear.
fn turn_on() {
    let (frame, flags) = ApicBase::read();
    if !flags.contains(ApicBaseFlags::LAPIC_ENABLE) {
        // SAFETY: the base address stays; with its bit set the APIC is in xAPIC mode.
        unsafe { ApicBase::write(frame, flags | ApicBaseFlags::LAPIC_ENABLE) };
    }
}

impl fmt::Display for LocalApic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.is_x2apic() { "x2APIC" } else { "xAPIC" };
        write!(f, "local APIC {} in {mode} mode", self.id)
    }
}
