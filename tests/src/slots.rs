//! How many machines run at once: two on a small computer, whatever starts the tests.
//!
//! A [`Slot`] is a locked file, so the limit holds for all test processes of the workspace together,
//! and a process that dies gives its slots back. A second machine of the same test shares the
//! first one's slot: tests never wait for each other in a circle.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::rc::{Rc, Weak};
use std::thread;
use std::time::Duration;

use crate::scratch;

/// The right to run machines on this thread.
pub(crate) struct Slot {
    _locked: File,
}

impl Slot {
    /// Waits for a free slot.
    pub(crate) fn acquire() -> io::Result<Rc<Self>> {
        thread_local! {
            static HELD: RefCell<Weak<Slot>> = const { RefCell::new(Weak::new()) };
        }
        if let Some(slot) = HELD.with_borrow(Weak::upgrade) {
            return Ok(slot);
        }
        let slot = Rc::new(Self::wait_for_one()?);
        HELD.set(Rc::downgrade(&slot));
        Ok(slot)
    }

    fn wait_for_one() -> io::Result<Self> {
        let directory = scratch::lasting("slots")?;
        let count = machines_at_once();
        loop {
            for number in 0..count {
                let file = File::options()
                    .create(true)
                    .truncate(false)
                    .write(true)
                    .open(directory.join(number.to_string()))?;
                if file.try_lock().is_ok() {
                    return Ok(Self { _locked: file });
                }
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// `ORBITAL_TEST_MACHINES`, else half of the processors, but at least two.
fn machines_at_once() -> usize {
    let wished = std::env::var("ORBITAL_TEST_MACHINES").ok();
    wished.and_then(|count| count.parse().ok()).filter(|&count| count > 0).unwrap_or_else(|| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        (processors / 2).max(2)
    })
}
