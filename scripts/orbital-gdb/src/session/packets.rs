//! gdb's packets, and who answers each.

use super::{Session, error};
use crate::actions;
use crate::breakpoints::{Owner, Place};
use crate::hex;
use crate::stop::{Stop, signal};
use crate::thread_id::{Id, Target};
use crate::wires::Result;

impl Session {
    /// The task that gdb's questions are about.
    pub(super) fn subject(&self) -> Id {
        self.selected.unwrap_or(self.reported)
    }

    /// The answer to a packet; `None` if gdb has been answered already.
    pub(super) fn answer(&mut self, packet: &[u8]) -> Result<Option<String>> {
        let text = String::from_utf8_lossy(packet).into_owned();
        let (head, rest) = text.split_at(text.len().min(1));
        let answer = match head {
            "?" => return self.tell(Some(Stop::at(self.reported, signal::TRAP))),
            "!" => "OK".to_owned(),
            "H" => self.select(rest),
            "T" => self.is_known(rest),
            "D" => self.let_go(rest),
            "g" => self.registers()?.0,
            "p" => self.register(rest)?,
            "P" => self.set_register(rest)?,
            "G" if self.is_on_cpu()? => self.pass_on(&text)?,
            "G" => error(),
            "m" => self.read_memory(rest)?,
            "M" => self.write_memory(rest)?,
            "Z" | "z" => self.breakpoint(&text)?,
            "b" if self.machine.reverses => self.resume_back(rest)?,
            "v" => return self.verb(rest),
            "q" | "Q" => return self.query(&text),
            _ => String::new(),
        };
        Ok(Some(answer))
    }

    fn verb(&mut self, text: &str) -> Result<Option<String>> {
        if text == "Cont?" {
            return Ok(Some("vCont;c;C;s;S;r".to_owned()));
        }
        // Nobody can be killed from outside; a machine is ended by `monitor quit`.
        if text.starts_with("Kill") {
            return Ok(Some(error()));
        }
        match text.strip_prefix("Cont").map(actions::parse) {
            Some(Ok(step)) => self.resume(step).map(Some),
            Some(Err(_)) => Ok(Some(error())),
            None => Ok(Some(String::new())),
        }
    }

    fn query(&mut self, text: &str) -> Result<Option<String>> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        let answer = match name {
            "qSupported" => self.features(rest),
            "QStartNoAckMode" => "OK".to_owned(),
            "qC" => format!("QC{}", self.subject()),
            "qAttached" => "1".to_owned(),
            "qXfer" => self.document(rest)?,
            "Qorbital.Back" => self.send_back(rest),
            "Qqemu.PhyMemMode" => {
                self.physical = rest.starts_with('1');
                self.pass_on(text)?
            }
            _ if text.starts_with("qRcmd,") => return self.monitor(text).map(Some),
            _ if name.starts_with("qqemu.") || name.starts_with("Qqemu.") => self.pass_on(text)?,
            _ => String::new(),
        };
        Ok(Some(answer))
    }

    fn features(&mut self, of_gdb: &str) -> String {
        self.follows_forks = of_gdb.split(';').any(|feature| feature == "fork-events+");
        let mut features = "PacketSize=4000;QStartNoAckMode+;multiprocess+;fork-events+;\
             vContSupported+;qXfer:features:read+;qXfer:threads:read+;\
             qXfer:libraries:read+;qXfer:exec-file:read+"
            .to_owned();
        if self.machine.reverses {
            features += ";ReverseStep+;ReverseContinue+";
        }
        features
    }

    /// `Hg`: whom the next questions are about. `Hc`: who alone is to run; forwards `vCont` says so.
    fn select(&mut self, rest: &str) -> String {
        match (rest.split_at_checked(1), rest.get(1..).and_then(Target::parse)) {
            (Some(("g", _)), Some(Target::One(id))) if !self.known.contains(&id) => error(),
            (Some(("g", _)), Some(Target::One(id))) => {
                self.selected = Some(id);
                "OK".to_owned()
            }
            (Some(("g", _)), Some(Target::Any | Target::All)) => {
                self.selected = None;
                "OK".to_owned()
            }
            (Some(("c", _)), Some(Target::One(id))) => {
                self.alone = Some(id);
                "OK".to_owned()
            }
            (Some(("c", _)), Some(Target::Any | Target::All)) => {
                self.alone = None;
                "OK".to_owned()
            }
            _ => error(),
        }
    }

    fn is_known(&self, thread: &str) -> String {
        match Target::parse(thread) {
            Some(Target::One(id)) if self.known.contains(&id) => "OK".to_owned(),
            _ => error(),
        }
    }

    /// `D;pid`: gdb lets a task go, the last one with the machine.
    fn let_go(&mut self, rest: &str) -> String {
        let process = rest.strip_prefix(';').and_then(hex::number);
        if let Some(id) = process.and_then(|number| u32::try_from(number).ok()).map(Id) {
            self.known.retain(|known| *known != id);
            self.detached.push(id);
            self.breakpoints.remove_all_of(Owner::Task(id));
        } else {
            self.known.clear();
        }
        self.over = self.known.is_empty();
        "OK".to_owned()
    }

    fn breakpoint(&mut self, text: &str) -> Result<String> {
        let numbers = text[1..].splitn(3, ',').map(hex::number).collect::<Option<Vec<_>>>();
        let Some([kind @ 0..=4, address, length]) = numbers.as_deref() else { return Ok(error()) };
        let place = Place { kind: *kind, address: *address, length: *length };
        let owner = Owner::Task(self.subject());
        if text.starts_with('Z') {
            return self.breakpoints.insert(&mut self.machine, place, owner);
        }
        self.breakpoints.remove(place, owner);
        Ok("OK".to_owned())
    }

    /// A command of QEMU's monitor, after which the machine may be in another state.
    fn monitor(&mut self, text: &str) -> Result<String> {
        let answer = self.machine.monitor(text)?;
        self.look_again()?;
        Ok(answer)
    }

    pub(super) fn pass_on(&mut self, text: &str) -> Result<String> {
        self.machine.forget();
        self.machine.ask(text)
    }
}
