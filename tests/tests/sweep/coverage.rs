//! Where the machine was when the timer was due.
//!
//! QEMU logs the interrupts that the local APIC raises, and where each block of code begins that it
//! executes. Counting instructions as time it ends a block exactly where the timer is due, so what
//! begins next tells the place. Blocks outside of the parts are left out of the log, or it would be a
//! hundred times as long; so the first instruction of what Rust calls, or returns to, cannot be told
//! from the Rust before it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use orbital_tests::code::Kernel;
use orbital_tests::{Builder, Result};

/// QEMU's log of one run.
pub(crate) struct Log(PathBuf);

impl Log {
    pub(crate) fn new(name: &str) -> Self {
        let file = format!("{name}-{}.log", std::process::id());
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file))
    }

    /// The machine, which writes the log.
    pub(crate) fn of(&self, machine: Builder, kernel: &Kernel) -> Builder {
        let range = |first: &str, last: &str| {
            let (first, last) = (kernel.body(first), kernel.body(last));
            format!("{:#x}..{:#x}", first[0].ip(), last[last.len() - 1].ip())
        };
        // With the vectors, so that an interrupt in ring 3 is not taken for one in what follows.
        let ranges = [
            range("vector_00", "vector_ff"),
            range("syscall_entry", "interrupt_exit"),
            range("trap_common", "trap_common"),
            range("suspend_context", "return_in_kernel"),
        ];
        let filter = ranges.join(",");
        let file = self.0.display().to_string();
        let events = "exec,nochain,trace:apic_local_deliver";
        ["-d", events, "-dfilter", &filter, "-D", &file]
            .into_iter()
            .fold(machine, Builder::qemu_arg)
    }

    /// The places where the timer was due.
    pub(crate) fn expiries(&self) -> Result<BTreeSet<u64>> {
        let mut places = BTreeSet::new();
        let mut due = false;
        for line in BufReader::new(File::open(&self.0)?).lines() {
            let line = line?;
            if line.starts_with("apic_local_deliver vector 0 ") {
                due = true;
            } else if let Some(place) = begun(&line).filter(|_| due) {
                places.insert(place);
                due = false;
            }
        }
        Ok(places)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Nothing is lost if it never was there.
        let _ = fs::remove_file(&self.0);
    }
}

/// Where a block begins: `Trace 0: 0x7f0123456789 [0000000000000000/ffffffff80056b5c/..] `.
fn begun(line: &str) -> Option<u64> {
    let place = line.strip_prefix("Trace ")?.split('/').nth(1)?;
    u64::from_str_radix(place, 16).ok()
}
