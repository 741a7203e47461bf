//! Who there is: attaching, births, ends, detaching.

use std::thread;

use crate::packet::frame;

use super::{
    Gdb, HOOKS, LIVE, READY, RUNNING, SOMEWHERE, in_program, kernel, on_cpu, on_cpu_idle, task,
};

/// What the CPU holds at a hook that was called with these arguments.
fn at_hook(hook: u64, first: u64, second: u64) -> super::Moment {
    let mut moment = on_cpu(0, 1, hook);
    moment.extend([("rdi", first), ("rsi", second)]);
    moment
}

#[test]
fn before_there_is_a_table_the_boot_context_is_alone() {
    let (mut gdb, _stub) = Gdb::start(|stub| stub.set(on_cpu_idle()));
    assert_eq!(gdb.ask("?"), "T05thread:p7ffffffe.1;");
    let threads = gdb.ask("qXfer:threads:read::0,1000");
    assert_eq!(threads.matches("<thread ").count(), 1, "{threads}");
    assert!(gdb.ask("g").starts_with("00"), "the registers of the CPU");
}

#[test]
fn everybody_who_lives_is_announced_before_the_first_stop() {
    let (mut gdb, stub) = Gdb::start(|stub| {
        kernel(stub);
        task(stub, 0, 1, READY);
        task(stub, 2, 5, READY);
    });
    assert_eq!(gdb.ask("?"), "T05fork:p1.1;thread:p7ffffffe.1;");
    let threads = gdb.ask("qXfer:threads:read::0,1000");
    assert_eq!(threads.matches("<thread ").count(), 1, "not before it is announced: {threads}");
    assert_eq!(gdb.ask("vCont;c"), "T05fork:p5.1;thread:p7ffffffe.1;");
    assert_eq!(gdb.ask("vCont;c"), "T05thread:p7ffffffe.1;");
    assert!(!stub.heard().contains(&"c".to_owned()), "the machine has not moved");
}

#[test]
fn a_gdb_that_cannot_follow_forks_sees_who_is_on_the_cpu() {
    let (mut gdb, _stub) = Gdb::start(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
        task(stub, 1, 2, READY);
        stub.set(on_cpu(0, 1, SOMEWHERE));
    });
    gdb.ask("qSupported:multiprocess+");
    assert_eq!(gdb.ask("?"), "T05thread:p1.1;");
}

#[test]
fn tasks_that_are_being_made_or_have_ended_are_not_announced() {
    const EMBRYO: u8 = 0;
    const EXITED: u8 = 4;
    let (mut gdb, _stub) = Gdb::start(|stub| {
        kernel(stub);
        task(stub, 0, 1, EMBRYO);
        task(stub, 1, 2, EXITED);
    });
    assert_eq!(gdb.ask("?"), "T05thread:p7ffffffe.1;");
}

#[test]
fn threads_have_names_and_say_what_they_do() {
    let (mut gdb, stub) = Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, READY);
        task(stub, 1, 2, 3);
    });
    let waits_for = super::RECORDS + super::RECORD_SIZE + 8;
    stub.put(waits_for, &[2]);
    stub.put_word(waits_for + 8, 9);
    let threads = gdb.ask("qXfer:threads:read::0,1000");
    for part in [
        "<thread id=\"p1.1\" core=\"0\" name=\"task1\">Ready, 7 switches</thread>",
        "<thread id=\"p2.1\" core=\"0\" name=\"task2\">Blocked(pid 9), 7 switches</thread>",
        "name=\"idle\"",
    ] {
        assert!(threads.contains(part), "{threads}");
    }
}

#[test]
fn a_birth_is_a_fork_by_whoever_is_on_the_cpu() {
    let (mut gdb, stub) = Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
    });
    task(&stub, 3, 6, READY);
    stub.future(vec![at_hook(HOOKS.spawned, 6, 3), on_cpu(0, 1, SOMEWHERE)]);
    assert_eq!(gdb.ask("vCont;c"), "T05fork:p6.1;thread:p1.1;");
    assert_eq!(gdb.ask("Hgp6.1"), "OK");
}

#[test]
fn a_birth_is_told_in_the_name_of_the_task_that_gdb_steps() {
    let (mut gdb, stub) = Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
        task(stub, 1, 2, READY);
    });
    task(&stub, 3, 6, READY);
    stub.future(vec![at_hook(HOOKS.spawned, 6, 3)]);
    assert_eq!(gdb.ask("vCont;s:p2.1;c"), "T05fork:p6.1;thread:p2.1;");
}

