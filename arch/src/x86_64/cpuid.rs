//! [`Features`]: what this CPU can do, as far as the kernel cares.
//!
//! Asked once at boot; `init`, the clock and the boot log use the answer.

use core::fmt;

use raw_cpuid::CpuId;

/// What this CPU can do.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// Supervisor mode does not execute user pages.
    pub smep: bool,
    /// Supervisor mode does not touch user pages.
    pub smap: bool,
    /// Ring 3 cannot read table addresses.
    pub umip: bool,
    /// Pages can be not executable.
    pub nx: bool,
    /// Ring 3 could write its FS and GS base (the kernel leaves this off).
    pub fsgsbase: bool,
    /// XSAVE and XCR0.
    pub xsave: bool,
    /// 256-bit vectors.
    pub avx: bool,
    /// Tagged TLB entries.
    pub pcid: bool,
    /// Selective TLB invalidation.
    pub invpcid: bool,
    /// The local APIC as registers instead of memory.
    pub x2apic: bool,
    /// The local APIC timer counts to a value of the TSC.
    pub tsc_deadline: bool,
    /// The TSC runs at one rate in all power states.
    pub invariant_tsc: bool,
    /// Global pages.
    pub pge: bool,
    /// Fast `rep movsb`.
    pub erms: bool,
    /// Machine check exceptions.
    pub mce: bool,
    vendor: Text<12>,
    brand: Text<48>,
}

impl Features {
    /// Asks the CPU.
    #[must_use]
    pub fn detect() -> Self {
        let cpuid = CpuId::new();
        let basic = cpuid.get_feature_info();
        let basic = basic.as_ref();
        let structured = cpuid.get_extended_feature_info();
        let structured = structured.as_ref();
        let extended = cpuid.get_extended_processor_and_feature_identifiers();
        let power = cpuid.get_advanced_power_mgmt_info();
        Self {
            smep: structured.is_some_and(|f| f.has_smep()),
            smap: structured.is_some_and(|f| f.has_smap()),
            umip: structured.is_some_and(|f| f.has_umip()),
            nx: extended.is_some_and(|f| f.has_execute_disable()),
            fsgsbase: structured.is_some_and(|f| f.has_fsgsbase()),
            xsave: basic.is_some_and(|f| f.has_xsave()),
            avx: basic.is_some_and(|f| f.has_avx()),
            pcid: basic.is_some_and(|f| f.has_pcid()),
            invpcid: structured.is_some_and(|f| f.has_invpcid()),
            x2apic: basic.is_some_and(|f| f.has_x2apic()),
            tsc_deadline: basic.is_some_and(|f| f.has_tsc_deadline()),
            invariant_tsc: power.is_some_and(|f| f.has_invariant_tsc()),
            pge: basic.is_some_and(|f| f.has_pge()),
            erms: structured.is_some_and(|f| f.has_rep_movsb_stosb()),
            mce: basic.is_some_and(|f| f.has_mce()),
            vendor: Text::new(cpuid.get_vendor_info().as_ref().map_or("", |v| v.as_str())),
            brand: Text::new(
                cpuid.get_processor_brand_string().as_ref().map_or("", |b| b.as_str().trim()),
            ),
        }
    }

    /// Who made it: "GenuineIntel", "AuthenticAMD".
    #[must_use]
    pub fn vendor(&self) -> &str {
        self.vendor.as_str()
    }

    /// What it is called; may be empty.
    #[must_use]
    pub fn brand(&self) -> &str {
        self.brand.as_str()
    }

    /// The names of the features found, for a line of the boot log.
    #[must_use]
    pub fn found(&self) -> impl fmt::Display {
        Names(self.named(), true)
    }

    /// The names of the features that are missing, or "nothing".
    #[must_use]
    pub fn missing(&self) -> impl fmt::Display {
        Names(self.named(), false)
    }

    fn named(&self) -> [(&'static str, bool); 15] {
        [
            ("smep", self.smep),
            ("smap", self.smap),
            ("umip", self.umip),
            ("nx", self.nx),
            ("fsgsbase", self.fsgsbase),
            ("xsave", self.xsave),
            ("avx", self.avx),
            ("pcid", self.pcid),
            ("invpcid", self.invpcid),
            ("x2apic", self.x2apic),
            ("tsc-deadline", self.tsc_deadline),
            ("invariant-tsc", self.invariant_tsc),
            ("pge", self.pge),
            ("erms", self.erms),
            ("mce", self.mce),
        ]
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.brand(), self.vendor(), self.found())
    }
}

/// Those of the named features that are present, or those that are not.
struct Names<const N: usize>([(&'static str, bool); N], bool);

impl<const N: usize> fmt::Display for Names<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(features, wanted) = self;
        let mut names =
            features.iter().filter_map(|(name, present)| (present == wanted).then_some(name));
        f.write_str(names.next().unwrap_or(&"nothing"))?;
        names.try_for_each(|name| write!(f, " {name}"))
    }
}

/// A short string by value: what CPUID says lives in registers.
#[derive(Clone, Copy, Debug)]
struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    /// Keeps what fits, if it is ASCII; CPUID text always is.
    fn new(text: &str) -> Self {
        let mut bytes = [0; N];
        let kept = if text.is_ascii() { text.as_bytes() } else { b"" };
        let length = kept.len().min(N);
        bytes[..length].copy_from_slice(&kept[..length]);
        Self { bytes, length }
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.length]).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString;

    #[test]
    fn a_feature_is_either_found_or_missing() {
        let mut features = Features::detect();
        features.smep = true;
        features.pcid = false;
        let (found, missing) = (features.found().to_string(), features.missing().to_string());
        let listed = |line: &str, name| line.split(' ').any(|word| word == name);
        assert!(listed(&found, "smep") && !listed(&missing, "smep"));
        assert!(listed(&missing, "pcid") && !listed(&found, "pcid"));
        assert_eq!(found.split(' ').count() + missing.split(' ').count(), 15);
    }

    #[test]
    fn text_is_cut_to_what_fits() {
        assert_eq!(Text::<4>::new("abcdef").as_str(), "abcd");
        assert_eq!(Text::<4>::new("\u{e9}").as_str(), "");
    }
}
