//! Pieces of the entry routines, as text for `naked_asm!`. Each that moves rsp tells the CFI.

/// Pushes a word that is no register of the program.
macro_rules! push {
    ($what:literal) => {
        concat!("push ", $what, "\n.cfi_adjust_cfa_offset 8\n")
    };
}

/// Pushes registers of the program; `what as register` where one is found elsewhere by now.
macro_rules! save {
    ($what:literal as $register:literal) => {
        concat!(push!($what), ".cfi_rel_offset ", $register, ", 0\n")
    };
    ($($register:literal)+) => {
        concat!($(save!($register as $register)),+)
    };
}

/// Pops registers of the program.
macro_rules! restore {
    ($($register:literal)+) => {
        concat!($(
            "pop ", $register, "\n.cfi_adjust_cfa_offset -8\n.cfi_same_value ", $register, "\n"
        ),+)
    };
}

/// Pushes the 15 general registers; `$r11` is where the program's r11 is found.
macro_rules! save_registers {
    ($r11:literal) => {
        concat!(
            save!("rax" "rbx" "rcx" "rdx" "rsi" "rdi" "rbp" "r8" "r9" "r10"),
            save!($r11 as "r11"),
            save!("r12" "r13" "r14" "r15"),
        )
    };
}

/// The inverse of `save_registers`.
macro_rules! restore_registers {
    () => {
        restore!(
            "r15" "r14" "r13" "r12" "r11" "r10" "r9" "r8" "rbp" "rdi" "rsi" "rdx" "rcx" "rbx" "rax"
        )
    };
}

/// Loads the registers that a system call keeps, and its result, from the frame at rsp; there they
/// stay meanwhile, so no rule of the CFI changes.
macro_rules! load_registers {
    () => {
        load_registers!("r15" "r14" "r13" "r12" "r10" "r9" "r8" "rbp" "rdi" "rsi" "rdx" "rbx" "rax")
    };
    ($($register:literal)+) => {
        concat!($("mov ", $register, ", [rsp + {", $register, "}]\n"),+)
    };
}

/// The rules after [`load_registers`] and the load of rsp: rip is in rcx, RFLAGS in r11.
macro_rules! registers_are_loaded {
    () => {
        registers_are_loaded!(
            "r15" "r14" "r13" "r12" "r10" "r9" "r8" "rbp" "rdi" "rsi" "rdx" "rbx" "rax"
        )
    };
    ($($register:literal)+) => {
        concat!(
            ".cfi_def_cfa rsp, 0
             .cfi_val_offset rsp, 0
             .cfi_register rip, rcx
             .cfi_register rflags, r11
             .cfi_undefined rcx
             .cfi_undefined r11
            ",
            $(".cfi_same_value ", $register, "\n"),+
        )
    };
}

/// The rules where a vector stub ends: seven words above rsp, five of them pushed by the CPU.
macro_rules! interrupt_frame {
    () => {
        ".cfi_startproc simple
         .cfi_signal_frame
         .cfi_def_cfa rsp, 56
         .cfi_offset rip, -40
         .cfi_offset cs, -32
         .cfi_offset rflags, -24
         .cfi_offset rsp, -16
         .cfi_offset ss, -8"
    };
}

/// RFLAGS = 2: clears DF, AC and NT, whatever features the CPU has.
macro_rules! kernel_flags {
    () => {
        concat!(push!("2"), "popfq\n.cfi_adjust_cfa_offset -8\n")
    };
}
