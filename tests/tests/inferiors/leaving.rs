//! Coming to a system that runs, and leaving it.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use orbital_tests::{Machine, Result};

use crate::gdb::{Gdb, count};

#[test]
fn whoever_lives_when_gdb_comes_is_there_and_goes_on_when_it_leaves() -> Result {
    let mut machine = Machine::builder().warm()?;
    for _ in 0..2 {
        let said = Gdb::on(&machine)
            .run(&["info threads", "thread apply all bt", "break sys_yield", "detach"])
            .finish()?;
        assert_eq!(count(&said, "\"orbital-shell-"), 3 * 2, "{said}");
        assert_eq!(count(&said, " _start ()"), 3, "{said}");
        assert_eq!(machine.command("echo still here")?, "still here\n");
    }
    Ok(())
}

/// The processes that `pid` has started, and those they have.
fn descendants(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<u32> = list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    children.iter().flat_map(|child| [vec![*child], descendants(*child)].concat()).collect()
}

#[test]
fn a_gdb_that_is_killed_leaves_nothing_behind_and_the_machine_running() -> Result {
    let mut machine = Machine::builder().warm()?;
    let (mut gdb, output) =
        Gdb::on(&machine).run(&["break orbital_kernel::ps", "continue"]).start()?;
    let deadline = Instant::now() + Duration::from_secs(60);
    let proxy = loop {
        let all = descendants(gdb.id());
        let name = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        if let Some(proxy) = all.into_iter().find(|pid| name(pid).trim() == "orbital-gdb") {
            break proxy;
        }
        assert!(Instant::now() < deadline, "{}", fs::read_to_string(&output)?);
        thread::sleep(Duration::from_millis(10));
    };
    while !fs::read_to_string(&output)?.contains("New inferior") {
        assert!(Instant::now() < deadline, "{}", fs::read_to_string(&output)?);
        thread::sleep(Duration::from_millis(10));
    }
    gdb.kill()?;
    gdb.wait()?;
    while Path::new(&format!("/proc/{proxy}")).exists() {
        assert!(Instant::now() < deadline, "orbital-gdb is still there");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(machine.command("echo still here")?, "still here\n");
    Ok(())
}
