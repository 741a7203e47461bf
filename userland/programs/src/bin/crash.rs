//! `crash KIND`: does something a program must not do. `crash list` names the kinds, and after each
//! the fault that the kernel reports for it (`a|b` where machines differ).
//!
//! Each kind is a few instructions of assembly, so that the fault comes from exactly these, in every
//! build. The program never exits 0: a kind that does not fault returns, and it exits [`SURVIVED`].
//!
//! Some faults have no kind, since ring 3 cannot cause them on this kernel:
//! - overflow, bound-range: `into` and `bound` do not exist in 64-bit mode (invalid-opcode), and a
//!   software `int 4` or `int 5` is refused by the gate's privilege (general-protection);
//! - device-not-available: needs CR0.TS or CR0.EM, which the kernel keeps off;
//! - segment-not-present: needs a descriptor or gate with P=0, and the GDT and IDT have none;
//! - alignment-check: needs CR0.AM, which the kernel keeps off.
//!
//! TCG, QEMU's emulation of a CPU, does not raise simd-floating-point: there that kind survives.
//! The instruction 0xf1 (int1) is left out, since TCG stops the whole machine at it.
#![no_std]
#![no_main]

use core::arch::naked_asm;

use ulib::{Args, USAGE, println};

ulib::entry!(main);

/// Exit code for a kind that did not fault.
const SURVIVED: i64 = 3;

/// One way to fault.
struct Kind {
    name: &'static str,
    /// The kernel's word for the fault.
    fault: &'static str,
    run: extern "C" fn(),
}

fn main(args: Args) -> i64 {
    let name = args.get(1).unwrap_or("");
    if name == "list" {
        for kind in KINDS {
            println!("{} {}", kind.name, kind.fault);
        }
        return 0;
    }
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
        println!("usage: crash KIND (crash list names them)");
        return USAGE;
    };
    (kind.run)();
    println!("crash: survived {name}");
    SURVIVED
}

/// Makes a naked function of each kind's instructions, and the table of all. The kinds that some
/// machine lets survive leave the stack and the preserved registers as they were.
macro_rules! kinds {
    ($($name:literal $function:ident => $fault:literal: [$($line:literal),+];)+) => {
        $(
            #[unsafe(naked)]
            extern "C" fn $function() {
                naked_asm!(
                    ".cfi_startproc",
                    $($line,)+
                    "ret",
                    ".cfi_endproc",
                )
            }
        )+
        const KINDS: &[Kind] = &[$(Kind { name: $name, fault: $fault, run: $function }),+];
    };
}

