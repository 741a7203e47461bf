//! Symbols of another build.

use super::{Gdb, Identity, SOMEWHERE, kernel, on_cpu_idle};
use crate::fake::Stub;

const NOTE_AT: u64 = 0xffff_8000_0000_0100;

fn note(id: u8) -> Vec<u8> {
    [&b"\x04\0\0\0\x08\0\0\0\x03\0\0\0GNU\0"[..], &[id; 8]].concat()
}

fn start(prepare: impl FnOnce(&Stub)) -> (Gdb, Stub) {
    let identity = Identity { base: 0, note_address: NOTE_AT, note: note(0xab) };
    Gdb::with_kernel(Some(identity), prepare)
}

#[test]
fn another_kernel_in_memory_is_refused_by_its_build_id() {
    let (gdb, _stub) = start(|stub| {
        kernel(stub);
        stub.put(NOTE_AT, &note(0xcd));
    });
    let error = gdb.end().unwrap_err().to_string();
    let expected = "wrong symbols: /kernel.elf has build id abababababab, the kernel in memory has \
                    cdcdcdcdcdcd: rebuild, or start the machine again";
    assert_eq!(error, expected);
}

#[test]
fn a_kernel_that_is_loaded_later_is_compared_at_the_next_stop() {
    for (id, right) in [(0xab, true), (0xcd, false)] {
        let (mut gdb, stub) = start(|stub| stub.set(on_cpu_idle()));
        gdb.ask("qSupported:multiprocess+;fork-events+");
        assert_eq!(gdb.ask("?"), "T05thread:p7ffffffe.1;");
        stub.put(NOTE_AT, &note(id));
        stub.future(vec![vec![("rip", SOMEWHERE + 1)]]);
        if right {
            assert_eq!(gdb.ask("vCont;s:p7ffffffe.1"), "T05thread:p7ffffffe.1;");
            gdb.leave();
        } else {
            gdb.send(&crate::packet::frame(b"vCont;s:p7ffffffe.1"));
            assert!(gdb.end().is_err());
        }
        assert!(stub.inserted().is_empty(), "left clean");
    }
}
