//! Back in time, each process in its own past: `scripts/run.sh --replay` and `scripts/gdb.sh`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use orbital_tests::{Result, run_options, workspace};

use crate::gdb::{Gdb, count, numbers};

/// The folder of a recorded run of three programs that take turns. It stays if the test fails.
struct Recording(PathBuf);

impl Recording {
    fn of(programs: &str) -> Result<Self> {
        let recording = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join("back"));
        let _ = fs::remove_dir_all(&recording.0);
        let append = format!("run=\"{programs}\" poweroff=yes");
        let run = recording.run_script("--record", &["--append", &append])?.wait_with_output()?;
        assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stdout));
        Ok(recording)
    }

    /// Its path must be short.
    fn socket() -> PathBuf {
        std::env::temp_dir().join(format!("orbital-test-{}-back", std::process::id()))
    }

    fn run_script(&self, verb: &str, options: &[&str]) -> Result<Child> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--"]).arg(workspace().join("scripts/run.sh"));
        let folder = self.0.to_string_lossy();
        command.args(run_options([&[verb, &folder], options].concat()));
        command.arg("--gdb-socket").arg(Self::socket()).args(["--timeout", "300"]);
        Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?)
    }

    /// What gdb says to these commands, from the first instruction of the run on.
    fn gdb(&self, commands: &[&str]) -> Result<String> {
        let mut machine = self.run_script("--replay", &["--wait-gdb"])?;
        while !Self::socket().exists() && machine.try_wait()?.is_none() {
            thread::sleep(Duration::from_millis(20));
        }
        let said = Gdb::at(&Self::socket(), &[]).run(commands).finish();
        Command::new("kill").arg(machine.id().to_string()).status()?;
        machine.wait()?;
        assert!(!Self::socket().exists(), "QEMU has ended in good order");
        said
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("in gdb:     scripts/run.sh --replay {} --gdb", self.0.display());
        } else {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Prints which inferior is selected, and the round of its innermost frame.
const WHO: &str = "printf \"<%d>\\n<%d>\\n\", $_inferior, round";
const INFERIOR: &str = "printf \"<%d>\\n\", $_inferior";

#[test]
fn every_process_goes_back_in_its_own_past() -> Result {
    let recording = Recording::of("inferior 1 8; inferior 2 8; inferior 3 8")?;
    breakpoints_watchpoints_and_steps(&recording)?;
    switched_out(&recording)?;
    births(&recording)?;
    ends(&recording)
}

/// Process 2, inferior 5, in its second round; the others have been in theirs.
const SECOND_ROUND: [&str; 7] =
    ["break inferior::leaf", "continue", "continue", "continue", "continue", "continue", "delete"];

fn breakpoints_watchpoints_and_steps(recording: &Recording) -> Result {
    let best_of_five = "python
import time
def timed():
    start = time.monotonic()
    gdb.execute('reverse-stepi')
    return time.monotonic() - start
print(f'<{int(1000 * min(timed() for _ in range(5)))}>')
end";
    let mut commands = SECOND_ROUND.to_vec();
    commands.extend(["next", "echo its writes\\n", "watch -location inferior::COUNTER.v.value"]);
    commands.extend(["reverse-continue", WHO, "reverse-continue", WHO, "delete"]);
    commands.extend(["echo over a yield and back\\n", "next", "next", INFERIOR]);
    commands.extend(["reverse-next", "reverse-next", WHO, "echo another one\\n"]);
    commands.extend(["break inferior::leaf thread 4.1", "reverse-continue", WHO]);
    commands.extend(["echo steps\\n", best_of_five, INFERIOR]);
    let said = recording.gdb(&commands)?;
    let writes = said.split_once("its writes").map_or("", |(_, rest)| rest);
    for write in ["(2001)", "(2000)", "(0)"] {
        assert!(writes.contains(write), "{write}: {said}");
    }
    let [first @ .., milliseconds, last] = &numbers(writes)[..] else { panic!("{said}") };
    assert_eq!(first[..4], [5, 1, 5, 0], "its writes: {said}");
    assert_eq!(first[4..7], [5, 5, 0], "next and back: {said}");
    assert_eq!(first[7..], [4, 0], "the breakpoint of another process: {said}");
    assert!(*milliseconds < 500, "reverse-stepi takes {milliseconds} ms: {said}");
    assert_eq!(*last, 4, "{said}");
    Ok(())
}

/// Whoever is selected, not whoever is on the CPU, goes back to its own last instruction.
fn switched_out(recording: &Recording) -> Result {
    const BOTH: &str = "printf \"<%d>\\n<%d>\\n\", $_inferior, $orbital_pid()";
    let mut commands = vec!["break inferior::leaf", "continue", "echo it never ran\\n"];
    commands.extend(["thread 5.1", "reverse-stepi", BOTH]);
    commands.extend(&SECOND_ROUND[1..]);
    commands.extend(["echo it ran\\n", "thread 4.1", "reverse-stepi", BOTH]);
    commands.extend(["frame function inferior::leaf", WHO, "reverse-stepi", BOTH]);
    // To insert a breakpoint gdb selects everybody.
    commands.extend(["break inferior::hold", "thread 6.1", "info threads", "reverse-next", BOTH]);
    commands.extend(["thread 2.1", "reverse-finish", BOTH, "bt"]);
    let said = recording.gdb(&commands)?;
    let (never, ran) = said.split_once("\nit ran\n").ok_or_else(|| said.clone())?;
    assert!(never.contains("No more reverse-execution history"), "{said}");
    assert_eq!(numbers(never), [5, 1], "{said}");
    // Inferior 2 is the launcher, which has no pid.
    assert_eq!(numbers(ran), [4, 1, 4, 1, 4, 1, 6, 3, 2, 0], "{said}");
    assert_eq!(count(ran, " kernel_task_entry ()"), 1, "{said}");
    Ok(())
}

fn births(recording: &Recording) -> Result {
    let mut commands = SECOND_ROUND.to_vec();
    commands.extend(["tbreak kernel_main", "reverse-continue", "echo before\\n", "info threads"]);
    commands.extend(["reverse-continue", "echo after\\n", "break inferior::leaf"]);
    commands.extend(["continue", WHO, "continue", WHO, "info threads"]);
    let said = recording.gdb(&commands)?;
    let (before, after) = said.split_once("\nafter\n").ok_or_else(|| said.clone())?;
    assert_eq!(count(before, "(not born yet)"), 5, "{said}");
    assert!(before.contains("No more reverse-execution history"), "{said}");
    assert_eq!(numbers(after), [4, 0, 5, 0], "{said}");
    assert_eq!(count(after, "\"inferior\" ("), 3, "no inferior is there twice: {said}");
    Ok(())
}

fn ends(recording: &Recording) -> Result {
    let mut commands = vec!["break orbital_arch::x86_64::qemu::exit", "continue"];
    // Each end is told, and leaves gdb without a process.
    commands.extend(["inferior 1", "continue", "inferior 1", "continue", "inferior 1", "continue"]);
    commands.extend([
        "watch -location orbital_kernel::sched::TRACE.value.value.count",
        "reverse-continue",
    ]);
    commands.extend(["echo last\\n", "bt", "delete", "break inferior::leaf", "reverse-continue"]);
    commands.extend(["echo back\\n", WHO, "bt", "thread apply all bt"]);
    let said = recording.gdb(&commands)?;
    assert_eq!(count(&said, "exited with code 0"), 3, "{said}");
    let writer = said.split_once("\nlast\n").map_or("", |(_, rest)| rest);
    assert!(writer.contains("orbital_kernel::attendant::main"), "who wrote it last: {said}");
    let back = said.split_once("\nback\n").map_or("", |(_, rest)| rest);
    assert_eq!(numbers(back).get(1), Some(&7), "the last round of the last process: {said}");
    assert_eq!(count(back, " _start ()"), 1 + 3, "those that had ended have a past: {said}");
    Ok(())
}
