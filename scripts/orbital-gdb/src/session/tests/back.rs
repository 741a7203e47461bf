//! How the machine runs backwards.

use super::{
    Gdb, HOOKS, READY, RUNNING, SELECTORS, SOMEWHERE, Stub, context, in_program, kernel, on_cpu,
    task,
};

/// Pid 1 in ring 3 on the CPU, pid 2 switched out.
fn two_tasks() -> (Gdb, Stub) {
    Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
        task(stub, 1, 2, READY);
        stub.put_word(super::CURRENT, context(0));
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
        on_cpu(1, 2, SOMEWHERE - 1),
    ]);
    assert_eq!(gdb.ask("bc"), "T05thread:p2.1;");
    assert_eq!(gdb.ask("bs"), "T05thread:p2.1;");
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

/// Pid 2 again before its last switch, where it wrote its mark; two instructions later it is gone, and
/// one back from there it is not.
fn its_last_switch(stub: &Stub) {
    let mark = SOMEWHERE + 1;
    stub.future(vec![on_cpu(1, 2, mark), on_cpu(1, 2, mark + 1), on_cpu(0, 1, mark + 2)]);
    stub.future(vec![on_cpu(1, 2, mark + 1)]);
}

#[test]
fn a_task_that_is_switched_out_goes_back_to_before_its_switch() {
    let (mut gdb, stub) = two_tasks();
    gdb.ask("Hgp2.1");
    assert_eq!(gdb.ask("Qorbital.Back:p9.1"), "E01");
    assert_eq!(gdb.ask("Qorbital.Back:p2.1"), "OK");
    // gdb has selected another one since, to insert a breakpoint.
    gdb.ask("Hgp1.1");
    gdb.ask(&format!("Z0,{:x},1", SOMEWHERE + 1));
    its_last_switch(&stub);
    assert_eq!(gdb.ask("bs"), "T05thread:p2.1;");
    let watched = format!("Z2,{:x},2", context(1) + SELECTORS);
    assert!(stub.heard().contains(&watched), "{:?}", stub.heard());
    // On it goes, without a word, as gdb does in `reverse-next`.
    stub.future(vec![on_cpu(1, 2, SOMEWHERE)]);
    assert_eq!(gdb.ask("bs"), "T05thread:p2.1;");
    assert!(stub.inserted().iter().all(|place| !place.starts_with('2')), "{:?}", stub.inserted());
}

#[test]
fn a_step_of_one_alone_comes_before_that_of_whom_the_user_sent() {
    let (mut gdb, stub) = two_tasks();
    gdb.ask("Qorbital.Back:p2.1");
    gdb.ask("Hcp1.1");
    stub.future(vec![in_program(1, 0x40_0fff)]);
    assert_eq!(gdb.ask("bs"), "T05thread:p1.1;");
    gdb.ask("Hc0");
    stub.put_word(super::RECORDS + super::RECORD_SIZE + 0x20, 0);
    assert_eq!(gdb.ask("bs"), "T05replaylog:begin;thread:p2.1;", "it was never switched out");
}
