//! `waiter`: every way to wait, and every way in which it must be refused. Exits 1 after one line
//! for each answer that is wrong.
#![no_std]
#![no_main]

use ulib::abi::records::{CODE_FAULTED, CODE_KILLED};
use ulib::process::{self, Pid, TaskEntry};
use ulib::{Args, Errno, FAILED, println, sys, task_entry};

ulib::entry!(main);

fn main(_args: Args) -> i64 {
    let mut wrong = 0;
    let mut expect = |what: &str, right: bool| {
        if !right {
            println!("waiter: wrong: {what}");
            wrong += 1;
        }
    };
    for code in [0, 1, -1, -3, -4096, 255, 1 << 32, i64::MAX, i64::MIN] {
        let argument = code.cast_unsigned();
        let child = start(task_entry!(return_at_once), argument);
        expect("the code of a child that runs", process::task_wait(child) == Ok(code));
        let child = start(task_entry!(return_at_once), argument);
        yield_often();
        expect("the code of a child that has ended", process::task_wait(child) == Ok(code));
        let child = start(task_entry!(yield_and_return), argument);
        expect("the code of a child that takes its time", process::task_wait(child) == Ok(code));
        let child = start(task_entry!(yield_and_return), argument);
        // SAFETY: a null status pointer makes the kernel return the code itself.
        let raw = unsafe { sys::task_wait(child, 0) };
        expect("the code as the result", raw == code);
        expect("a second time", process::task_wait(child).is_err());
    }
    let own = process::getpid();
    for nobody in [0, own, own | 1 << 32, 1 << 63, u64::MAX] {
        expect("for nobody", process::task_wait(nobody).is_err());
    }
    let child = start(task_entry!(wait_for), own);
    expect("a child for its parent", is_error(process::task_wait(child)));
    let first = start(task_entry!(yield_and_return), 1);
    let stranger = start(task_entry!(wait_for), first);
    expect("for a sibling", is_error(process::task_wait(stranger)));
    expect("for both, the later one first", process::task_wait(first) == Ok(1));
    programs(&mut expect);
    if wrong == 0 { 0 } else { FAILED }
}

/// How programs, not tasks, end.
fn programs(expect: &mut impl FnMut(&str, bool)) {
    const INVALID_OPCODE: i64 = 6;
    let exited = spawn(&["exitcode", "-77"]);
    let faulted = spawn(&["crash", "ud2"]);
    let killed = spawn(&["spin"]);
    expect("kill one that did not start yet", process::kill(killed) == Ok(()));
    expect("the code of a killed program", process::task_wait(killed) == Ok(CODE_KILLED));
    let code = process::task_wait(faulted);
    expect("the code of a fault", code == Ok(CODE_FAULTED + INVALID_OPCODE));
    expect("kill one that has ended", process::kill(faulted).is_err());
    expect("the code of a program", process::task_wait(exited) == Ok(-77));
}

/// A task that could not be made has a pid that nobody has; waiting for it is then wrong too.
fn start(entry: TaskEntry, argument: u64) -> Pid {
    process::task_create(entry, argument).unwrap_or(0)
}

fn spawn(args: &[&str]) -> Pid {
    process::spawn(args[0], args).unwrap_or(0)
}

fn yield_often() {
    for _ in 0..10 {
        process::yield_now();
    }
}

fn return_at_once(code: u64) -> i64 {
    code.cast_signed()
}

fn yield_and_return(code: u64) -> i64 {
    yield_often();
    code.cast_signed()
}

/// Returns what `task_wait` says of `pid`, as the kernel puts it.
fn wait_for(pid: u64) -> i64 {
    match process::task_wait(pid) {
        Ok(_) => 0,
        Err(errno) => errno.code(),
    }
}

/// Whether a task ended, and its code is an error.
fn is_error(ended: Result<i64, Errno>) -> bool {
    ended.is_ok_and(|code| Errno::from_code(code).is_some())
}