#[test]
fn a_breakpoint_where_somebody_is_born_is_told_after_the_birth() {
    let (mut gdb, stub) = Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
    });
    gdb.ask("Hgp1.1");
    assert_eq!(gdb.ask(&format!("Z0,{:x},1", HOOKS.spawned)), "OK");
    task(&stub, 3, 6, READY);
    stub.future(vec![at_hook(HOOKS.spawned, 6, 3)]);
    assert_eq!(gdb.ask("vCont;c"), "T05fork:p6.1;thread:p1.1;");
    assert_eq!(gdb.ask("vCont;c"), "T05thread:p1.1;");
}

#[test]
fn an_end_carries_the_code_and_the_task_is_gone() {
    let (mut gdb, stub) = Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
        stub.set(on_cpu(0, 1, SOMEWHERE));
    });
    gdb.ask("Hgp1.1");
    gdb.ask("Z0,401000,1");
    stub.future(vec![at_hook(HOOKS.exited, 1, 7)]);
    assert_eq!(gdb.ask("vCont;c"), "W07;process:1");
    assert_eq!(gdb.ask("Tp1.1"), "E01");
    assert_eq!(gdb.ask("Hgp1.1"), "E01");
    stub.future(vec![in_program(1, 0x40_1000)]);
    assert_eq!(
        gdb.interrupt(&stub, "vCont;c"),
        "T02thread:p7ffffffe.1;",
        "its breakpoints are gone, and so is it"
    );
}

#[test]
fn negative_codes_keep_their_sign_in_32_bits() {
    let (mut gdb, stub) = Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
    });
    stub.future(vec![at_hook(HOOKS.exited, 1, u64::MAX)]);
    assert_eq!(gdb.ask("vCont;c"), "Wffffffff;process:1");
}

#[test]
fn a_task_that_was_let_go_is_not_announced_again() {
    let (mut gdb, stub) = Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, READY);
    });
    assert_eq!(gdb.ask("D;1"), "OK");
    stub.future(vec![on_cpu(0, 1, SOMEWHERE)]);
    assert_eq!(gdb.interrupt(&stub, "vCont;c"), "T02thread:p7ffffffe.1;");
    assert_eq!(gdb.ask("Tp1.1"), "E01");
}

#[test]
fn the_last_detach_leaves_the_machine_clean_and_running() {
    let (mut gdb, stub) = Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, READY);
    });
    assert_eq!(gdb.ask("Z0,ffff800000101000,1"), "OK");
    assert_eq!(gdb.ask("D;1"), "OK");
    assert!(!stub.is_running());
    assert_eq!(gdb.ask("D;7ffffffe"), "OK");
    gdb.leave();
    assert!(stub.is_running() && stub.inserted().is_empty());
}

#[test]
fn a_gdb_that_dies_leaves_the_machine_clean_and_running() {
    let (mut gdb, stub) = Gdb::attach(kernel);
    gdb.ask("Z0,ffff800000101000,1");
    gdb.ask("Qqemu.PhyMemMode:1");
    gdb.leave();
    assert!(stub.is_running() && stub.inserted().is_empty());
    assert!(stub.heard().contains(&"Qqemu.PhyMemMode:0".to_owned()));
}

#[test]
fn a_gdb_that_dies_while_the_machine_runs_leaves_it_clean_and_running() {
    let (mut gdb, stub) = Gdb::attach(kernel);
    gdb.ask("Z0,ffff800000102000,1");
    gdb.send(&frame(b"vCont;c"));
    while !stub.is_running() {
        thread::yield_now();
    }
    gdb.leave();
    assert!(stub.is_running() && stub.inserted().is_empty());
}

#[test]
fn a_task_that_is_not_born_yet_where_the_machine_went_back_to_is_not_announced_again() {
    let (mut gdb, stub) = Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
    });
    stub.put_word(super::ENTRIES, 0);
    stub.put_word(LIVE, 0);
    stub.future(vec![on_cpu_idle()]);
    assert_eq!(gdb.ask("bs"), "T05thread:p7ffffffe.1;");
    assert_eq!(gdb.ask("Tp1.1"), "OK");
    assert!(gdb.ask("qXfer:threads:read::0,1000").contains("not born yet"));
    gdb.ask("Hgp1.1");
    assert!(gdb.ask("g").ends_with(&format!("{:016x}{}", 0, "x".repeat(32))), "cs and cr3");
    // The same birth once more.
    task(&stub, 0, 1, RUNNING);
    stub.future(vec![at_hook(HOOKS.spawned, 1, 0), on_cpu_idle(), on_cpu(0, 1, SOMEWHERE)]);
    gdb.ask(&format!("Z0,{SOMEWHERE:x},1"));
    assert_eq!(gdb.ask("vCont;c"), "T05thread:p1.1;");
}
