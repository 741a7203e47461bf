//! Breakpoints and watchpoints: each belongs to tasks, QEMU's stub knows only addresses.
//!
//! One is inserted for all its owners together. Who no longer wants it leaves; it is taken out when
//! the machine next runs, so that gdb, which takes everything out at each stop and puts it back,
//! costs nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::machine::Machine;
use crate::paging::LOWER_HALF;
use crate::stop::Access;
use crate::thread_id::Id;
use crate::wires::Result;

/// What the packet `Z` describes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// 0 and 1: breakpoints; 2, 3 and 4: watchpoints for write, read and either.
    pub kind: u64,
    /// Its address.
    pub address: u64,
    /// Bytes watched; for a breakpoint the size of its instruction.
    pub length: u64,
}

impl Place {
    /// A breakpoint of our own.
    #[must_use]
    pub fn code(address: u64) -> Self {
        Self { kind: 0, address, length: 1 }
    }

    fn is_code_at(&self, address: u64) -> bool {
        self.kind < 2 && self.address == address
    }

    fn watches(&self, access: Access) -> bool {
        let start = self.address;
        self.kind >= 2 && (start..start.saturating_add(self.length)).contains(&access.address)
    }

    fn packet(&self, verb: char) -> String {
        format!("{verb}{},{:x},{:x}", self.kind, self.address, self.length)
    }
}

/// Who wants to stop there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Owner {
    /// gdb, when this task comes there.
    Task(Id),
    /// We, to learn of births and ends.
    Hook,
    /// We, to learn when a task that gdb wants stepped is on the CPU again.
    Return,
}

/// Everything inserted.
#[derive(Debug, Default)]
pub struct Breakpoints {
    owners: BTreeMap<Place, BTreeSet<Owner>>,
}

impl Breakpoints {
    /// Inserts for one more owner; the stub's answer.
    pub fn insert(&mut self, machine: &mut Machine, place: Place, owner: Owner) -> Result<String> {
        if !self.owners.contains_key(&place) {
            let answer = machine.ask(&place.packet('Z'))?;
            if answer != "OK" {
                return Ok(answer);
            }
        }
        self.owners.entry(place).or_default().insert(owner);
        Ok("OK".to_owned())
    }

    /// One owner leaves.
    pub fn remove(&mut self, place: Place, owner: Owner) {
        if let Some(owners) = self.owners.get_mut(&place) {
            owners.remove(&owner);
        }
    }

    /// An owner leaves every place.
    pub fn remove_all_of(&mut self, owner: Owner) {
        self.owners.values_mut().for_each(|owners| _ = owners.remove(&owner));
    }

    /// Takes out what nobody wants. To be called before the machine runs.
    pub fn tidy(&mut self, machine: &mut Machine) -> Result<()> {
        let unwanted = self.owners.extract_if(.., |_, owners| owners.is_empty());
        for (place, _) in unwanted {
            machine.ask(&place.packet('z'))?;
        }
        Ok(())
    }

    /// Takes everything out.
    pub fn clear(&mut self, machine: &mut Machine) -> Result<()> {
        self.owners.values_mut().for_each(BTreeSet::clear);
        self.tidy(machine)
    }

    /// Whether the machine would stop at this instruction.
    #[must_use]
    pub fn any_at(&self, address: u64) -> bool {
        self.owners.keys().any(|place| place.is_code_at(address))
    }

    /// Whether that owner wants to stop at this instruction.
    #[must_use]
    pub fn at(&self, address: u64, owner: Owner) -> bool {
        let mut here = self.owners.iter().filter(|(place, _)| place.is_code_at(address));
        here.any(|(_, owners)| owners.contains(&owner))
    }

    /// Whether that owner wants to stop at this access.
    #[must_use]
    pub fn watched(&self, access: Access, owner: Owner) -> bool {
        let mut here = self.owners.iter().filter(|(place, _)| place.watches(access));
        here.any(|(_, owners)| owners.contains(&owner))
    }

    /// Whether anybody wants to stop at this access, whoever makes it: the kernel's memory is
    /// everybody's.
    #[must_use]
    pub fn watched_for_all(&self, access: Access) -> bool {
        let mut here = self.owners.iter().filter(|(place, _)| place.watches(access));
        !LOWER_HALF.contains(&access.address) && here.any(|(_, owners)| !owners.is_empty())
    }

    /// Whether an access can stop the machine.
    #[must_use]
    pub fn any_watched(&self) -> bool {
        self.owners.keys().any(|place| place.kind >= 2)
    }

