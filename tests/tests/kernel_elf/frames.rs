//! What a debugger unwinds by: the file's kind and place, and the call-frame rules of the entry code.

use std::collections::HashMap;
use std::process::Command;

use orbital_tests::Result;
use orbital_tests::code::Kernel;

/// The lowest address of the top two GiB, where the kernel is linked.
const BASE: u64 = 0xffff_ffff_8000_0000;

/// The call-frame rules of one function, as `readelf` shows them.
struct Rules {
    addresses: std::ops::Range<u64>,
    /// Whether it is entered in place of a call: "S" in the augmentation of its common entry.
    signal: bool,
}

/// All rules in `.eh_frame`.
fn rules(kernel: &Kernel) -> Result<Vec<Rules>> {
    let file = orbital_tests::kernel(kernel.profile)?;
    let output = Command::new("readelf").arg("--debug-dump=frames").arg(file).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let frames = text.split("Contents of the ").find(|part| part.starts_with(".eh_frame "));
    let frames = frames.ok_or("no .eh_frame")?;
    let mut signal_of = HashMap::new();
    let mut rules = Vec::new();
    let mut common = "";
    for line in frames.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            [offset, _, _, "CIE"] => common = offset,
            ["Augmentation:", text] => drop(signal_of.insert(common, text.contains('S'))),
            [_, _, _, "FDE", cie, addresses] => {
                let cie = cie.trim_start_matches("cie=");
                let addresses = addresses.trim_start_matches("pc=");
                let (start, end) = addresses.split_once("..").ok_or("no range")?;
                let number =
                    |text| u64::from_str_radix(text, 16).map_err(|error| error.to_string());
                let signal = *signal_of.get(cie).ok_or("no common entry")?;
                rules.push(Rules { addresses: number(start)?..number(end)?, signal });
            }
            _ => {}
        }
    }
    Ok(rules)
}

#[test]
fn the_kernel_lies_where_a_debugger_looks_for_it() -> Result {
    for kernel in Kernel::all()? {
        assert!(!kernel.relocatable, "{:?}: not linked at a fixed address", kernel.profile);
        let lowest = kernel.segments.iter().map(|segment| segment.addresses.start).min();
        assert_eq!(lowest, Some(BASE), "{:?}", kernel.profile);
    }
    Ok(())
}

#[test]
fn every_entry_has_unwind_rules_that_say_it_was_not_called() -> Result {
    for kernel in Kernel::all()? {
        let rules = rules(&kernel)?;
        let vectors = (0..=255).map(|vector| format!("vector_{vector:02x}"));
        let others =
            ["syscall_entry", "trap_common", "trap_paranoid", "trap_exit", "interrupt_exit"];
        for entry in vectors.chain(others.map(str::to_owned)) {
            let at = kernel.body(&entry)[0].ip();
            let rules = rules.iter().find(|rules| rules.addresses.contains(&at));
            assert!(rules.is_some_and(|r| r.signal), "{:?}: {entry}", kernel.profile);
        }
    }
    Ok(())
}

#[test]
fn every_instruction_of_the_kernel_has_unwind_rules() -> Result {
    for kernel in Kernel::all()? {
        let mut covered: Vec<_> = rules(&kernel)?.into_iter().map(|r| r.addresses).collect();
        covered.sort_by_key(|addresses| addresses.start);
        for instruction in kernel.code.iter().filter(|i| !kernel.name(i.ip()).is_empty()) {
            let after = covered.partition_point(|addresses| addresses.start <= instruction.ip());
            let rules = after.checked_sub(1).map(|at| &covered[at]);
            let has = rules.is_some_and(|addresses| addresses.contains(&instruction.ip()));
            assert!(has || padding(instruction), "{}", kernel.show(instruction));
        }
    }
    Ok(())
}

/// What fills the space between functions.
fn padding(instruction: &iced_x86::Instruction) -> bool {
    use iced_x86::Mnemonic::{INVALID, Int3, Nop, Ud2};
    matches!(instruction.mnemonic(), INVALID | Int3 | Nop | Ud2)
}
