//! Machines that start at the prompt: boot once, save the state, load it for every test.
//!
//! A saved state fits one image, one QEMU and one set of arguments, and is kept beside the image
//! under a hash of these. The disk is read-only, so the state is all there is to a machine.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io;
use std::panic::Location;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::builder::Builder;
use crate::image;
use crate::machine::{Machine, Saved};
use crate::scratch::{atomically, lasting};
use crate::vm::Vm;
use crate::{Failure, Result};

/// Starts `builder`'s machine at its first prompt.
pub(crate) fn start(builder: Builder, place: &'static Location<'static>) -> Result<Machine> {
    let failed = |error: io::Error| Failure::at(place, format!("no warm start: {error}"));
    let image = image::image(&builder).map_err(failed)?;
    let arguments = image::machine_arguments(&builder).map_err(failed)?;
    let mut hasher = DefaultHasher::new();
    (&arguments, &image, qemu_version()).hash(&mut hasher);
    let key = format!("{:016x}", hasher.finish());
    let directory = lasting("states").map_err(failed)?;
    let state = directory.join(format!("{key}.state"));
    let screen = directory.join(format!("{key}.screen"));

    let lock = File::create(directory.join(format!("{key}.lock"))).map_err(failed)?;
    lock.lock().map_err(failed)?;
    if !image::in_use(&screen) || !image::in_use(&state) {
        let mut machine = Machine::start(builder.clone().name(format!("warm-{key}")), place, None)?;
        settle(&mut machine).map_err(|failure| failure.moved_to(place.to_string()))?;
        fs::write(&screen, machine.transcript()).map_err(failed)?;
        atomically(&state, |path| machine.vm.save(path)).map_err(failed)?;
        image::remove_unused(&directory);
    }
    drop(lock);
    let screen = fs::read(&screen).map_err(failed)?;
    let saved = Saved { state: &state, screen: &screen };
    Machine::start(builder, place, Some(saved))
}

/// Waits until the prompt is there and stays: while other shells still start, it is drawn again.
fn settle(machine: &mut Machine) -> Result {
    const QUIET: Duration = Duration::from_millis(500);
    loop {
        machine.prompt()?;
        let seen = machine.raw()?.len();
        machine.run_for(QUIET)?;
        if machine.raw()?.len() == seen {
            return Ok(());
        }
    }
}

impl Vm {
    /// Waits until the state given by `-incoming` is loaded, and lets the machine go on.
    pub(crate) fn resume_incoming(&mut self) -> io::Result<()> {
        while self.command("query-status", json!({}))?["status"] == "inmigrate" {
            thread::sleep(Duration::from_millis(2));
        }
        self.command("cont", json!({})).map(drop)
    }

    /// Stops the machine and writes its state to `path`.
    fn save(&mut self, path: &Path) -> io::Result<()> {
        self.command("stop", json!({}))?;
        let target = format!("exec:cat > '{}'", path.display());
        self.command("migrate", json!({ "uri": target }))?;
        loop {
            let progress = self.command("query-migrate", json!({}))?;
            match progress["status"].as_str() {
                Some("completed") => return Ok(()),
                Some("failed" | "cancelled") => {
                    return Err(io::Error::other(format!("saving failed: {progress}")));
                }
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

fn qemu_version() -> &'static [u8] {
    static VERSION: OnceLock<Vec<u8>> = OnceLock::new();
    VERSION.get_or_init(|| {
        let output = Command::new("qemu-system-x86_64").arg("--version").output();
        output.map(|output| output.stdout).unwrap_or_default()
    })
}
