//! Who may wait for and kill whom, and what becomes of orphans.

use super::{carry_out, spawn, table, with_running};
use crate::process::{ExitStatus, Pid};
use crate::table::{Refused, Wait};

#[test]
fn waiting_blocks_until_the_end_and_delivers_the_status_once() {
    let mut table = table(8);
    let parent = spawn(&mut table, Pid::LAUNCHER);
    let child = spawn(&mut table, parent);
    let me = with_running(&mut table, parent);
    let Ok(Wait::Block(wait)) = table.wait(me, child) else { panic!("the child runs") };
    let decision = table.block(wait, 1);
    carry_out(&mut table, decision, 1);
    with_running(&mut table, child);
    let decision = table.exit(ExitStatus::Exited(7), 2);
    carry_out(&mut table, decision, 2);
    table.check();
    let me = with_running(&mut table, parent);
    let Ok(Wait::Ended(process, status)) = table.wait(me, child) else { panic!("it has ended") };
    assert_eq!((process.pid(), status), (child, ExitStatus::Exited(7)));
    assert!(matches!(table.wait(me, child), Err(Refused::NoSuchProcess)));
}

#[test]
fn nonsense_waits_and_kills_are_refused_at_once() {
    let mut table = table(8);
    let (a, b) = (spawn(&mut table, Pid::LAUNCHER), spawn(&mut table, Pid::LAUNCHER));
    let me = with_running(&mut table, a);
    let mut refused = |pid| table.wait(me, pid).err().unwrap();
    assert_eq!(refused(a), Refused::Nonsense);
    assert_eq!(refused(Pid(0)), Refused::Nonsense);
    assert_eq!(refused(Pid(u64::MAX)), Refused::NoSuchProcess);
    assert_eq!(refused(b), Refused::NotADescendant);
    assert_eq!(table.kill(me, a, 0), Err(Refused::NotADescendant));
    assert_eq!(table.kill(me, b, 0), Err(Refused::NotADescendant));
    assert_eq!(table.kill(me, Pid::LAUNCHER, 0), Err(Refused::NotADescendant));
    assert_eq!(table.kill(me, Pid(99), 0), Err(Refused::NoSuchProcess));
    table.set_owner(a);
    assert!(table.kill(me, b, 0).is_ok(), "the owner may end strangers");
    assert_eq!(table.kill(me, Pid::LAUNCHER, 0), Err(Refused::NotADescendant));
}

#[test]
fn an_orphan_that_somebody_waits_for_goes_to_the_waiter() {
    let mut table = table(8);
    let a = spawn(&mut table, Pid::LAUNCHER);
    let b = spawn(&mut table, a);
    let c = spawn(&mut table, b);
    let me = with_running(&mut table, a);
    let Ok(Wait::Block(wait)) = table.wait(me, c) else { panic!("it runs") };
    let decision = table.block(wait, 0);
    carry_out(&mut table, decision, 0);
    for pid in [b, c] {
        with_running(&mut table, pid);
        let decision = table.exit(ExitStatus::Exited(0), 0);
        carry_out(&mut table, decision, 0);
        table.check();
    }
    let me = with_running(&mut table, a);
    assert!(matches!(table.wait(me, c), Ok(Wait::Ended(..))));
    assert!(matches!(table.wait(me, b), Ok(Wait::Ended(..))));
}

#[test]
fn a_waiter_killed_after_its_child_ended_leaves_no_zombie() {
    let mut table = table(8);
    let a = spawn(&mut table, Pid::LAUNCHER);
    let b = spawn(&mut table, a);
    let me = with_running(&mut table, a);
    let Ok(Wait::Block(wait)) = table.wait(me, b) else { panic!("it runs") };
    let decision = table.block(wait, 0);
    carry_out(&mut table, decision, 0);
    with_running(&mut table, b);
    let decision = table.exit(ExitStatus::Exited(0), 0);
    carry_out(&mut table, decision, 0);
    table.kill_for(Pid::TERMINAL, a, 0).unwrap();
    table.check();
    assert_eq!(core::iter::from_fn(|| table.take_ended_orphan()).count(), 2);
    assert_eq!(table.len(), 1);
}
