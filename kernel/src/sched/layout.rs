//! What debuggers are told of tasks, contexts and switches: the offset table's contents.

use core::mem::offset_of;

use orbital_abi::layout::IMAGE_BASE;
use orbital_abi::records::WHY;
use orbital_abi::sched::POLICIES;
use orbital_arch::frame::TrapFrame;
use orbital_arch::paging;
use orbital_arch::switch::{self, TaskContext};
use orbital_core::process::{ExitStatus, ProcState, WaitFor};

use super::policy::QUANTUM_NANOS;
use super::{IDLE, TABLE, TRACE};
use crate::machine::Machine;
use crate::{debug, memory, time};

/// Fills the debugger's offset table: the process table, the trace, the contexts, who runs.
pub(super) fn publish() {
    let own = [
        ("machine.session", offset_of!(Machine, session)),
        ("current.context", switch::current_address()),
        ("idle.context", (&raw const IDLE).addr()),
        ("quantum.nanos", (&raw const QUANTUM_NANOS).addr()),
        ("stack.size", memory::kstack::STACK_SIZE as usize),
        ("stack.stride", memory::kstack::PLACE_SIZE as usize),
        ("stack.region", memory::kernel::STACKS as usize),
        ("image.base", IMAGE_BASE as usize),
        ("page.promised", paging::PROMISED as usize),
        ("memory.window", memory::window::WINDOW.pointer::<u8>(0).addr()),
    ];
    for (name, value) in own.into_iter().chain(TaskContext::layout()).chain(TrapFrame::layout()) {
        debug::publish(name, value as u64);
    }
    for (name, value) in debug::ORBITAL_DEBUG_BREAK.layout().into_iter().chain(time::layout()) {
        debug::publish(name, value);
    }
    TABLE.with(|table| table.layout().for_each(|(name, value)| debug::publish(name, value)));
    TRACE.with(|ring| ring.layout().for_each(|(name, value)| debug::publish(name, value)));
    debug::publish_words("why", WHY);
    debug::publish_words("status", ProcState::WORDS);
    debug::publish_words("wait", WaitFor::WORDS);
    debug::publish_words("end", ExitStatus::WORDS);
    debug::publish_words("policy", POLICIES);
    debug::publish_end();
}
