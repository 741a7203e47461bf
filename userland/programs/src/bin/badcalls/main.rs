//! `badcalls`: makes every call with every kind of bad number, pointer and length, and holds the
//! answers against what the contract promises. One line per wrong answer; exits 0 when there is none.
//!
//! [`ranges`] knows the bad pointers, [`report`] counts; the calls are here and in [`newer`].
#![no_std]
#![no_main]

mod newer;
mod ranges;
mod report;

use ulib::abi::layout::{HELLO_MAGIC, HELLO_REPLY, IO_MAX};
use ulib::abi::{Errno, Sysno};
use ulib::process::{self, Pid};
use ulib::{Args, FAILED, println, task_entry};

use ranges::{HUGE_LENGTHS, Range, Scratch, UNREADABLE};
use report::{Expect, Report};

ulib::entry!(main);

fn main(args: Args) -> i64 {
    let Some(mut scratch) = Scratch::take(args) else {
        return FAILED;
    };
    let mut report = Report::new();
    unknown_numbers(&mut report);
    hello(&mut report);
    write_and_log(&mut report, &scratch);
    read(&mut report, &mut scratch);
    ps(&mut report, &mut scratch);
    task_create(&mut report, &scratch);
    task_wait(&mut report, &mut scratch);
    newer::check(&mut report, &mut scratch);
    let Report { checks, wrong, skipped } = report;
    println!("badcalls: {checks} checks, {wrong} wrong, {skipped} skipped");
    if wrong == 0 { 0 } else { FAILED }
}

/// Small numbers that are not in the table, and those that a truncation or a scaled index would turn
/// into a number of the table.
fn unknown_numbers(report: &mut Report) {
    let getpid = Sysno::Getpid.number();
    let gaps = (0..256).filter(|&number| Sysno::from_number(number).is_none());
    let folded = [8, 16, 31, 32, 60, 61, 63].map(|bit| 1 << bit | getpid);
    let extreme = [u64::MAX, u64::MAX - 1, i64::MAX.cast_unsigned(), 1 << 63];
    for number in gaps.chain(folded).chain(extreme) {
        report.number(number, "unknown number", [0; 6], Errno::NotImplemented.into());
    }
    let dirty = [u64::MAX; 6];
    let pid = process::getpid().cast_signed();
    report.call(Sysno::Getpid, "arguments it does not have", dirty, Expect::Value(pid));
}

fn hello(report: &mut Report) {
    let reply = HELLO_REPLY.cast_signed();
    report.call(Sysno::Hello, "the magic", [HELLO_MAGIC, 0, 0, 0, 0, 0], Expect::Value(reply));
    for magic in [0, HELLO_REPLY, 1 << 32 | HELLO_MAGIC] {
        report.call(Sysno::Hello, "other magic", [magic, 0, 0, 0, 0, 0], Errno::Invalid.into());
    }
}

fn write_and_log(report: &mut Report, scratch: &Scratch) {
    let good = scratch.address();
    for fd in [0, 3, 1 << 32 | 1, u64::MAX] {
        let args = [fd, good, 1, 0, 0, 0];
        report.call(Sysno::Write, "bad descriptor", args, Errno::BadFd.into());
        let args = [fd, 0, 0, 0, 0, 0];
        report.call(Sysno::Write, "bad descriptor first", args, Errno::BadFd.into());
    }
    for length in [0, IO_MAX + 1].into_iter().chain(HUGE_LENGTHS) {
        let args = [1, good, length, 0, 0, 0];
        report.call(Sysno::Write, "bad length", args, Errno::Invalid.into());
        let args = [good, length, 0, 0, 0, 0];
        report.call(Sysno::Log, "bad length", args, Errno::Invalid.into());
    }
    for Range { what, start, length } in UNREADABLE.into_iter().chain(scratch.unreadable()) {
        for fd in [1, 2] {
            let args = [fd, start, length, 0, 0, 0];
            report.call(Sysno::Write, what, args, Errno::Fault.into());
        }
        report.call(Sysno::Log, what, [start, length, 0, 0, 0, 0], Errno::Fault.into());
    }
}

fn read(report: &mut Report, scratch: &mut Scratch) {
    for fd in [1, 2, 3, 1 << 32, u64::MAX] {
        let args = [fd, scratch.address(), 1, 0, 0, 0];
        report.call(Sysno::Read, "bad descriptor", args, Errno::BadFd.into());
    }
    report.call(Sysno::Read, "length 0", [0; 6], Expect::Value(0));
    for Range { what, start, length } in scratch.unwritable() {
        report.call(Sysno::Read, what, [0, start, length, 0, 0, 0], Errno::Fault.into());
    }
    scratch.check_untouched(report, Sysno::Read);
}

fn ps(report: &mut Report, scratch: &mut Scratch) {
    report.call(Sysno::Ps, "length 0", [0; 6], Expect::Value(0));
    report.call(Sysno::Ps, "length 1", [scratch.address(), 1, 0, 0, 0, 0], Expect::Value(0));
    for length in HUGE_LENGTHS {
        let args = [scratch.address(), length, 0, 0, 0, 0];
        report.call(Sysno::Ps, "bad length", args, Errno::Fault.into());
    }
    for Range { what, start, length } in scratch.unwritable() {
        report.call(Sysno::Ps, what, [start, length, 0, 0, 0, 0], Errno::Fault.into());
    }
    scratch.check_untouched(report, Sysno::Ps);
    let Range { what, start, length } = scratch.untouched_stack();
    report.call(Sysno::Ps, what, [start, length, 0, 0, 0, 0], Expect::Success);
}

fn task_create(report: &mut Report, scratch: &Scratch) {
    let not_code = Range { what: "data", start: scratch.address(), length: 1 };
    for Range { what, start, .. } in UNREADABLE.into_iter().chain([not_code]) {
        report.call(Sysno::TaskCreate, what, [start, 0, 0, 0, 0, 0], Errno::Fault.into());
    }
}

fn task_wait(report: &mut Report, scratch: &mut Scratch) {
    /// What the task returns, and so what waiting for it gives.
    const CODE: i64 = 7;
    let nobody = [0, process::getpid(), 1 << 32 | process::getpid(), 1 << 63, u64::MAX];
    for pid in nobody {
        report.call(Sysno::TaskWait, "no child", [pid, 0, 0, 0, 0, 0], Expect::AnyError);
    }
    let child: Pid = match process::task_create(task_entry!(return_code), 0) {
        Ok(child) => child,
        Err(errno) => {
            println!("badcalls: task_create refuses a good entry: {}", errno.name());
            report.wrong += 1;
            return;
        }
    };
    for Range { what, start, .. } in scratch.unwritable().filter(|range| range.start != 0) {
        let args = [child, start, 0, 0, 0, 0];
        report.call(Sysno::TaskWait, what, args, Errno::Fault.into());
    }
    scratch.check_untouched(report, Sysno::TaskWait);
    let args = [child, 0, 0, 0, 0, 0];
    report.call(Sysno::TaskWait, "after bad pointers", args, Expect::Value(CODE));
    report.call(Sysno::TaskWait, "a second time", args, Expect::AnyError);

    fn return_code(_: u64) -> i64 {
        CODE
    }
}
