//! How the machine runs: breakpoints of one task, steps of another, interrupts.

use super::{
    Gdb, HOOKS, READY, RUNNING, SOMEWHERE, Stub, in_program, kernel, on_cpu, on_cpu_idle, task,
};

/// Pid 1 in ring 3 on the CPU, pid 2 switched out.
fn two_tasks() -> (Gdb, Stub) {
    let (gdb, stub) = Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
        task(stub, 1, 2, READY);
        stub.put_word(super::CURRENT, super::context(0));
        stub.set(in_program(1, 0x40_1000));
    });
    (gdb, stub)
}

#[test]
fn a_breakpoint_stops_the_task_it_was_set_for_and_no_other() {
    let (mut gdb, stub) = two_tasks();
    gdb.ask("Hgp2.1");
    assert_eq!(gdb.ask(&format!("Z0,{SOMEWHERE:x},1")), "OK");
    stub.future(vec![
        on_cpu(0, 1, SOMEWHERE),
        on_cpu(0, 1, SOMEWHERE + 1),
        on_cpu(1, 2, SOMEWHERE),
        on_cpu(1, 2, SOMEWHERE + 1),
    ]);
    assert_eq!(gdb.ask("vCont;c"), "T05thread:p2.1;");
    assert_eq!(stub.inserted().len(), 3, "it, and the two hooks");
}

#[test]
fn a_breakpoint_at_the_instruction_after_one_that_was_stepped_over_is_hit() {
    let (mut gdb, stub) = two_tasks();
    gdb.ask("Hgp2.1");
    gdb.ask(&format!("Z0,{SOMEWHERE:x},1"));
    gdb.ask("Hgp1.1");
    gdb.ask(&format!("Z0,{:x},1", SOMEWHERE + 1));
    stub.future(vec![on_cpu(0, 1, SOMEWHERE), on_cpu(0, 1, SOMEWHERE + 1)]);
    assert_eq!(gdb.ask("vCont;c"), "T05thread:p1.1;");
}

#[test]
fn a_task_that_stands_at_its_breakpoint_is_not_stopped_there_again() {
    let (mut gdb, stub) = two_tasks();
    gdb.ask("Z0,401000,1");
    stub.future(vec![in_program(1, 0x40_1001), in_program(1, 0x40_1000)]);
    assert_eq!(gdb.ask("vCont;c"), "T05thread:p1.1;");
    assert!(stub.heard().contains(&"s".to_owned()), "stepped over first");
}

#[test]
fn a_step_of_a_task_that_is_switched_out_waits_until_it_resumes() {
    let (mut gdb, stub) = two_tasks();
    stub.future(vec![
        on_cpu(0, 1, HOOKS.resumes[0]),
        on_cpu(0, 1, SOMEWHERE),
        on_cpu(1, 2, HOOKS.resumes[0]),
        on_cpu(1, 2, SOMEWHERE + 5),
    ]);
    assert_eq!(gdb.ask("vCont;s:p2.1;c"), "T05thread:p2.1;");
    assert!(gdb.ask("pb").starts_with("05"), "rip");
    gdb.interrupt(&stub, "vCont;c");
    assert_eq!(stub.inserted().len(), 2, "the two hooks alone");
}

#[test]
fn the_task_that_made_the_step_is_reported_even_if_the_step_has_switched_it_out() {
    let (mut gdb, stub) = two_tasks();
    stub.future(vec![on_cpu(0, 1, HOOKS.syscall), on_cpu(1, 2, SOMEWHERE + 3)]);
    gdb.ask("vCont;s:p1.1;c");
    assert_eq!(gdb.ask("vCont;s:p1.1;c"), "T05thread:p1.1;");
    assert!(gdb.ask("g").starts_with("xx"), "it is switched out now");
}

#[test]
fn steps_in_a_range_end_where_the_range_ends() {
    let (mut gdb, stub) = two_tasks();
    stub.future((1..8).map(|at| in_program(1, 0x40_1000 + at)).collect());
    assert_eq!(gdb.ask("vCont;r401000,401004:p1.1;c"), "T05thread:p1.1;");
    assert!(gdb.ask("pb").starts_with("0410"));
}

