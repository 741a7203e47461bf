//! Serial-driven tests that boot Orbital in QEMU.
