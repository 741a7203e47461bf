//! Registers and memory, and about whom gdb asks.

use super::{Gdb, READY, RUNNING, SOMEWHERE, Stub, context, kernel, on_cpu, task};

/// Pid 1 in the kernel on the CPU, pid 2 switched out.
fn two_tasks() -> (Gdb, Stub) {
    Gdb::attach(|stub| {
        kernel(stub);
        task(stub, 0, 1, RUNNING);
        task(stub, 1, 2, READY);
        stub.set(on_cpu(0, 1, SOMEWHERE));
    })
}

/// rbx of the task that gdb asks about.
fn rbx(gdb: &mut Gdb) -> String {
    gdb.ask("g")[16..32].to_owned()
}

const RBX_OF_2: &str = "0002000000000000";
const RBX_ON_CPU: &str = "0000000000000000";

#[test]
fn after_a_stop_the_reported_task_is_selected_also_after_hg_any() {
    let (mut gdb, stub) = two_tasks();
    for select in ["Hgp0.0", "Hgp2.1", "Hg0", "Hg-1"] {
        assert_eq!(gdb.ask(select), "OK");
        stub.future(vec![on_cpu(0, 1, SOMEWHERE)]);
        assert_eq!(gdb.ask("vCont;s:p1.1;c"), "T05thread:p1.1;");
        assert_eq!(rbx(&mut gdb), RBX_ON_CPU, "{select}");
        assert_eq!(gdb.ask("qC"), "QCp1.1");
    }
    gdb.ask("Hgp2.1");
    assert_eq!(rbx(&mut gdb), RBX_OF_2);
    gdb.ask("Hgp0.0");
    assert_eq!(rbx(&mut gdb), RBX_ON_CPU, "any is the one reported last");
}

#[test]
fn a_birth_too_selects_the_task_it_is_reported_for() {
    let (mut gdb, stub) = two_tasks();
    gdb.ask("Hgp2.1");
    task(&stub, 2, 3, READY);
    let mut born = on_cpu(0, 1, super::HOOKS.spawned);
    born.extend([("rdi", 3), ("rsi", 2)]);
    stub.future(vec![born]);
    assert_eq!(gdb.ask("vCont;c"), "T05fork:p3.1;thread:p1.1;");
    assert_eq!(rbx(&mut gdb), RBX_ON_CPU);
}

#[test]
fn of_a_task_that_is_switched_out_only_what_was_saved_is_known() {
    let (mut gdb, _stub) = two_tasks();
    gdb.ask("Hgp2.1");
    let unknown = "x".repeat(16);
    let word = |value: u64| crate::hex::encode(&value.to_le_bytes());
    let expected = [
        unknown.clone(),
        word(0x200),
        unknown.clone(),
        unknown.clone(),
        unknown.clone(),
        word(0x201),
        word(context(1) - 0x200),
        word(0x202),
        word(0x203),
        word(0x204),
        word(0x205),
        word(super::HOOKS.resumes[0]),
        unknown.clone(),
        word(0x3000),
    ];
    assert_eq!(gdb.ask("g"), expected.concat());
    assert_eq!(gdb.ask("p0"), unknown);
    assert_eq!(gdb.ask("p1"), word(0x200));
    assert_eq!(gdb.ask("p63"), "E01", "there is no such register");
}

#[test]
fn of_a_task_that_was_done_in_the_kernel_no_register_is_saved() {
    let (mut gdb, stub) = two_tasks();
    stub.put_word(context(1) + 64, 0x1234_5678_0000_0000);
    gdb.ask("Hgp2.1");
    assert_eq!(rbx(&mut gdb), "x".repeat(16));
    assert!(gdb.ask("P1=0100000000000000").starts_with('E'), "there is no place for it");
}

#[test]
fn a_write_to_a_saved_register_goes_to_the_context() {
    let (mut gdb, stub) = two_tasks();
    gdb.ask("Hgp2.1");
    assert_eq!(gdb.ask("P1=8877665544332211"), "OK");
    assert_eq!(stub.word(context(1)), 0x1122_3344_5566_7788);
    assert_eq!(rbx(&mut gdb), "8877665544332211");
    for lost in ["P63=00", "P1=0", "P"] {
        assert_eq!(gdb.ask(lost), "E01", "{lost}");
    }
    assert_eq!(
        gdb.ask("P0=0000000000000000"),
        "E.rax was not saved when the task was switched out"
    );
    assert_eq!(gdb.ask("G00"), "E01");
}

#[test]
fn a_write_to_a_register_of_the_task_on_the_cpu_goes_there() {
    let (mut gdb, _stub) = two_tasks();
    gdb.ask("Hgp1.1");
    assert_eq!(gdb.ask("P1=0100000000000000"), "OK");
    assert_eq!(rbx(&mut gdb), "0100000000000000");
}

