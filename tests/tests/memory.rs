//! Memory: how little is enough.

use orbital_tests::{Machine, Result};

/// Less than 18 MiB does not start the boot loader: it copies the kernel to the 16 MiB mark.
#[test]
fn machines_of_18_to_256_mib_boot_to_three_shells() -> Result {
    for mib in [18, 20, 24, 32, 64, 256] {
        let mut machine = Machine::builder().memory_mib(mib).boot()?;
        let table = machine.command("ps")?;
        assert_eq!(table.matches("orbital-shell-").count(), 3, "{mib} MiB:\n{table}");
        assert_eq!(machine.command("hello there")?.matches("there").count(), 1, "{mib} MiB");
    }
    Ok(())
}