#[test]
fn steps_in_a_range_end_at_a_breakpoint() {
    let (mut gdb, stub) = two_tasks();
    gdb.ask("Z0,401002,1");
    stub.future((1..8).map(|at| in_program(1, 0x40_1000 + at)).collect());
    assert_eq!(gdb.ask("vCont;r401000,401004:p1.1;c"), "T05thread:p1.1;");
    assert!(gdb.ask("pb").starts_with("0210"));
}

#[test]
fn steps_in_a_range_pass_over_a_system_call_and_the_others_who_run_meanwhile() {
    let (mut gdb, stub) = two_tasks();
    let mut entry = in_program(1, HOOKS.syscall);
    entry.extend([("cs", 8), ("rcx", 0x40_1002)]);
    stub.future(vec![
        entry,
        on_cpu(0, 1, SOMEWHERE),
        // The other one comes to the same address first.
        in_program(2, 0x40_1002),
        in_program(2, 0x40_1003),
        in_program(1, 0x40_1002),
        in_program(1, 0x40_1004),
    ]);
    stub.put_word(super::CURRENT, super::context(0));
    assert_eq!(gdb.ask("vCont;r401000,401004:p1.1;c"), "T05thread:p1.1;");
    assert!(gdb.ask("pb").starts_with("0410"));
}

#[test]
fn one_step_goes_into_the_kernel() {
    let (mut gdb, stub) = two_tasks();
    let mut entry = in_program(1, HOOKS.syscall);
    entry.push(("cs", 8));
    stub.future(vec![entry, on_cpu(0, 1, SOMEWHERE)]);
    assert_eq!(gdb.ask("vCont;s:p1.1;c"), "T05thread:p1.1;");
    assert!(gdb.ask("pb").starts_with("2000"));
}

#[test]
fn a_step_past_a_breakpoint_at_a_system_call_ends_behind_it() {
    let (mut gdb, stub) = two_tasks();
    let mut entry = in_program(1, HOOKS.syscall);
    entry.extend([("cs", 8), ("rcx", 0x40_1002)]);
    stub.future(vec![entry, on_cpu(0, 1, SOMEWHERE), in_program(1, 0x40_1002)]);
    assert_eq!(gdb.ask("vCont;s:p1.1"), "T05thread:p1.1;");
    assert!(gdb.ask("pb").starts_with("0210"));
}

#[test]
fn a_step_by_an_instruction_that_faults_ends_behind_it() {
    let (mut gdb, stub) = two_tasks();
    stub.future(vec![
        on_cpu(0, 1, SOMEWHERE),
        on_cpu(0, 1, SOMEWHERE + 1),
        in_program(1, 0x40_1000),
        in_program(1, 0x40_1007),
    ]);
    assert_eq!(gdb.ask("vCont;s:p1.1;c"), "T05thread:p1.1;");
    assert!(gdb.ask("pb").starts_with("0710"));
}

#[test]
fn ctrl_c_stops_a_machine_that_runs() {
    let (mut gdb, stub) = two_tasks();
    assert_eq!(gdb.interrupt(&stub, "vCont;c"), "T02thread:p1.1;");
}

#[test]
fn ctrl_c_between_two_steps_ends_the_second() {
    let (mut gdb, stub) = two_tasks();
    stub.future(vec![in_program(1, 0x40_1001), in_program(1, 0x40_1002)]);
    assert_eq!(gdb.ask("vCont;s:p1.1;c"), "T05thread:p1.1;");
    gdb.send(b"\x03");
    assert_eq!(gdb.ask("vCont;r401001,401005:p1.1;c"), "T02thread:p1.1;");
}

#[test]
fn ctrl_c_before_a_run_ends_it_at_once() {
    let (mut gdb, _stub) = two_tasks();
    gdb.send(b"\x03");
    assert_eq!(gdb.ask("vCont;c"), "T02thread:p1.1;");
    assert_eq!(gdb.ask("qXfer:threads:read::0,4"), "m<thr", "it stands still");
}

#[test]
fn ctrl_c_ends_the_wait_for_a_task_that_does_not_come_back() {
    let (mut gdb, stub) = two_tasks();
    stub.future(vec![on_cpu_idle()]);
    assert_eq!(gdb.interrupt(&stub, "vCont;s:p2.1;c"), "T02thread:p2.1;");
}
