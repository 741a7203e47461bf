//! The keys of the command line, and what their values may be.

use core::fmt;
use core::ops::RangeInclusive;

use orbital_abi::duration;
use orbital_abi::sched::{POLICIES, QUANTUM_MAX, QUANTUM_MIN};

use super::programs::{MAX_PROGRAMS, Programs};
use super::{CommandLine, Fail};

/// One key: its name, how its value is taken, and how the one in force is shown.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) set: for<'a> fn(&mut CommandLine<'a>, &'a str) -> Option<()>,
    pub(super) show: fn(&CommandLine<'_>, &mut fmt::Formatter<'_>) -> fmt::Result,
}

/// Every key the kernel knows.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "shells",
        set: |line, value| number(value, 0..=64).map(|shells| line.shells = shells),
        show: |line, f| write!(f, "{}", line.shells),
    },
    Key {
        name: "run",
        set: |line, value| programs(value).map(|run| line.run = run),
        show: |line, f| f.write_str(if line.run.is_empty() { "the shells" } else { "the others" }),
    },
    Key {
        name: "poweroff",
        set: |line, value| yes_or_no(value).map(|poweroff| line.poweroff = poweroff),
        show: |line, f| f.write_str(if line.poweroff { "yes" } else { "no" }),
    },
    Key {
        name: "sched",
        set: |line, value| POLICIES.contains(&value).then(|| line.sched = value),
        show: |line, f| f.write_str(line.sched),
    },
    Key {
        name: "quantum",
        set: |line, value| quantum(value).map(|quantum| line.quantum = quantum),
        show: |line, f| write!(f, "{}", duration::Shown(line.quantum)),
    },
    Key {
        name: "seed",
        set: |line, value| value.parse().ok().map(|seed| line.seed = seed),
        show: |line, f| write!(f, "{}", line.seed),
    },
    Key {
        name: "trace",
        set: |line, value| number(value, 0..=1 << 16).map(|trace| line.trace = trace),
        show: |line, f| write!(f, "{}", line.trace),
    },
    Key {
        name: "quiet",
        set: |line, value| yes_or_no(value).map(|quiet| line.quiet = quiet),
        show: |line, f| f.write_str(if line.quiet { "yes" } else { "no" }),
    },
    Key {
        name: "limit-pages",
        set: |line, value| number(value, 32..=1 << 32).map(|pages| line.limit_pages = pages),
        show: |line, f| write!(f, "{}", line.limit_pages),
    },
    Key {
        name: "limit-children",
        set: |line, value| number(value, 0..=1 << 32).map(|count| line.limit_children = count),
        show: |line, f| write!(f, "{}", line.limit_children),
    },
    Key {
        name: "fail",
        set: |line, value| failures(value).map(|fail| line.fail = fail),
        show: |line, f| match line.fail {
            Fail::Nth(n) => write!(f, "{n}"),
            Fail::Calls => f.write_str("calls"),
        },
    },
    Key {
        name: "panic",
        set: |line, value| yes_or_no(value).map(|panic| line.panic = panic),
        show: |line, f| f.write_str(if line.panic { "yes" } else { "no" }),
    },
];

fn number(value: &str, allowed: RangeInclusive<u64>) -> Option<u64> {
    value.parse().ok().filter(|number| allowed.contains(number))
}

/// A quantum, in nanoseconds.
fn quantum(value: &str) -> Option<u64> {
    duration::parse(value).filter(|nanos| (QUANTUM_MIN..=QUANTUM_MAX).contains(nanos))
}

fn failures(value: &str) -> Option<Fail> {
    match value {
        "calls" => Some(Fail::Calls),
        _ => value.parse().ok().map(Fail::Nth),
    }
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn programs(value: &str) -> Option<Programs<'_>> {
    let programs = Programs::new(value);
    (1..=MAX_PROGRAMS).contains(&programs.count()).then_some(programs)
}
