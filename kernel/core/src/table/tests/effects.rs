//! What tasks do to one another is remembered, with its moment and whose doing it was.

use super::*;
use crate::trace::{Deed, Effect, Ring};

fn remembered(table: &Table<()>) -> Vec<(u64, Pid, Deed, Pid)> {
    let row = |(_, e): (u64, &Effect)| (e.time, e.by, e.deed, e.on);
    table.effects().last(100).map(row).collect()
}

#[test]
fn starts_wake_ups_and_kills_name_their_moment_and_whose_doing_they_were() {
    let mut table = Table::try_new(8, AnyPolicy::initial()).unwrap();
    table.remember_effects(Ring::try_new(16).unwrap());
    let parent = spawn(&mut table, Pid::LAUNCHER);
    let me = with_running(&mut table, parent);
    let child = table.create("child", parent, (), 0).unwrap();
    let child_pid = table[child].pid();
    table.start(child, 10);
    let Ok(Wait::Block(wait)) = table.wait(me, child_pid) else { panic!("it runs") };
    let decision = table.block(wait, 20);
    carry_out(&mut table, decision, 20);
    let decision = table.exit(ExitStatus::Exited(0), 30);
    carry_out(&mut table, decision, 30);
    assert_eq!(running_pid(&table), Some(parent));
    let decision = table.block(WaitFor::Time(50), 40);
    assert_eq!(decision, Decision::Idle);
    table.wake_due(60);
    table.kill_for(Pid::TERMINAL, parent, 70).unwrap();
    assert_eq!(
        remembered(&table),
        [
            (0, Pid::IDLE, Deed::Started, parent),
            (10, parent, Deed::Started, child_pid),
            (30, child_pid, Deed::Woken, parent),
            (60, Pid::IDLE, Deed::Woken, parent),
            (70, Pid::IDLE, Deed::Killed, parent),
        ]
    );
}
