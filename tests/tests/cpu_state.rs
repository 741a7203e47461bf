//! What the CPU holds while programs run, as QEMU sees it from outside: control registers, tables,
//! interrupt controllers, and the pages of a process.

use std::collections::BTreeMap;

use orbital_tests::code::Kernel;
use orbital_tests::{Machine, Profile, Result, Stub};

/// The value after `name=` in a dump of the registers.
fn register(dump: &str, name: &str) -> u64 {
    let after = dump.split(&format!("{name}=")).nth(1).unwrap_or_default();
    let digits = after.split_whitespace().next().unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("no {name} in {dump}"))
}

/// The registers at a moment when a program runs in ring 3; the machine stands still.
fn registers_in_ring_3(machine: &mut Machine) -> Result<String> {
    for _ in 0..1_000 {
        machine.monitor("stop")?;
        let dump = machine.monitor("info registers")?;
        if dump.contains("CPL=3") {
            return Ok(dump);
        }
        machine.monitor("cont")?;
    }
    Err("the program never runs".into())
}

/// Checks the registers that decide what a program may do.
fn holds(cpu: &str, cr4: u64, efer: u64) -> Result {
    let mut machine = Machine::builder().cpu(cpu).cmdline("run=spin").boot()?;
    machine.expect("(spin) started")?;
    let dump = registers_in_ring_3(&mut machine)?;
    let got = ["CR0", "CR4", "EFER", "DR7"].map(|name| register(&dump, name));
    assert_eq!(got, [0x8001_0033, cr4, efer, 0x400], "{cpu}: {dump}");
    // Selector, base and limit: none.
    assert!(dump.contains("LDT=0000 0000000000000000 00000000"), "{cpu}: {dump}");
    let upper = |name: &str| {
        let table = dump.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        table.split_whitespace().any(|word| word.len() == 16 && word.starts_with("ffff"))
    };
    assert!(upper("GDT=") && upper("IDT=") && upper("TR ="), "{cpu}: {dump}");
    for segment in ["DS =", "ES =", "FS =", "GS ="] {
        assert!(dump.contains(&format!("{segment}0000 0000000000000000")), "{cpu}: {dump}");
    }
    Ok(())
}

#[test]
fn the_cpu_holds_what_the_rules_ask_for() -> Result {
    // SMAP SMEP OSXSAVE UMIP OSXMMEXCPT OSFXSR MCE PAE; NXE LMA LME SCE.
    holds("max,phys-bits=39", 0x34_0e60, 0xd01)
}

#[test]
fn a_cpu_without_the_protections_holds_the_rest() -> Result {
    holds("qemu64", 0x660, 0xd01)
}

#[test]
fn the_old_interrupt_controllers_are_out_of_the_way_and_silent() -> Result {
    let mut machine = Machine::builder().warm()?;
    let dump = machine.monitor("info pic")?;
    for (chip, base) in [("pic0", "irq_base=e0"), ("pic1", "irq_base=e8")] {
        let line = dump.lines().find(|line| line.starts_with(chip)).unwrap_or_default();
        assert!(line.contains("imr=ff") && line.contains(base), "{dump}");
    }
    Ok(())
}

/// The interrupts that the local APIC has delivered and awaits the end of.
fn in_service(machine: &mut Machine) -> Result<String> {
    let dump = machine.monitor("info lapic")?;
    let line = dump.lines().find(|line| line.starts_with("ISR"));
    Ok(line.ok_or("no ISR")?.trim_start_matches("ISR").trim().to_owned())
}

/// What a device writes where message-signalled interrupts go raises a vector in the local APIC, which
/// takes it for a real one: it stays in service for ever if the kernel sends no end of interrupt. So
/// must it be with vectors that mean that there was no interrupt, and with no other.
#[test]
fn a_spurious_interrupt_gets_no_end_of_interrupt_and_disturbs_nobody() -> Result {
    const MESSAGES: u64 = 0xfee0_0000;
    // So few rounds that they do not come to the calls that need the timer, which then is held back.
    let programs = "run=\"registers 80 1; registers 80 2\" sched=cooperative";
    for (vector, stays) in [(0x80_u32, "(none)"), (0xef, "239"), (0xff, "255")] {
        let mut machine = Machine::builder().cmdline(programs).wait_for_gdb().boot()?;
        let entry = Kernel::read(Profile::Release)?.body("syscall_entry")[0].ip();
        let mut stub = Stub::attach(&machine)?;
        stub.run_to(&[entry])?;
        stub.write_physical(MESSAGES, &vector.to_le_bytes())?;
        stub.detach()?;
        let programs = ["pid 1 (registers) exited: 0", "pid 2 (registers) exited: 0"];
        machine.expect_all(&programs)?;
        assert_eq!(in_service(&mut machine)?, stays, "{vector:#x}");
    }
    Ok(())
}

#[test]
fn non_maskable_interrupts_at_random_moments_change_nothing() -> Result {
    let mut machine = Machine::builder().run("registers 60000 1; registers 60000 2").boot()?;
    machine.expect_all(&["pid 1 (registers) started", "pid 2 (registers) started"])?;
    for _ in 0..300 {
        machine.monitor("nmi")?;
    }
    machine.expect_all(&["pid 1 (registers) exited: 0", "pid 2 (registers) exited: 0"])?;
    machine.expect_exit(orbital_tests::exit::SUCCESS)
}

/// Pages by their address, with QEMU's letters: X for no execution, U for user, W for writable.
fn pages(machine: &mut Machine) -> Result<BTreeMap<u64, String>> {
    let dump = machine.monitor("info tlb")?;
    let page = |line: &str| {
        let mut words = line.split_whitespace();
        let address = u64::from_str_radix(words.next()?.strip_suffix(':')?, 16).ok()?;
        Some((address, format!("{} {}", words.next()?, words.next()?)))
    };
    Ok(dump.lines().filter_map(page).collect())
}

#[test]
fn a_process_has_its_own_pages_below_and_the_kernels_above() -> Result {
    // Few address bits keep the list of pages short.
    let mut machine = Machine::builder()
        .cpu("max,phys-bits=32")
        .cmdline("run=\"spin; spin\" sched=round-robin quantum=1ms")
        .boot()?;
    machine.expect_all(&["pid 1 (spin) started", "pid 2 (spin) started"])?;
    let mut seen = BTreeMap::new();
    while seen.len() < 2 {
        let root = register(&registers_in_ring_3(&mut machine)?, "CR3");
        seen.insert(root, pages(&mut machine)?);
        machine.monitor("cont")?;
    }
    let mut upper_halves = Vec::new();
    for pages in seen.into_values() {
        let upper = 0x8000_0000_0000;
        let (own, kernel): (BTreeMap<_, _>, BTreeMap<_, _>) =
            pages.into_iter().partition(|&(address, _)| address < upper);
        assert!(own.len() > 3 && kernel.len() > 100);
        let user = 0x1_0000..0x7fff_ffff_f000;
        for (address, page) in own.iter().chain(&kernel) {
            assert_eq!(page.contains('U'), user.contains(address), "{address:#x}: {page}");
            assert!(!page.ends_with('W') || page.contains('X'), "{address:#x}: {page}");
        }
        // Accessed and dirty bits come and go.
        upper_halves.push(kernel.into_keys().collect::<Vec<_>>());
    }
    assert_eq!(upper_halves[0], upper_halves[1]);
    Ok(())
}
