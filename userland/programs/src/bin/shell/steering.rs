//! Who gets the CPU: `sched` and `nice`.

use ulib::abi::duration::{self, Shown};
use ulib::abi::records::TIMERS;
use ulib::abi::sched::{ASK, POLICIES, SET_WEIGHT, unpack};
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
            text => duration::parse(text).filter(|&nanos| nanos > 0).ok_or(Problem::Usage)?,
        };
        process::sched(place as u64 + 1, quantum, 0)?;
    }
    show()
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
    process::sched(SET_WEIGHT, number(weight)?, number(pid)?)?;
    Ok(())
}

/// Words with blanks between them.
struct Listed(&'static [&'static str]);

impl core::fmt::Display for Listed {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|word| write!(out, "{word} "))
    }
}
