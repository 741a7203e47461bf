//! A terminal with a screen of 80 columns and 24 rows behind it.

use crate::process::Pid;
use crate::tty::{Cell, Event, Grid, Read, Terminal};
use std::string::String;
use std::vec;
use std::vec::Vec;

pub(super) const COLUMNS: usize = 80;
pub(super) const ROWS: usize = 24;

/// Programs that a Tab completes.
pub(super) const NAMES: [&str; 4] = ["hello", "ping", "pong", "registers"];

pub(super) struct Rig {
    pub(super) terminal: Terminal,
    /// Everything sent to the screen since the last [`Rig::take`].
    pub(super) sent: Vec<u8>,
    pub(super) grid: Grid<'static>,
}

impl Rig {
    /// A terminal with sessions of these leaders, opened in this order.
    pub(super) fn new(leaders: &[u64]) -> Self {
        let cells = vec![Cell::BLANK; COLUMNS * ROWS].leak();
        let mut rig = Self {
            terminal: Terminal::try_new(64).unwrap(),
            sent: Vec::new(),
            grid: Grid::new(COLUMNS, cells).unwrap(),
        };
        for leader in leaders {
            rig.terminal.open(Pid(*leader)).unwrap();
        }
        rig
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut Terminal, &mut dyn FnMut(&[u8])) -> R) -> R {
        let mut sent = Vec::new();
        let result = act(&mut self.terminal, &mut |bytes| sent.extend_from_slice(bytes));
        self.grid.write(&sent);
        self.sent.extend(sent);
        result
    }

    /// Types bytes; the last event that is not nothing.
    pub(super) fn keys(&mut self, bytes: impl AsRef<[u8]>) -> Event {
        let mut last = Event::Nothing;
        for byte in bytes.as_ref() {
            let event = self.with(|terminal, out| {
                let mut complete = |prefix: &[u8], sink: &mut dyn FnMut(&[u8])| {
                    let names = NAMES.iter().map(|name| name.as_bytes());
                    names.filter(|name| name.starts_with(prefix)).for_each(sink);
                };
                terminal.input(*byte, &mut complete, out)
            });
            if event != Event::Nothing {
                last = event;
            }
        }
        last
    }

    /// Program `pid` of the session of `leader` writes.
    pub(super) fn write(&mut self, pid: u64, leader: u64, bytes: impl AsRef<[u8]>) {
        let before = self.sent.len();
        self.with(|terminal, out| {
            terminal.write(Pid(pid), Some(Pid(leader)), bytes.as_ref(), out);
        });
        assert!(self.sent.len() - before <= Terminal::write_cost(bytes.as_ref()));
    }

    pub(super) fn line(&mut self, text: &str) {
        self.with(|terminal, out| terminal.line(format_args!("{text}"), out));
    }

    pub(super) fn log(&mut self, pid: u64, text: &str) {
        self.with(|terminal, out| terminal.log(Pid(pid), text.as_bytes(), out));
    }

    pub(super) fn ended(&mut self, pid: u64) {
        self.with(|terminal, out| terminal.ended(Pid(pid), out));
    }

    pub(super) fn close(&mut self, leader: u64) {
        self.with(|terminal, out| terminal.close(Pid(leader), out));
    }

    pub(super) fn clear(&mut self, leader: u64) {
        self.with(|terminal, out| terminal.clear_screen(Some(Pid(leader)), out));
    }

    /// Reads at most `max` bytes: the text, `None` to wait, and `"<end>"`.
    pub(super) fn read(&mut self, leader: u64, max: usize) -> Option<String> {
        let mut bytes = Vec::new();
        let read = self.terminal.read(Some(Pid(leader)), max, &mut |b| bytes.extend_from_slice(b));
        match read {
            Read::Bytes(count) => {
                assert_eq!(count, bytes.len());
                Some(String::from_utf8(bytes).unwrap())
            }
            Read::EndOfInput => Some("<end>".into()),
            Read::Wait => None,
        }
    }

    /// What was sent since the last call.
    pub(super) fn take(&mut self) -> String {
        String::from_utf8(core::mem::take(&mut self.sent)).unwrap()
    }

    /// The rows of the screen down to the cursor, without trailing spaces.
    pub(super) fn screen(&self) -> Vec<String> {
        let (last, _) = self.grid.cursor();
        (0..=last).map(|row| row_text(&self.grid, row)).collect()
    }

    /// Column of the cursor.
    pub(super) fn column(&self) -> usize {
        self.grid.cursor().1
    }
}

pub(super) fn row_text(grid: &Grid<'_>, row: usize) -> String {
    let text: String = grid.row(row).iter().map(|cell| char::from(cell.character)).collect();
    text.trim_end().into()
}
