//! What a machine is made of: [`Builder`], filled in by a test, booted as a [`Machine`].

use std::panic::Location;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::by_hand::Typed;
use crate::machine::Machine;
use crate::{Result, policy, warm};

/// Which firmware starts the machine, and so which image it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Firmware {
    /// SeaBIOS, the quicker one.
    #[default]
    Bios,
    /// OVMF.
    Uefi,
}

/// How kernel and programs were compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `scripts/build.sh --debug`
    Debug,
    /// `scripts/build.sh --release`
    Release,
}

/// What a kernel panic or a triple fault does to the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnPanic {
    /// It fails the test; the machine stands still so that a debugger can look at it.
    #[default]
    Freeze,
    /// The test wants it: the machine goes on and ends as it would for a user.
    Continue,
}

/// A description of a machine. Every setting has a default: three shells, no extra program.
#[derive(Clone, Debug)]
pub struct Builder {
    pub(crate) cmdline: String,
    pub(crate) programs: Vec<(PathBuf, String)>,
    pub(crate) memory_mib: u32,
    pub(crate) cpu: Option<String>,
    pub(crate) firmware: Firmware,
    pub(crate) profile: Option<Profile>,
    pub(crate) icount: Option<u8>,
    pub(crate) qemu_args: Vec<String>,
    pub(crate) bochs: bool,
    pub(crate) typed: Option<Typed>,
    pub(crate) wait_for_gdb: bool,
    pub(crate) record: bool,
    pub(crate) traced: bool,
    pub(crate) on_panic: OnPanic,
    pub(crate) limit: Duration,
    pub(crate) name: Option<String>,
}

impl Default for Builder {
    fn default() -> Self {
        let seconds = std::env::var("ORBITAL_TEST_TIMEOUT").ok();
        let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(60);
        Self {
            cmdline: String::new(),
            programs: Vec::new(),
            memory_mib: 128,
            cpu: None,
            firmware: Firmware::default(),
            profile: None,
            icount: None,
            qemu_args: Vec::new(),
            bochs: false,
            typed: None,
            wait_for_gdb: false,
            record: false,
            traced: false,
            on_panic: OnPanic::default(),
            limit: Duration::from_secs(seconds),
            name: None,
        }
    }
}

impl Builder {
    /// The kernel command line: `shells=1`, `run="say hello 3" poweroff=yes`.
    #[must_use]
    pub fn cmdline(mut self, cmdline: impl Into<String>) -> Self {
        self.cmdline = cmdline.into();
        self
    }

    /// Runs these programs in place of the shells, all at once, and ends QEMU with the last of them:
    /// `say hello 3; say world 3`. Replaces the command line.
    #[must_use]
    pub fn run(self, programs: &str) -> Self {
        self.cmdline(format!("run=\"{programs}\" poweroff=yes"))
    }

    /// Adds an ELF file to the ramdisk as `bin/NAME`, or replaces the program of that name.
    #[must_use]
    pub fn program(mut self, file: impl AsRef<Path>, name: &str) -> Self {
        self.programs.push((file.as_ref().to_owned(), name.to_owned()));
        self
    }

    /// Memory in MiB (default 128).
    #[must_use]
    pub fn memory_mib(mut self, mib: u32) -> Self {
        self.memory_mib = mib;
        self
    }

    /// QEMU's CPU model (default `max`).
    #[must_use]
    pub fn cpu(mut self, model: &str) -> Self {
        self.cpu = Some(model.to_owned());
        self
    }

    /// Which firmware boots it (default BIOS).
    #[must_use]
    pub fn firmware(mut self, firmware: Firmware) -> Self {
        self.firmware = firmware;
        self
    }

    /// Which build to boot (default: the one `ORBITAL_ARTIFACTS` names, else release).
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Counts instructions as time: each takes `2^shift` ns, and every run is the same run.
    #[must_use]
    pub fn icount(mut self, shift: u8) -> Self {
        self.icount = Some(shift);
        self
    }

    /// Adds one argument to QEMU's command line.
    #[must_use]
    pub fn qemu_arg(mut self, argument: impl Into<String>) -> Self {
        self.qemu_args.push(argument.into());
        self
    }

    /// Boots it in Bochs, by `scripts/run.sh --bochs`: with the settings that has an option for, and
    /// neither monitor nor gdb stub. Exit codes are those of QEMU.
    #[must_use]
    pub fn bochs(mut self) -> Self {
        self.bochs = true;
        self
    }

    /// Halts before the first instruction until a debugger continues (see
    /// [`Machine::gdb_socket`]). Without it a debugger can attach at any time, too.
    #[must_use]
    pub fn wait_for_gdb(mut self) -> Self {
        self.wait_for_gdb = true;
        self
    }

    /// Records the run, for [`boot`](Self::boot): a failure then leaves a recording that
    /// `scripts/run.sh --replay` repeats byte for byte, and in which gdb can go back.
    #[must_use]
    pub fn record(mut self) -> Self {
        self.record = true;
        self
    }

    /// Has the kernel write down its switches when it ends, for [`Machine::trace`].
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// Says that the kernel is to panic: the machine then ends by itself and no step fails for it.
    #[must_use]
    pub fn may_panic(mut self) -> Self {
        self.on_panic = OnPanic::Continue;
        self
    }

    /// How long each step may take (default 60 s, or `ORBITAL_TEST_TIMEOUT` seconds).
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// What the transcript's file is called (default: test file and test name).
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Starts the machine from its disk and returns as soon as QEMU runs.
    ///
    /// # Errors
    /// The image cannot be made, or QEMU does not start.
    #[track_caller]
    pub fn boot(self) -> Result<Machine> {
        Machine::start(self.under_policy(), Location::caller(), None)
    }

    /// Starts the machine at the first shell's prompt from a saved state, in a fraction of the time
    /// of a boot. The state is made once, by a boot, and kept.
    ///
    /// # Errors
    /// As [`boot`](Self::boot), or no prompt appears.
    #[track_caller]
    pub fn warm(self) -> Result<Machine> {
        warm::start(self.under_policy(), Location::caller())
    }

    /// The same machine under the policy of this run, if it names none.
    fn under_policy(mut self) -> Self {
        match &mut self.typed {
            Some(typed) => {
                typed.options = policy::run_options(typed.options.iter().map(String::as_str));
            }
            None => self.cmdline = policy::cmdline(&self.cmdline),
        }
        self
    }

    /// The policy that the command line chooses.
    pub(crate) fn policy(&self) -> &str {
        let typed = self.typed.iter().flat_map(|typed| &typed.options);
        policy::in_force(typed.chain([&self.cmdline]).map(String::as_str))
    }

    /// QEMU arguments that only this machine has.
    pub(crate) fn overrides(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if let Some(cpu) = &self.cpu {
            arguments.extend(["-cpu".to_owned(), cpu.clone()]);
        }
        if let Some(shift) = self.icount {
            arguments.extend(["-icount".to_owned(), format!("shift={shift},sleep=off")]);
            arguments.extend(["-rtc".to_owned(), "base=2000-01-01,clock=vm".to_owned()]);
        }
        arguments.extend(self.qemu_args.iter().cloned());
        arguments
    }
}
