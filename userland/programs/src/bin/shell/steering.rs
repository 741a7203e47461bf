//! Who gets the CPU: `sched` and `nice`.

use ulib::abi::duration::{self, Shown};
use ulib::abi::records::TIMERS;
use ulib::abi::sched::{ASK, POLICIES, QUANTUM_MAX, QUANTUM_MIN, SET_WEIGHT, WEIGHT_MAX, unpack};
use ulib::{machine, println, process};

use crate::words::{Problem, number, split_word};

/// `sched [POLICY [QUANTUM]]`: chooses a policy, if one is named, and shows the one in force.
pub(crate) fn sched(rest: &str) -> Result<(), Problem> {
    let (name, quantum) = split_word(rest);
    if !name.is_empty() {
        let Some(place) = POLICIES.iter().position(|&known| known == name) else {
            println!("policies: {}", Listed(POLICIES));
            return Err(Problem::Usage);
        };
        let quantum = match quantum {
            "" => 0,
            text => quantum_of(text)?,
        };
        process::sched(place as u64 + 1, quantum, 0)?;
    }
    show()
}

fn quantum_of(text: &str) -> Result<u64, Problem> {
    let nanos = duration::parse(text).filter(|&nanos| nanos > 0);
    if !nanos.is_some_and(|nanos| (QUANTUM_MIN..=QUANTUM_MAX).contains(&nanos)) {
        println!("quantum: {} to {}, such as 10ms", Shown(QUANTUM_MIN), Shown(QUANTUM_MAX));
    }
    nanos.ok_or(Problem::Usage)
}

fn show() -> Result<(), Problem> {
    let (policy, quantum) = unpack(process::sched(ASK, 0, 0)?);
    let system = machine::system()?;
    let name = |names: &[&'static str], index| {
        usize::try_from(index).ok().and_then(|i| names.get(i).copied())
    };
    println!(
        "policy {}, quantum {}, {} ready",
        policy.checked_sub(1).and_then(|index| name(POLICIES, index)).unwrap_or("?"),
        Shown(quantum),
        system.ready,
    );
    println!(
        "timer {} at {}.{:03} MHz, {} interrupts",
        name(TIMERS, system.timer).unwrap_or("?"),
        system.timer_hz / 1_000_000,
        system.timer_hz / 1_000 % 1_000,
        system.timer_interrupts,
    );
    Ok(())
}

/// `nice PID WEIGHT`: gives a process its share of the CPU, 100 being everybody's.
pub(crate) fn nice(rest: &str) -> Result<(), Problem> {
    let (pid, weight) = split_word(rest);
    let (pid, weight) = (number(pid)?, number(weight)?);
    if !(1..=WEIGHT_MAX).contains(&weight) {
        println!("weight: 1 to {WEIGHT_MAX}");
    }
    process::sched(SET_WEIGHT, weight, pid)?;
    Ok(())
}

/// Words with blanks between them.
struct Listed(&'static [&'static str]);

impl core::fmt::Display for Listed {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(out, "{gap}{word}")?;
        }
        Ok(())
    }
}
