//! Several machines of `scripts/run.sh` at once: each has a gdb stub of its own, `scripts/gdb.sh` finds
//! the one that is meant, and nothing is left of those that were killed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use orbital_tests::{Result, program, run_options, workspace};

/// A checkout of the project for one test, which goes with it: the same scripts, and what they have
/// built. Machines of others are not this one's.
struct Checkout(PathBuf);

impl Checkout {
    fn new(name: &str) -> Result<Self> {
        let folder = format!("orbital-test-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(folder.join("target/orbital"))?;
        let checkout = Self(folder.canonicalize()?);
        let scripts = workspace().join("scripts");
        assert!(Command::new("cp").arg("-r").arg(scripts).arg(&checkout.0).status()?.success());
        fs::write(checkout.0.join("scripts/build.sh"), "#!/bin/sh\n")?;
        // Once that is built, everything is.
        program("hello")?;
        for built in ["release", "mkimage"] {
            let built = Path::new("target/orbital").join(built);
            symlink(workspace().join(&built), checkout.0.join(built))?;
        }
        Ok(checkout)
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--"]).arg(self.0.join("scripts").join(name));
        command.env("TMPDIR", &self.0).stdin(Stdio::null());
        command
    }

    /// gdb on what these words name: what it says as it comes and goes.
    fn gdb(&self, machine: &[&Path]) -> Result<Output> {
        let mut command = self.script("gdb.sh");
        command.arg("--plain").args(machine).args(["--", "-batch", "-ex", "info files"]);
        Ok(command.output()?)
    }

    /// What scripts keep for themselves while they run.
    fn scratch(&self) -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.0)?.flatten().map(|entry| entry.path());
        Ok(entries.filter(|path| path.display().to_string().contains("/orbital-run.")).collect())
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A machine that halts at its first instruction; killed with the test.
struct Halted {
    run: Child,
    socket: PathBuf,
}

impl Halted {
    fn start(checkout: &Checkout, name: &str) -> Result<Self> {
        let socket = checkout.0.join(name);
        let mut command = checkout.script("run.sh");
        command.args(run_options(["--append", "shells=1", "--wait-gdb"]));
        command.arg("--gdb-socket").arg(&socket);
        let run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let machine = Self { run, socket };
        until("QEMU listens", || Ok(machine.listens()))?;
        Ok(machine)
    }

    /// Linux marks sockets that listen with this flag.
    fn listens(&self) -> bool {
        let sockets = fs::read_to_string("/proc/net/unix").unwrap_or_default();
        let path = self.socket.display().to_string();
        sockets.lines().any(|line| line.ends_with(&path) && line.contains(" 00010000 "))
    }

    /// Kills the script outright, and waits until QEMU has followed it.
    fn kill(&mut self) -> Result {
        self.run.kill()?;
        self.run.wait()?;
        until("QEMU has ended", || Ok(!self.listens()))
    }
}

impl Drop for Halted {
    fn drop(&mut self) {
        if matches!(self.run.try_wait(), Ok(None)) {
            let _ = Command::new("kill").arg(self.run.id().to_string()).status();
            let _ = self.run.wait();
        }
    }
}

fn until(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result {
    let deadline = Instant::now() + Duration::from_secs(300);
    while !condition()? {
        if Instant::now() > deadline {
            return Err(format!("not within five minutes: {what}").into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn gdb_opens_the_youngest_machine_of_its_checkout_and_names_the_others() -> Result {
    let (checkout, other) = (Checkout::new("several")?, Checkout::new("other")?);
    let first = Halted::start(&checkout, "first")?;
    let mut second = Halted::start(&checkout, "second")?;
    let nobody = other.gdb(&[])?;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("no machine runs"), "{}", text(&nobody.stderr));

    let (a, b) = (first.socket.display(), second.socket.display());
    let said = text(&checkout.gdb(&[])?.stdout);
    let line = format!("the youngest machine, {b}; scripts/gdb.sh MACHINE opens another: {a}\n");
    assert!(said.contains(&line), "{said}");
    let said = text(&checkout.gdb(&[&first.socket])?.stdout);
    assert!(said.contains("release/kernel.elf") && !said.contains("youngest"), "{said}");

    second.kill()?;
    until("only one is there", || {
        let said = text(&checkout.gdb(&[])?.stdout);
        Ok(said.contains("release/kernel.elf") && !said.contains("youngest"))
    })?;
    drop(first);
    assert!(text(&checkout.gdb(&[])?.stderr).contains("no machine runs"));
    Ok(())
}

#[test]
fn what_a_killed_run_leaves_goes_with_the_next_run() -> Result {
    let checkout = Checkout::new("killed")?;
    let next = || -> Result {
        let mut command = checkout.script("run.sh");
        command.args(run_options(["--append", "run=hello poweroff=yes"])).arg("--gdb-socket");
        let output = command.arg(checkout.0.join("next")).output()?;
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        Ok(())
    };
    let mut machine = Halted::start(&checkout, "machine")?;
    next()?;
    assert_eq!(checkout.scratch()?.len(), 1, "that of a machine that runs stays");
    machine.kill()?;
    assert_eq!(checkout.scratch()?.len(), 1, "a script that is killed cannot tidy up");
    // What it had started may hold on to it for a moment.
    until("the next run tidies up", || {
        next()?;
        Ok(checkout.scratch()?.is_empty())
    })
}

#[test]
fn two_runs_that_choose_a_port_at_once_get_different_ones() -> Result {
    let script = r#"
        . "$0/scripts/lib/common.sh"; . "$0/scripts/lib/qemu.sh"
        pick_gdb_port; echo "$gdb_port"; read -r || :"#;
    let choose = || -> Result<Child> {
        let mut command = Command::new("bash");
        command.args(["-ec", script]).arg(workspace());
        Ok(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
    };
    // Each is at its port as late as a QEMU would be that takes long to start.
    let listen = |script: &mut Child| -> Result<TcpListener> {
        let said = BufReader::new(script.stdout.take().ok_or("stdout is a pipe")?);
        let port = said.lines().next().ok_or("it says a port")??;
        thread::sleep(Duration::from_millis(500));
        Ok(TcpListener::bind(format!("127.0.0.1:{port}"))?)
    };
    let mut scripts = [choose()?, choose()?, choose()?];
    let listeners: Vec<_> = thread::scope(|scope| {
        let threads = scripts.each_mut().map(|script| scope.spawn(move || listen(script)));
        threads.map(|thread| thread.join().expect("it does not panic")).into()
    });
    for mut script in scripts {
        drop(script.stdin.take());
        assert!(script.wait()?.success());
    }
    listeners.into_iter().try_for_each(|listener| listener.map(drop))
}
