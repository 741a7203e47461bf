//! `orbital break-switch`: the kernel itself passes over the switches that are not meant.

use std::time::{Duration, Instant};

use orbital_tests::{Machine, Result};

use crate::{at_the_end_of_boot, goes_on_to};

/// Two that yield to each other at every turn, and one that sleeps 40 ms at a time, as long as some
/// 16,000 yields take.
const WORKLOAD: &str =
    "trace=65536 run=\"inferior 1 100000000; inferior 2 100000000; naps 1000 40\"";

/// The numbers of all switches from A to pid 3 that are remembered, and that of the last switch.
const COUNT: &str = "python switches = session.kernel().switches(); \
    print(*[s.number for s in switches if (s.source, s.target) == (A, 3)], switches[-1].number)";

#[test]
fn stops_at_the_first_switch_that_is_meant_past_ten_thousand_others() -> Result {
    for options in [&["--plain"][..], &[]] {
        let machine = Machine::builder().icount(3).cmdline(WORKLOAD).wait_for_gdb().boot()?;
        let mut gdb = at_the_end_of_boot(&machine, options)?;
        gdb.command("python from orbital import session")?;
        // Who runs when pid 3 wakes is chance, but always the same.
        gdb.command("orbital break-switch any 3")?;
        for _ in 0..4 {
            goes_on_to(&mut gdb, "about to switch: ")?;
        }
        gdb.enter("continue")?;
        let from = gdb.expect("about to switch: pid {} -> pid 3")?[0].to_owned();
        gdb.command(&format!("orbital break-switch {from} 3"))?;
        let count = COUNT.replace('A', &from);
        let before = numbers(&gdb.command(&count)?);
        let start = Instant::now();
        goes_on_to(&mut gdb, &format!("about to switch: pid {from} -> pid 3"))?;
        let took = start.elapsed();
        let after = numbers(&gdb.command(&count)?);
        let (Some(last), [met @ .., now]) = (before.last(), &after[..]) else {
            panic!("{before:?} {after:?}")
        };
        let since: Vec<_> = met.iter().filter(|number| *number > last).collect();
        assert_eq!(since, [now], "the last switch is the first of its kind");
        println!("{options:?}: {} switches in {took:?}", now - last);
        assert!(now - last > 10_000, "{last} to {now}");
        // Each stop that gdb has to pass over takes it 2 ms.
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
    Ok(())
}

fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}
