//! The bad ways to make the calls from `spawn` on. A kernel that does not have one of them yet
//! answers `NotImplemented`, which counts as skipped.

use ulib::abi::layout::{MAP_EXECUTE, MAP_READ, MAP_WRITE, PAGE_SIZE, SPAWN_MAX};
use ulib::abi::sched::{POLICIES, QUANTUM_MAX, QUANTUM_MIN, SET_WEIGHT, WEIGHT_MAX};
use ulib::abi::{Errno, Sysno};
use ulib::process;

use crate::ranges::{HUGE_LENGTHS, Range, Scratch, UNREADABLE};
use crate::report::{Expect, Report};

pub(crate) fn check(report: &mut Report, scratch: &mut Scratch) {
    spawn(report, scratch);
    kill(report);
    map(report);
    unmap(report, scratch);
    stats(report, scratch);
    sched(report);
    machine(report, scratch);
}

fn machine(report: &mut Report, scratch: &Scratch) {
    for Range { what, start, length } in scratch.unwritable() {
        report.call(Sysno::System, what, [start, 0, 0, 0, 0, 0], Errno::Fault.into());
        report.call(Sysno::Programs, what, [start, length, 0, 0, 0, 0], Errno::Fault.into());
        report.call(Sysno::Trace, what, [0, start, length, 0, 0, 0], Errno::Fault.into());
    }
    for length in HUGE_LENGTHS {
        let args = [scratch.address(), length, 0, 0, 0, 0];
        report.call(Sysno::Programs, "bad length", args, Errno::Fault.into());
        let args = [0, scratch.address(), length, 0, 0, 0];
        report.call(Sysno::Trace, "bad length", args, Errno::Fault.into());
    }
    let args = [u64::MAX, scratch.address(), 64, 0, 0, 0];
    report.call(Sysno::Trace, "a switch that was not yet", args, Expect::Value(0));
}

fn sched(report: &mut Report) {
    let own = process::getpid();
    let first_unknown = POLICIES.len() as u64 + 1;
    for operation in [first_unknown, SET_WEIGHT - 1, SET_WEIGHT + 1, 1 << 32, 1 << 63, u64::MAX] {
        let args = [operation, 0, own, 0, 0, 0];
        report.call(Sysno::Sched, "no such policy", args, Errno::Invalid.into());
    }
    for quantum in [1, QUANTUM_MIN - 1, QUANTUM_MAX + 1, u64::MAX] {
        let args = [1, quantum, 0, 0, 0, 0];
        report.call(Sysno::Sched, "bad quantum", args, Errno::Invalid.into());
    }
    for weight in [0, WEIGHT_MAX + 1, 1 << 32 | 1, u64::MAX] {
        let args = [SET_WEIGHT, weight, own, 0, 0, 0];
        report.call(Sysno::Sched, "bad weight", args, Errno::Invalid.into());
    }
    for pid in [1 << 32 | own, 1 << 63, u64::MAX] {
        let args = [SET_WEIGHT, 1, pid, 0, 0, 0];
        report.call(Sysno::Sched, "no such process", args, Expect::AnyError);
    }
}

fn spawn(report: &mut Report, scratch: &Scratch) {
    /// A program that every image holds.
    const NAME: &str = "hello";
    let name = NAME.as_ptr().expose_provenance() as u64;
    let name_length = NAME.len() as u64;
    for Range { what, start, length } in UNREADABLE.into_iter().chain(scratch.unreadable()) {
        let args = [start, length, 0, 0, 0, 0];
        report.call(Sysno::Spawn, what, args, Errno::Fault.into());
        let args = [name, name_length, start, length, 0, 0];
        report.call(Sysno::Spawn, what, args, Errno::Fault.into());
    }
    for length in [0, SPAWN_MAX + 1].into_iter().chain(HUGE_LENGTHS) {
        let args = [scratch.address(), length, 0, 0, 0, 0];
        report.call(Sysno::Spawn, "bad name length", args, Expect::AnyError);
    }
    for length in [SPAWN_MAX + 1].into_iter().chain(HUGE_LENGTHS) {
        let args = [name, name_length, scratch.address(), length, 0, 0];
        report.call(Sysno::Spawn, "bad argument length", args, Expect::AnyError);
    }
    let args = [name, name_length, name, name_length, 0, 0];
    report.call(Sysno::Spawn, "argument without NUL", args, Expect::AnyError);
    let args = [name, name_length - 1, 0, 0, 0, 0];
    report.call(Sysno::Spawn, "no such program", args, Errno::NotFound.into());
    // The scratch memory is full of bytes that are not UTF-8.
    let args = [scratch.address(), name_length, 0, 0, 0, 0];
    report.call(Sysno::Spawn, "name of bad bytes", args, Expect::AnyError);
}

fn kill(report: &mut Report) {
    for pid in [0, 1 << 32 | process::getpid(), 1 << 63, u64::MAX] {
        report.call(Sysno::Kill, "no such process", [pid, 0, 0, 0, 0, 0], Expect::AnyError);
    }
}

fn map(report: &mut Report) {
    for length in [0].into_iter().chain(HUGE_LENGTHS) {
        let args = [length, MAP_READ | MAP_WRITE, 0, 0, 0, 0];
        report.call(Sysno::Map, "bad length", args, Expect::AnyError);
    }
    let both = MAP_WRITE | MAP_EXECUTE;
    for rights in [both, both | MAP_READ, MAP_EXECUTE << 1, 1 << 63, u64::MAX] {
        let args = [PAGE_SIZE, rights, 0, 0, 0, 0];
        report.call(Sysno::Map, "bad rights", args, Expect::AnyError);
    }
}

fn unmap(report: &mut Report, scratch: &Scratch) {
    let image = Range { what: "memory of the image", start: scratch.address(), length: 1 };
    for Range { what, start, .. } in UNREADABLE.into_iter().chain([image]) {
        let args = [start, PAGE_SIZE, 0, 0, 0, 0];
        report.call(Sysno::Unmap, what, args, Expect::AnyError);
    }
    for length in [0, 1].into_iter().chain(HUGE_LENGTHS) {
        let args = [scratch.address(), length, 0, 0, 0, 0];
        report.call(Sysno::Unmap, "bad length", args, Expect::AnyError);
    }
}

fn stats(report: &mut Report, scratch: &mut Scratch) {
    let own = process::getpid();
    for Range { what, start, .. } in scratch.unwritable() {
        report.call(Sysno::Stats, what, [own, start, 0, 0, 0, 0], Errno::Fault.into());
    }
    for pid in [1 << 32 | own, 1 << 63, u64::MAX] {
        let args = [pid, scratch.address(), 0, 0, 0, 0];
        report.call(Sysno::Stats, "no such process", args, Errno::NotFound.into());
    }
    scratch.check_untouched(report, Sysno::Stats);
}
