//! Control and debug registers: each gets one exact value, nothing is inherited from the boot
//! loader. [`Control::wanted`] is the value, for `init` to write and `selftest` to compare.

use x86_64::registers::control::{Cr0, Cr0Flags, Cr4, Cr4Flags};
use x86_64::registers::debug::{DebugAddressRegister, Dr0, Dr1, Dr2, Dr3, Dr7};
use x86_64::registers::model_specific::EferFlags;

use super::cpuid::Features;
use super::msr;

/// The registers that decide what the CPU allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) cr0: u64,
    pub(super) cr4: u64,
    pub(super) efer: u64,
    pub(super) dr7: u64,
}

impl Control {
    /// What the kernel's rules ask for on a CPU with these features.
    ///
    /// CR0: supervisor writes respect read-only pages (WP), x87 errors are exceptions (NE), the
    /// FPU is never lazy (TS, EM off). CR4: programs get no FSGSBASE (`trap_paranoid` trusts the
    /// GS base), no performance counters, no protection keys. No PGE either: no page is global,
    /// so loading CR3 forgets everything. DR7: no breakpoint, its fixed bit alone.
    pub(super) fn wanted(features: &Features) -> Self {
        let cr0 = Cr0Flags::PROTECTED_MODE_ENABLE
            | Cr0Flags::MONITOR_COPROCESSOR
            | Cr0Flags::EXTENSION_TYPE
            | Cr0Flags::NUMERIC_ERROR
            | Cr0Flags::WRITE_PROTECT
            | Cr0Flags::PAGING;
        let mut cr4 =
            Cr4Flags::PHYSICAL_ADDRESS_EXTENSION | Cr4Flags::OSFXSR | Cr4Flags::OSXMMEXCPT_ENABLE;
        cr4.set(Cr4Flags::MACHINE_CHECK_EXCEPTION, features.mce);
        cr4.set(Cr4Flags::USER_MODE_INSTRUCTION_PREVENTION, features.umip);
        cr4.set(Cr4Flags::OSXSAVE, features.xsave);
        cr4.set(Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION, features.smep);
        cr4.set(Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION, features.smap);
        let mut efer = EferFlags::SYSTEM_CALL_EXTENSIONS
            | EferFlags::LONG_MODE_ENABLE
            | EferFlags::LONG_MODE_ACTIVE;
        efer.set(EferFlags::NO_EXECUTE_ENABLE, features.nx);
        Self { cr0: cr0.bits(), cr4: cr4.bits(), efer: efer.bits(), dr7: 1 << 10 }
    }

    /// What the CPU holds.
    pub(super) fn read() -> Self {
        Self {
            cr0: Cr0::read_raw(),
            cr4: Cr4::read_raw(),
            // SAFETY: every x86-64 CPU has EFER.
            efer: unsafe { msr::read(msr::EFER) },
            dr7: Dr7::read_raw(),
        }
    }

    /// Writes all of them, and 0 to the four breakpoint addresses.
    ///
    /// # Safety
    /// Ring 0, before any task exists; the page tables work with these values: 4 levels, no
    /// kernel access to user pages.
    pub(super) unsafe fn load(self) {
        // SAFETY: PE, PG and ET stay as they are; the rest concerns tasks.
        unsafe { Cr0::write_raw(self.cr0) };
        // SAFETY: PAE stays on, each feature is one the CPU has.
        unsafe { Cr4::write_raw(self.cr4) };
        // SAFETY: LME and LMA stay on.
        unsafe { msr::write(msr::EFER, self.efer) };
        Dr7::write_raw(self.dr7);
        Dr0::write(0);
        Dr1::write(0);
        Dr2::write(0);
        Dr3::write(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted_on(all_present: bool) -> Control {
        let mut features = Features::detect();
        features.smep = all_present;
        features.smap = all_present;
        features.umip = all_present;
        features.nx = all_present;
        features.xsave = all_present;
        features.mce = all_present;
        Control::wanted(&features)
    }

    #[test]
    fn every_protection_the_cpu_has_is_on() {
        let control = wanted_on(true);
        assert_eq!(control.cr0, 0x8001_0033);
        assert_eq!(control.cr4, 0x34_0e60);
        assert_eq!(control.efer, 0xd01);
    }

    #[test]
    fn what_the_cpu_lacks_stays_off() {
        let control = wanted_on(false);
        assert_eq!(control.cr0, 0x8001_0033);
        assert_eq!(control.cr4, 0x620);
        assert_eq!(control.efer, 0x501);
    }
}