    /// Takes the breakpoints at an instruction out while `act` runs, so that it can be executed.
    pub fn without<T>(
        &self,
        machine: &mut Machine,
        address: u64,
        act: impl FnOnce(&mut Machine) -> Result<T>,
    ) -> Result<T> {
        let here: Vec<_> = self.owners.keys().filter(|place| place.is_code_at(address)).collect();
        for place in &here {
            machine.ask(&place.packet('z'))?;
        }
        let result = act(machine)?;
        for place in &here {
            machine.ask(&place.packet('Z'))?;
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::{Breakpoints, Owner, Place};
    use crate::fake;
    use crate::stop::{Access, Watch};
    use crate::thread_id::Id;

    const ALPHA: Owner = Owner::Task(Id(1));
    const BETA: Owner = Owner::Task(Id(2));

    #[test]
    fn two_owners_are_one_breakpoint_for_the_stub() {
        let (mut machine, stub) = fake::machine();
        let mut breakpoints = Breakpoints::default();
        let place = Place::code(0x40_1000);
        for owner in [ALPHA, BETA] {
            assert_eq!(breakpoints.insert(&mut machine, place, owner).unwrap(), "OK");
        }
        assert_eq!(stub.inserted(), ["0,401000,1"]);
        breakpoints.remove(place, ALPHA);
        assert!(!breakpoints.at(0x40_1000, ALPHA) && breakpoints.at(0x40_1000, BETA));
        breakpoints.tidy(&mut machine).unwrap();
        assert_eq!(stub.inserted(), ["0,401000,1"]);
        breakpoints.remove_all_of(BETA);
        assert_eq!(stub.inserted(), ["0,401000,1"], "until the machine runs");
        breakpoints.tidy(&mut machine).unwrap();
        assert!(stub.inserted().is_empty() && !breakpoints.any_at(0x40_1000));
    }

    #[test]
    fn what_the_stub_refuses_has_no_owner() {
        let (mut machine, _stub) = fake::machine();
        let mut breakpoints = Breakpoints::default();
        let place = Place { kind: 2, address: 0x1000, length: 1 << 20 };
        assert_eq!(breakpoints.insert(&mut machine, place, ALPHA).unwrap(), "E22");
        assert!(!breakpoints.watched(Access { kind: Watch::Write, address: 0x1000 }, ALPHA));
    }

    #[test]
    fn an_access_belongs_to_those_who_watch_any_of_its_bytes() {
        let (mut machine, _stub) = fake::machine();
        let mut breakpoints = Breakpoints::default();
        let place = Place { kind: 2, address: 0x1000, length: 8 };
        breakpoints.insert(&mut machine, place, ALPHA).unwrap();
        let access = |address| Access { kind: Watch::Write, address };
        assert!(breakpoints.watched(access(0x1007), ALPHA));
        assert!(!breakpoints.watched(access(0x1008), ALPHA));
        assert!(!breakpoints.watched(access(0x1000), BETA));
        assert!(!breakpoints.any_at(0x1000), "a watchpoint is no breakpoint");
    }

    #[test]
    fn an_access_to_the_kernels_memory_concerns_everybody_who_watches() {
        let (mut machine, _stub) = fake::machine();
        let mut breakpoints = Breakpoints::default();
        assert!(!breakpoints.any_watched());
        for (address, for_all) in [(0xffff_8000_0000_1000, true), (0x40_1000, false)] {
            let access = Access { kind: Watch::Write, address };
            let place = Place { kind: 2, address, length: 8 };
            breakpoints.insert(&mut machine, place, ALPHA).unwrap();
            assert!(breakpoints.any_watched());
            assert_eq!(breakpoints.watched_for_all(access), for_all);
            breakpoints.remove(place, ALPHA);
            assert!(!breakpoints.watched_for_all(access));
        }
    }

    #[test]
    fn an_instruction_is_free_while_it_is_stepped_over() {
        let (mut machine, stub) = fake::machine();
        let mut breakpoints = Breakpoints::default();
        for address in [0x1000, 0x2000] {
            breakpoints.insert(&mut machine, Place::code(address), Owner::Hook).unwrap();
        }
        let seen = breakpoints.without(&mut machine, 0x1000, |_| Ok(stub.inserted())).unwrap();
        assert_eq!(seen, ["0,2000,1"]);
        assert_eq!(stub.inserted(), ["0,1000,1", "0,2000,1"]);
    }
}