/// Page tables for pid 2, whose root is at 0x3000: 0x400000 is at 0x9000.
fn tables(stub: &Stub) {
    for (at, next) in [(0x3000, 0x4000), (0x4000, 0x5000), (0x5010, 0x6000), (0x6000, 0x9000)] {
        let table = at & !0xfff;
        stub.put_physical(table, &[0; 4096]);
        let entry: u64 = next | 7;
        stub.put_physical(at, &entry.to_le_bytes());
    }
    stub.put_physical(0x9000, &[0xaa; 4096]);
}

#[test]
fn memory_of_a_program_is_read_and_written_in_its_own_page_tables() {
    let (mut gdb, stub) = two_tasks();
    tables(&stub);
    stub.put(0x40_0000, &[0x11; 16]);
    gdb.ask("Hgp1.1");
    assert_eq!(gdb.ask("m400000,4"), "11111111");
    gdb.ask("Hgp2.1");
    assert_eq!(gdb.ask("m400000,4"), "aaaaaaaa");
    assert_eq!(gdb.ask("M400001,2:0102"), "OK");
    assert_eq!(gdb.ask("m400000,4"), "aa0102aa");
    assert_eq!(gdb.ask("m400ffe,4"), "aaaa", "as far as it is mapped");
    assert_eq!(gdb.ask("m500000,4"), "E14");
    assert_eq!(gdb.ask("M500000,1:00"), "E14");
    gdb.ask("Hgp1.1");
    assert_eq!(gdb.ask("m400000,4"), "11111111", "and nothing is left of the mode");
}

#[test]
fn a_page_that_nobody_has_touched_reads_as_zeros_on_the_cpu_or_not() {
    let (mut gdb, stub) = two_tasks();
    tables(&stub);
    stub.put_physical(0x6008, &(1_u64 << 10).to_le_bytes());
    gdb.ask("Hgp2.1");
    assert_eq!(gdb.ask("m400ffe,4"), "aaaa0000");
    assert_eq!(gdb.ask("M401000,1:01"), "E14", "there is no memory to write to");
    stub.set(vec![("cr3", 0x3000)]);
    assert_eq!(gdb.ask("m401000,2"), "0000");
}

#[test]
fn between_the_page_tables_and_the_stack_of_a_switch_memory_is_that_of_the_stack() {
    let (mut gdb, stub) = two_tasks();
    tables(&stub);
    stub.put(0x40_0000, &[0x11; 16]);
    // The stack is still that of pid 2, the page tables already those of pid 1.
    stub.future(vec![{
        let mut moment = on_cpu(1, 2, SOMEWHERE);
        moment.push(("cr3", 0x2000));
        moment
    }]);
    assert_eq!(gdb.interrupt(&stub, "vCont;c"), "T02thread:p2.1;");
    assert_eq!(gdb.ask("m400000,4"), "aaaaaaaa");
}

#[test]
fn the_kernel_is_the_same_for_all() {
    let (mut gdb, stub) = two_tasks();
    stub.put(SOMEWHERE, &[0x90; 4]);
    for id in ["p1.1", "p2.1", "p7ffffffe.1"] {
        gdb.ask(&format!("Hg{id}"));
        assert_eq!(gdb.ask(&format!("m{SOMEWHERE:x},2")), "9090", "{id}");
    }
    assert_eq!(gdb.ask("m1000,1"), "E14");
}

#[test]
fn physical_addresses_are_nobodys() {
    let (mut gdb, stub) = two_tasks();
    tables(&stub);
    gdb.ask("Hgp2.1");
    assert_eq!(gdb.ask("Qqemu.PhyMemMode:1"), "OK");
    assert_eq!(gdb.ask("m9000,2"), "aaaa");
    assert_eq!(gdb.ask("M9000,1:bb"), "OK");
    assert_eq!(gdb.ask("m9000,2"), "bbaa");
}

#[test]
fn what_gdb_asks_for_in_vain_is_empty_and_what_it_says_wrong_is_an_error() {
    let (mut gdb, _stub) = two_tasks();
    for unknown in ["vMustReplyEmpty", "vFile:open:00,0,0", "qTStatus", "X0,0:", "R00", "vRun;"] {
        assert_eq!(gdb.ask(unknown), "", "{unknown}");
    }
    for wrong in ["m", "mxyz", "M0", "Z9,0,1", "Z0,1", "vCont;t", "vKill;1", "Hgpx", "H"] {
        assert_eq!(gdb.ask(wrong), "E01", "{wrong}");
    }
}

#[test]
fn packets_are_acknowledged_until_gdb_says_so() {
    use std::io::Read;
    let (mut gdb, _stub) = two_tasks();
    let mut answer = [0; 7];
    gdb.send(b"$qC#b4");
    gdb.stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+$QCp1.");
    assert_eq!(gdb.ask("QStartNoAckMode"), "OK");
    gdb.send(b"+$qC#b4");
    gdb.stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"$QCp1.1");
}