kinds! {
    "divide" divide => "divide-error": ["xor ecx, ecx", "div ecx"];
    "divide-overflow" divide_overflow => "divide-error":
        ["mov eax, 0x80000000", "cdq", "mov ecx, -1", "idiv ecx"];
    // TF takes effect after the instruction that follows popfq.
    "single-step" single_step => "debug":
        ["pushfq", "or qword ptr [rsp], 0x100", "popfq", "nop", "nop"];
    // The step ends at the first instruction of ring 3 after the call.
    "single-step-call" single_step_call => "debug":
        ["mov eax, 7", "pushfq", "or qword ptr [rsp], 0x100", "popfq", "syscall", "nop", "nop"];
    // `mov ss` holds the step back until after the instruction that follows it (CVE-2018-8897).
    "mov-ss-call" mov_ss_call => "debug": [
        "mov eax, 7",
        "mov ecx, ss",
        "pushfq",
        "or qword ptr [rsp], 0x100",
        "popfq",
        "mov ss, ecx",
        "syscall",
        "nop",
        "nop"
    ];
    "mov-ss-int3" mov_ss_int3 => "debug|breakpoint": [
        "mov ecx, ss",
        "pushfq",
        "or qword ptr [rsp], 0x100",
        "popfq",
        "mov ss, ecx",
        "int3",
        "nop"
    ];
    "mov-ss-int14" mov_ss_int14 => "debug|general-protection": [
        "mov ecx, ss",
        "pushfq",
        "or qword ptr [rsp], 0x100",
        "popfq",
        "mov ss, ecx",
        "int 14",
        "nop"
    ];
    "int3" int3 => "breakpoint": ["int3"];
    "int4" int4 => "general-protection": ["int 4"];
    "int14" int14 => "general-protection": ["int 14"];
    "int32" int32 => "general-protection": ["int 32"];
    "int128" int128 => "general-protection": ["int 128"];
    "ud2" ud2 => "invalid-opcode": ["ud2"];
    "into" into => "invalid-opcode": [".byte 0xce"];
    "rdgsbase" rdgsbase => "invalid-opcode": ["rdgsbase rax"];
    "stac" stac => "invalid-opcode": ["stac"];
    "sysret" sysret => "general-protection": ["sysretq"];
    // AMD's processors do not have it in 64-bit mode.
    "sysenter" sysenter => "general-protection|invalid-opcode": ["sysenter"];
    "swapgs" swapgs => "general-protection": ["swapgs"];
    "hlt" hlt => "general-protection": ["hlt"];
    "cli" cli => "general-protection": ["cli"];
    "sti" sti => "general-protection": ["sti"];
    // `popfq` leaves IOPL as it is.
    "popf-iopl" popf_iopl => "general-protection":
        ["pushfq", "or qword ptr [rsp], 0x3000", "popfq", "cli"];
    "in" port_in => "general-protection": ["in al, 0x21"];
    "out" port_out => "general-protection": ["out 0x80, al"];
    "rdmsr" rdmsr => "general-protection": ["mov ecx, 0xc0000080", "rdmsr"];
    "wrmsr" wrmsr => "general-protection":
        ["mov ecx, 0xc0000080", "xor eax, eax", "xor edx, edx", "wrmsr"];
    "read-cr0" read_cr0 => "general-protection": ["mov rax, cr0"];
    "write-cr3" write_cr3 => "general-protection": ["xor eax, eax", "mov cr3, rax"];
    "read-dr7" read_dr7 => "general-protection": ["mov rax, dr7"];
    "rdpmc" rdpmc => "general-protection": ["xor ecx, ecx", "rdpmc"];
    // Survives on a CPU without UMIP.
    "sgdt" sgdt => "general-protection": ["sgdt [rsp - 16]"];
    // Does not exist on a CPU without XSAVE.
    "xsetbv" xsetbv => "general-protection|invalid-opcode":
        ["mov eax, 3", "xor edx, edx", "xor ecx, ecx", "xsetbv"];
    "lidt" lidt => "general-protection": ["lidt [rsp]"];
    "invlpg" invlpg => "general-protection": ["invlpg [rsp]"];
    // Does not exist on every CPU.
    "invpcid" invpcid => "general-protection|invalid-opcode":
        ["xor eax, eax", "invpcid rax, [rsp - 16]"];
    "wbinvd" wbinvd => "general-protection": ["wbinvd"];
    // Selector 7 is entry 0 of an LDT: the kernel has none.
    "ldt-selector" ldt_selector => "general-protection": ["mov eax, 7", "mov es, eax"];
    "kernel-selector" kernel_selector => "general-protection": ["mov eax, 0x10", "mov es, eax"];
    "tss-selector" tss_selector => "general-protection": ["mov eax, 0x28", "mov es, eax"];
    // TCG before QEMU 9.1 reads the frame with the kernel's rights, which SMAP refuses.
    "iret-ring0" iret_ring0 => "general-protection|page-fault": [
        "mov rax, rsp",
        "push 0x10",
        "push rax",
        "pushfq",
        "push 0x8",
        "lea rcx, [rip + 2f]",
        "push rcx",
        "iretq",
        "2:"
    ];
    // NT asks for a return to another task, which 64-bit mode does not have.
    "iret-nested" iret_nested => "general-protection":
        ["pushfq", "or qword ptr [rsp], 0x4000", "popfq", "iretq"];
    "far-jump-ring0" far_jump_ring0 => "general-protection":
        ["push 0x8", "push rsp", "ljmp [rsp]"];
    "noncanonical" noncanonical => "general-protection":
        ["mov rax, 0x800000000000", "mov rax, [rax]"];
    "noncanonical-jump" noncanonical_jump => "general-protection":
        ["mov rax, 0x800000000000", "jmp rax"];
    // TCG reports these two as general-protection.
    "noncanonical-stack" noncanonical_stack => "stack-segment|general-protection":
        ["mov rsp, 0x800000000100", "push rax"];
    "noncanonical-frame" noncanonical_frame => "stack-segment|general-protection":
        ["mov rbp, 0x800000000000", "mov rax, [rbp]"];
    "read-null" read_null => "page-fault": ["xor eax, eax", "mov rax, [rax]"];
    "write-null" write_null => "page-fault": ["xor eax, eax", "mov [rax], rax"];
    "run-null" run_null => "page-fault": ["xor eax, eax", "jmp rax"];
    "write-text" write_text => "page-fault": ["lea rax, [rip]", "mov [rax], rax"];
    "run-stack" run_stack => "page-fault": ["mov eax, 0xc3", "push rax", "jmp rsp"];
    "write-rodata" write_rodata => "page-fault": [
        ".pushsection .rodata",
        "3:",
        ".quad 0",
        ".popsection",
        "mov qword ptr [rip + 3b], rax"
    ];
    "run-rodata" run_rodata => "page-fault":
        [".pushsection .rodata", "3:", "ret", ".popsection", "lea rax, [rip + 3b]", "jmp rax"];
    "run-data" run_data => "page-fault":
        [".pushsection .data", "3:", "ret", ".popsection", "lea rax, [rip + 3b]", "jmp rax"];
    // 17 is `map`, 3 readable and writable.
    "run-map" run_map => "page-fault": [
        "mov eax, 17",
        "mov edi, 4096",
        "mov esi, 3",
        "syscall",
        "mov byte ptr [rax], 0xc3",
        "jmp rax"
    ];
    // The bases of a program are 0, not the kernel's.
    "read-gs" read_gs => "page-fault": ["mov rax, gs:[0]"];
    "read-fs" read_fs => "page-fault": ["mov rax, fs:[0]"];
    "read-kernel" read_kernel => "page-fault":
        ["mov rax, 0xffffffff80000000", "mov rax, [rax]"];
    "write-kernel" write_kernel => "page-fault":
        ["mov rax, 0xffffffff80000000", "mov [rax], rax"];
    "run-kernel" run_kernel => "page-fault": ["mov rax, 0xffffffff80000000", "jmp rax"];
    "read-physical" read_physical => "page-fault":
        ["mov rax, 0xffff880000000000", "mov rax, [rax]"];
    "stack-overflow" stack_overflow => "page-fault": ["2:", "push rax", "jmp 2b"];
    // 0x37b is the initial control word with divide by zero unmasked; fwait reports it.
    "x87" x87 => "x87-floating-point":
        ["push 0x37b", "fldcw [rsp]", "pop rax", "fldz", "fld1", "fdiv st(0), st(1)", "fwait"];
    // The exception stays pending across switches to others, who must not get it.
    "x87-pending" x87_pending => "x87-floating-point": [
        "push 0x37b",
        "fldcw [rsp]",
        "pop rax",
        "fldz",
        "fld1",
        "fdiv st(0), st(1)",
        "mov ebx, 50",
        "2:",
        "mov eax, 12",
        "syscall",
        "dec ebx",
        "jnz 2b",
        "fwait"
    ];
    // 0x1d80 is the initial MXCSR with divide by zero unmasked.
    "simd" simd => "simd-floating-point": [
        "push 0x1d80",
        "ldmxcsr [rsp]",
        "pop rax",
        "mov eax, 0x3f800000",
        "movd xmm0, eax",
        "xorps xmm1, xmm1",
        "divss xmm0, xmm1"
    ];
}
