//! Warm starts are quick: what a serial test costs beside what it tests.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use orbital_tests::{Machine, Result};

/// Processor time that this process and those it has waited for have used.
fn processor_time() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The fields after the command's name, which is in parentheses and may hold blanks.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    let ticks = fields.skip(11).take(4).filter_map(|field| field.parse::<u64>().ok());
    // Linux counts these in hundredths of a second on every machine (USER_HZ).
    Ok(Duration::from_millis(ticks.sum::<u64>() * 10))
}

#[test]
fn a_hundred_serial_tests_take_less_than_15_s_of_two_processors() -> Result {
    drop(Machine::builder().warm()?);
    let (start, before) = (Instant::now(), processor_time()?);
    let serial_tests = || -> Result {
        for number in 0..50 {
            let mut machine = Machine::builder().warm()?;
            assert_eq!(machine.command(&format!("echo {number}"))?, format!("{number}\n"));
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads = [scope.spawn(serial_tests), scope.spawn(serial_tests)];
        threads.into_iter().try_for_each(|thread| thread.join().expect("it does not panic"))
    })?;
    let (wall, used) = (start.elapsed(), processor_time()? - before);
    println!("100 warm machines, two at a time: {wall:.1?}, processor time {used:.1?}");
    // How long they took is also the affair of whatever else runs here.
    assert!(used < Duration::from_secs(2 * 15), "{used:?} of processor time");
    Ok(())
}
