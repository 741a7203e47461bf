//! Where programs were when they lost the CPU to the timer.

use std::collections::{BTreeMap, BTreeSet};
use std::{fmt, fs};

use orbital_tests::{Result, program};
use xmas_elf::ElfFile;

/// An instruction of a program: its name, the address.
pub(crate) type Place<'a> = (&'a str, u64);

/// Where programs lost the CPU to the timer.
pub(crate) struct Preempted<'a> {
    /// At these instructions.
    pub(crate) places: BTreeSet<Place<'a>>,
    /// At how many of those that are something special.
    pub(crate) first: usize,
    pub(crate) calls: usize,
    pub(crate) returns: usize,
    pub(crate) faults: usize,
}

impl<'a> Preempted<'a> {
    /// Reads the kernel's record of its switches, which has all of them.
    pub(crate) fn from_trace(trace: &'a str) -> Result<Self> {
        const SYSCALL_LENGTH: u64 = 2;
        let mut names = BTreeMap::new();
        let mut met = BTreeSet::<Place<'_>>::new();
        let [mut first, mut calls, mut returns, mut faults] = [const { BTreeSet::new() }; 4];
        for line in trace.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["name", pid, name] => {
                    first.insert((name, entry(name).unwrap_or(0)));
                    names.insert(pid, name);
                }
                ["switch", _, _, _, from, _, why, rip] => {
                    let name = names.get(from).copied().unwrap_or_default();
                    let rip = u64::from_str_radix(rip, 16).map_err(|_| line.to_owned())?;
                    match why {
                        "slice-used-up" => met.insert((name, rip)),
                        "killed" => faults.insert((name, rip)),
                        "exited" => calls.insert((name, rip.saturating_sub(SYSCALL_LENGTH))),
                        _ => {
                            calls.insert((name, rip.saturating_sub(SYSCALL_LENGTH)));
                            returns.insert((name, rip))
                        }
                    };
                }
                ["lost", switches, _] => assert_eq!(switches, "0", "the record has not all"),
                _ => {}
            }
        }
        let count = |places: &BTreeSet<Place<'_>>| met.intersection(places).count();
        Ok(Self {
            first: count(&first),
            calls: count(&calls),
            returns: count(&returns),
            faults: count(&faults),
            places: met,
        })
    }
}

impl fmt::Display for Preempted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { places, first, calls, returns, faults } = self;
        write!(
            f,
            "programs lost the CPU at {} of their instructions: {first} first ones, \
             {calls} calls, {returns} behind a call, {faults} that fault",
            places.len()
        )
    }
}

/// Where a program begins.
fn entry(name: &str) -> Option<u64> {
    let file = fs::read(program(name).ok()?).ok()?;
    Some(ElfFile::new(&file).ok()?.header.pt2.entry_point())
}
