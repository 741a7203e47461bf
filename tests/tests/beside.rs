//! `scripts/run.sh --gdb`: console and gdb side by side in a tmux of its own.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use orbital_tests::{Result, run_options, workspace};

/// A tmux server that ends with the test, and the folder of its socket.
struct Tmux {
    server: Child,
    folder: PathBuf,
}

impl Tmux {
    /// A terminal in which `run.sh --gdb` runs, after these words, with that kernel command line.
    fn run_script(name: &str, before: &str, append: &str) -> Result<Self> {
        let folder = format!("orbital-test-{}-beside-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder)?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "tmux", "-f", "/dev/null", "-D", "-S"]);
        command.arg(folder.join("tmux")).env_remove("TMUX").stdin(Stdio::null());
        let server =
            command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn()?;
        let tmux = Self { server, folder };
        let script = workspace().join("scripts/run.sh");
        let socket = tmux.folder.join("gdb").display().to_string();
        let options = run_options(["--gdb", "--gdb-socket", &socket, "--append", append]);
        let words: Vec<_> = options.iter().map(|option| format!("'{option}'")).collect();
        let run = format!(
            "{before} {} {}; echo left with $?; exec sleep 300",
            script.display(),
            words.join(" ")
        );
        let session = ["new-session", "-d", "-s", "o", "-x", "200", "-y", "50", "bash", "-c", &run];
        tmux.until("the server answers", || Ok(tmux.tell(&session).is_ok()))?;
        Ok(tmux)
    }

    fn tell(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new("tmux");
        let output = command.arg("-S").arg(self.folder.join("tmux")).args(words).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).as_ref().into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn panes(&self) -> Result<usize> {
        Ok(self.tell(&["list-panes", "-t", "o"])?.lines().count())
    }

    /// Types a line into the console, pane 0, or into gdb, pane 1.
    fn enter(&self, pane: usize, line: &str) -> Result {
        self.tell(&["send-keys", "-t", &format!("o:0.{pane}"), line, "Enter"]).map(drop)
    }

    /// Waits for text in a pane.
    fn expect(&self, pane: usize, text: &str) -> Result {
        let pane = format!("o:0.{pane}");
        let screen = || self.tell(&["capture-pane", "-p", "-t", &pane]);
        self.until(text, || Ok(screen().is_ok_and(|screen| screen.contains(text))))
    }

    /// Waits for `condition`; says what is on the screens if it does not come.
    fn until(&self, what: &str, condition: impl Fn() -> Result<bool>) -> Result {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !condition()? {
            if Instant::now() > deadline {
                let screen = |pane| self.tell(&["capture-pane", "-p", "-t", pane]);
                return Err(format!("{what}: {:?} {:?}", screen("o:0.0"), screen("o:0.1")).into());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Processes that have something to do with the machine's socket, and what they are.
    fn processes(&self) -> Result<Vec<(String, String)>> {
        let socket = self.folder.join("gdb").display().to_string();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let pid = entry.file_name().to_string_lossy().into_owned();
            let line = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            let words: Vec<_> = line.split('\0').collect();
            // Not the shell around it all, which quotes the whole command.
            if words.iter().any(|word| word.contains(&socket) && !word.contains("left with")) {
                found.push((pid, words.join(" ")));
            }
        }
        Ok(found)
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // One that a script has started in here, too.
        let _ = Command::new("tmux")
            .env_remove("TMUX")
            .env("TMUX_TMPDIR", &self.folder)
            .arg("kill-server")
            .output();
        let _ = self.tell(&["kill-server"]);
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn gdb_and_console_are_side_by_side_and_leave_together() -> Result {
    let tmux = Tmux::run_script("together", "", "shells=1")?;
    tmux.expect(1, "(gdb)")?;
    tmux.enter(1, "break orbital_kernel::kernel_main")?;
    tmux.expect(1, "\nBreakpoint 1 ")?;
    tmux.enter(1, "continue")?;
    tmux.expect(1, "\nBreakpoint 1, ")?;
    tmux.enter(1, "delete")?;
    tmux.enter(1, "continue")?;
    tmux.expect(0, "\n[1] orbital>")?;
    tmux.enter(0, "echo typed | beside")?;
    tmux.expect(0, "\ntyped | beside")?;
    tmux.tell(&["send-keys", "-t", "o:0.0", "C-a", "x"])?;
    tmux.expect(0, "left with 0")?;
    tmux.until("gdb's pane closes", || Ok(tmux.panes()? == 1))?;
    tmux.until("everything ends", || Ok(tmux.processes()?.is_empty()))
}

#[test]
fn the_machine_runs_on_when_gdb_is_left_and_ends_when_the_script_is_killed() -> Result {
    let tmux = Tmux::run_script("apart", "", "shells=1")?;
    tmux.expect(1, "(gdb)")?;
    tmux.enter(1, "quit")?;
    tmux.until("gdb's pane closes", || Ok(tmux.panes()? == 1))?;
    tmux.expect(0, "\n[1] orbital>")?;
    tmux.enter(0, "echo still here")?;
    tmux.expect(0, "\nstill here")?;
    let script = |line: &str| line.contains("scripts/run.sh");
    let running = tmux.processes()?;
    let (pid, _) = running.iter().find(|(_, line)| script(line)).ok_or("run.sh runs")?;
    Command::new("kill").args(["-KILL", pid]).status()?;
    tmux.expect(0, "left with 137")?;
    tmux.until("everything ends", || Ok(tmux.processes()?.is_empty()))
}

/// As in a plain terminal, and with the socket of the tmux in there where it goes with the test.
const PLAIN: &str = "d=${TMUX%/*}; env -u TMUX TMUX_TMPDIR=$d TMPDIR=$d";

#[test]
fn a_terminal_that_is_closed_takes_all_along() -> Result {
    let tmux = Tmux::run_script("closed", PLAIN, "shells=1")?;
    tmux.expect(0, "(gdb)")?;
    assert!(!tmux.processes()?.is_empty(), "the machine runs");
    tmux.tell(&["kill-session", "-t", "o"])?;
    tmux.until("everything ends", || Ok(tmux.processes()?.is_empty()))
}

#[test]
fn a_tmux_of_its_own_hands_on_how_the_run_ended() -> Result {
    let tmux = Tmux::run_script("inside", PLAIN, "run=\"exitcode 5\" poweroff=yes")?;
    tmux.expect(0, "(gdb)")?;
    tmux.enter(0, "quit")?;
    tmux.expect(0, "left with 1")?;
    tmux.until("everything ends", || Ok(tmux.processes()?.is_empty()))
}
