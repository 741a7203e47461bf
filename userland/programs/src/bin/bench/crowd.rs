//! [`Crowd`]: processes that `tiny` makes, each in an address space of its own.

use core::ptr::NonNull;

use ulib::Errno;
use ulib::abi::layout::MAP_WRITE;
use ulib::memory::{map, unmap};
use ulib::process::{self, Pid};

use crate::Refusal;

/// Processes that do the same until they are dropped.
pub(crate) struct Crowd {
    pids: NonNull<Pid>,
    capacity: usize,
    len: usize,
}

impl Crowd {
    /// Starts `count` processes `tiny WHAT`; `block` is `tiny\0WHAT\0`. None of them has run.
    pub(crate) fn start(count: usize, block: &[u8]) -> Result<Self, Refusal> {
        let bytes = (count * size_of::<Pid>()) as u64;
        let memory = map(bytes, MAP_WRITE).map_err(|_| "no memory for the list of processes")?;
        let mut crowd = Self { pids: memory.cast(), capacity: count, len: 0 };
        for _ in 0..count {
            match process::spawn_block("tiny", block) {
                Ok(pid) => crowd.push(pid),
                Err(Errno::NotFound) => return Err("the ramdisk has no program tiny"),
                Err(_) => return Err("no room for so many processes"),
            }
        }
        Ok(crowd)
    }

    fn push(&mut self, pid: Pid) {
        assert!(self.len < self.capacity, "the list was made for all of them");
        // SAFETY: inside the mapping, as just checked.
        let place = unsafe { self.pids.add(self.len) };
        // SAFETY: mapped, writable, aligned: an element of a page-aligned array.
        unsafe { place.write(pid) };
        self.len += 1;
    }

    /// Who they are.
    pub(crate) fn pids(&self) -> &[Pid] {
        // SAFETY: the first `len` elements were written, and are borrowed with `self`.
        unsafe { core::slice::from_raw_parts(self.pids.as_ptr(), self.len) }
    }

    /// How often they have given way so far, all together.
    pub(crate) fn yields(&self) -> u64 {
        self.pids().iter().copied().map(yields).sum()
    }
}

impl Drop for Crowd {
    /// Ends them all, and collects what they leave.
    fn drop(&mut self) {
        for pid in self.pids() {
            // One that has ended by itself is collected all the same.
            let _ = process::kill(*pid);
            let _ = process::task_wait(*pid);
        }
        // SAFETY: the mapping of `start`, which nothing refers to any more.
        let _ = unsafe { unmap(self.pids.cast(), (self.capacity * size_of::<Pid>()) as u64) };
    }
}

/// How often a task has given way so far.
pub(crate) fn yields(pid: Pid) -> u64 {
    process::stats(pid).map_or(0, |stats| stats.switches_voluntary)
}
