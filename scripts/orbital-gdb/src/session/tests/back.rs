//! How the machine runs backwards.

use super::{Gdb, HOOKS, READY, RUNNING, SOMEWHERE, Stub, in_program, kernel, on_cpu, task};

/// Pid 1 in ring 3 on the CPU, pid 2 switched out.
fn two_tasks() -> (Gdb, Stub) {
    Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
        task(stub, 1, 2, READY);
        stub.put_word(super::CURRENT, super::context(0));
        stub.set(in_program(1, 0x40_1000));
    })
}

#[test]
fn backwards_the_stops_of_others_are_passed_over_too() {
    let (mut gdb, stub) = two_tasks();
    assert!(gdb.ask("qSupported").contains("ReverseStep+;ReverseContinue+"));
    gdb.ask("Hgp2.1");
    gdb.ask(&format!("Z0,{SOMEWHERE:x},1"));
    stub.future(vec![
        on_cpu(0, 1, SOMEWHERE),
        on_cpu(0, 1, HOOKS.spawned),
        on_cpu(1, 2, SOMEWHERE),
        in_program(1, 0x40_1001),
    ]);
    assert_eq!(gdb.ask("bc"), "T05thread:p2.1;");
    assert_eq!(gdb.ask("bs"), "T05thread:p1.1;");
    assert_eq!(gdb.ask("bx"), "E01");
}

#[test]
fn where_the_history_begins_gdb_is_told_so() {
    let (mut gdb, stub) = two_tasks();
    assert_eq!(gdb.ask("bs"), "T05replaylog:begin;thread:p1.1;");
    stub.future(vec![in_program(1, 0x40_0fff)]);
    assert_eq!(gdb.ask("bs"), "T05thread:p1.1;");
    assert_eq!(gdb.ask("bc"), "T05replaylog:begin;thread:p1.1;");
}

/// A step back, over an access of pid 1 again, and back once more.
fn an_access(stub: &Stub, address: u64) {
    let access = [in_program(1, 0x40_1001), vec![("watch", address)]].concat();
    stub.future(vec![in_program(1, 0x40_1000), access, in_program(1, 0x40_1000)]);
}

#[test]
fn backwards_the_machine_stops_before_an_access_that_is_watched() {
    let (mut gdb, stub) = two_tasks();
    gdb.ask("Hgp1.1");
    gdb.ask("Z2,500000,8");
    an_access(&stub, 0x50_0004);
    assert_eq!(gdb.ask("bc"), "T05watch:500004;thread:p1.1;");
}

#[test]
fn backwards_accesses_of_others_count_in_the_kernels_memory_alone() {
    let (mut gdb, stub) = two_tasks();
    gdb.ask("Hgp2.1");
    gdb.ask("Z2,500000,8");
    gdb.ask(&format!("Z2,{SOMEWHERE:x},8"));
    an_access(&stub, 0x50_0000);
    an_access(&stub, SOMEWHERE);
    assert_eq!(gdb.ask("bc"), "T05thread:p1.1;");
    assert_eq!(gdb.ask("bc"), "T05replaylog:begin;thread:p1.1;");
}
