//! The ways between the kernel and ring 3: what stands in the entry code, in which order.

use iced_x86::{FlowControl, Instruction, Mnemonic, OpKind, Register};
use orbital_tests::Result;
use orbital_tests::code::Kernel;

use crate::{only_in, refuse, writes_register};

#[test]
fn the_gs_base_is_swapped_in_the_entry_code_and_where_a_selector_is_loaded() -> Result {
    use Mnemonic::{Iretq, Lfence, Mov, Rdgsbase, Swapgs, Sysretq, Wrgsbase};
    refuse("gs", |kernel, at, instruction| {
        if matches!(instruction.mnemonic(), Rdgsbase | Wrgsbase) {
            return true;
        }
        if instruction.mnemonic() != Swapgs {
            return false;
        }
        let beside = |distance: isize| {
            at.checked_add_signed(distance)
                .and_then(|at| kernel.code.get(at))
                .map(Instruction::mnemonic)
        };
        let (before, after) = (beside(-1), beside(1));
        match kernel.name(instruction.ip()) {
            // The first instruction in, the last but one out.
            "syscall_entry" => kernel.body("syscall_entry")[0].ip() != instruction.ip(),
            "trap_exit" | "interrupt_exit" => !matches!(after, Some(Sysretq | Iretq)),
            "trap_common" => after != Some(Lfence),
            // Where the base itself was asked, a load of it or the frame's registers follow.
            "trap_paranoid" => false,
            name => {
                !((name.contains("8segments") || name.contains("exchange_special"))
                    && (before == Some(Mov) || after == Some(Mov)))
            }
        }
    })
}

#[test]
fn ring_3_is_entered_at_the_two_ways_out() -> Result {
    only_in(Mnemonic::Sysretq, &["trap_exit"])?;
    only_in(Mnemonic::Iretq, &["interrupt_exit", "trap_common", "trap_paranoid", "vector_02"])?;
    for other in
        [Mnemonic::Sysret, Mnemonic::Sysexit, Mnemonic::Sysexitq, Mnemonic::Iret, Mnemonic::Iretd]
    {
        only_in(other, &[])?;
    }
    Ok(())
}

#[test]
fn the_return_address_is_compared_before_sysret() -> Result {
    for kernel in Kernel::all()? {
        let way_out = kernel.body("trap_exit");
        let position = |wanted: &dyn Fn(&Instruction) -> bool| way_out.iter().position(wanted);
        let sysret = position(&|i| i.mnemonic() == Mnemonic::Sysretq).ok_or("no sysretq")?;
        let compared = position(&|i| {
            i.mnemonic() == Mnemonic::Cmp
                && i.op0_register() == Register::RCX
                && kernel.word(i.memory_displacement64()) == Some(0x7fff_ffff_f000)
        });
        let compared = compared.ok_or("rcx is not compared with the end of user memory")?;
        let branch = way_out[compared + 1];
        assert_eq!(branch.mnemonic(), Mnemonic::Jae, "{}", kernel.show(&branch));
        assert!(branch.near_branch_target() > way_out[sysret].ip(), "it leads past the sysretq");
        // Nobody comes between the two from elsewhere.
        for instruction in way_out {
            let target = instruction.near_branch_target();
            let inside = way_out[compared + 1].ip()..=way_out[sysret].ip();
            assert!(!inside.contains(&target), "{}", kernel.show(instruction));
        }
        let between = &way_out[compared + 2..sysret];
        let harmless = |i: &&Instruction| matches!(i.mnemonic(), Mnemonic::Mov | Mnemonic::Swapgs);
        let (last, rest) = between.split_last().ok_or("nothing before sysretq")?;
        assert_eq!(last.mnemonic(), Mnemonic::Swapgs);
        let others: Vec<_> = rest.iter().filter(|i| !harmless(i)).collect();
        assert!(others.is_empty(), "{others:?}");
        // The program's stack pointer, as the last thing.
        assert!(rest.last().is_some_and(|i| writes_register(i, Register::RSP)), "{rest:?}");
    }
    Ok(())
}

#[test]
fn the_flags_that_syscall_clears_are_a_constant_of_the_kernel() -> Result {
    const FMASK: u64 = 0x25_7fd5;
    for kernel in Kernel::all()? {
        let loads = |i: &Instruction| {
            (0..i.op_count())
                .any(|o| i.op_kind(o) == OpKind::Immediate32 && i.immediate(o) == FMASK)
        };
        assert!(kernel.code.iter().any(loads), "{:?}: no FMASK", kernel.profile);
    }
    Ok(())
}

#[test]
fn no_word_is_written_to_the_stack_before_it_is_the_kernels() -> Result {
    for kernel in Kernel::all()? {
        let entry = kernel.body("syscall_entry");
        let own_stack = |i: &Instruction| {
            writes_register(i, Register::RSP) && i.memory_segment() == Register::GS
        };
        let own_stack = entry.iter().position(own_stack).ok_or("rsp is never the kernel's")?;
        for instruction in &entry[..own_stack] {
            let writes = matches!(instruction.mnemonic(), Mnemonic::Push | Mnemonic::Pushfq)
                || instruction.flow_control() != FlowControl::Next
                || instruction.memory_base() == Register::RSP;
            assert!(!writes, "{}", kernel.show(instruction));
        }
    }
    Ok(())
}

#[test]
fn flags_of_the_program_are_gone_before_the_kernel_is_called() -> Result {
    for kernel in Kernel::all()? {
        for entry in ["trap_common", "trap_paranoid"] {
            let body = kernel.body(entry);
            let position = |wanted: &dyn Fn(&Instruction) -> bool| {
                body.iter().position(wanted).ok_or("not there")
            };
            let cleared = position(&|i| i.mnemonic() == Mnemonic::Popfq)?;
            let called = position(&|i| i.flow_control() != FlowControl::Next)?;
            assert!(cleared < called, "{:?}: {entry}", kernel.profile);
            assert_eq!(body[cleared - 1].mnemonic(), Mnemonic::Push);
            assert_eq!(body[cleared - 1].immediate(0), 2, "RFLAGS with its fixed bit alone");
        }
    }
    Ok(())
}
