//! Rules that no run can show, held over every instruction of the kernel as it was built, release
//! and debug: emulators hide what real CPUs do at some of them, and a compiler may break the rest.

mod frames;

use iced_x86::{CpuidFeature, FlowControl, Instruction, Mnemonic, OpKind, Register};
use orbital_tests::Result;
use orbital_tests::code::Kernel;

/// Fails for each instruction that `breaks` a rule, with its place.
fn refuse(rule: &str, breaks: impl Fn(&Kernel, usize, &Instruction) -> bool) -> Result {
    for kernel in Kernel::all()? {
        assert!(kernel.code.len() > 10_000, "{:?}: where is the code?", kernel.profile);
        let broken =
            |(at, i): (usize, &Instruction)| breaks(&kernel, at, i).then(|| kernel.show(i));
        let broken: Vec<_> = kernel.code.iter().enumerate().filter_map(broken).collect();
        assert!(broken.is_empty(), "{rule}: {broken:#?}");
    }
    Ok(())
}

/// Fails unless the instruction stands in exactly these functions, as often as each is named.
fn only_in(mnemonic: Mnemonic, owners: &[&str]) -> Result {
    for kernel in Kernel::all()? {
        let mut found: Vec<_> = kernel.every(mnemonic).map(|(_, name)| name).collect();
        found.sort_unstable();
        assert_eq!(found, owners, "{:?}: {mnemonic:?}", kernel.profile);
    }
    Ok(())
}

fn memory_operands(instruction: &Instruction) -> bool {
    (0..instruction.op_count()).any(|operand| instruction.op_kind(operand) == OpKind::Memory)
}

fn writes_register(instruction: &Instruction, register: Register) -> bool {
    instruction.op_count() > 0
        && instruction.op0_kind() == OpKind::Register
        && instruction.op0_register() == register
}

#[test]
fn no_page_of_the_kernel_is_writable_and_executable_or_in_the_lower_half() -> Result {
    for kernel in Kernel::all()? {
        assert!(kernel.segments.len() >= 3);
        for segment in &kernel.segments {
            let at = &segment.addresses;
            assert!(!(segment.write && segment.execute), "{:?}: {at:x?}", kernel.profile);
            assert!(at.start >= 0xffff_8000_0000_0000, "{:?}: {at:x?}", kernel.profile);
        }
    }
    Ok(())
}

#[test]
fn the_kernel_uses_no_vector_and_no_x87_register() -> Result {
    refuse("vector or x87 register", |_, _, instruction| {
        let of_a_program = |register: Register| {
            register.is_vector_register() || register.is_st() || register.is_mm()
        };
        let operands = (0..instruction.op_count()).map(|operand| instruction.op_register(operand));
        let x87 = |feature: &CpuidFeature| matches!(feature, CpuidFeature::FPU | CpuidFeature::MMX);
        // The decoder does not know AVX: such an instruction would be an invalid one.
        instruction.is_invalid()
            || operands.into_iter().any(of_a_program)
            || instruction.cpuid_features().iter().any(x87)
    })
}

#[test]
fn the_state_of_one_program_is_saved_just_before_the_next_ones_is_loaded() -> Result {
    use Mnemonic::{Fxrstor, Fxrstor64, Fxsave, Fxsave64, Xrstor, Xrstor64, Xrstors, Xrstors64};
    use Mnemonic::{Xsave, Xsave64, Xsavec, Xsavec64, Xsaveopt, Xsaveopt64, Xsaves, Xsaves64};
    refuse("state saved or loaded", |kernel, at, instruction| match instruction.mnemonic() {
        Xsave64 => kernel.code[at + 1].mnemonic() != Xrstor64,
        Fxsave64 => kernel.code[at + 1].mnemonic() != Fxrstor64,
        Xrstor64 => kernel.code[at - 1].mnemonic() != Xsave64,
        Fxrstor64 => kernel.code[at - 1].mnemonic() != Fxsave64,
        Fxrstor | Fxsave | Xrstor | Xrstors | Xrstors64 | Xsave => true,
        Xsavec | Xsavec64 | Xsaveopt | Xsaveopt64 | Xsaves | Xsaves64 => true,
        _ => false,
    })
}

#[test]
fn the_kernel_has_no_red_zone() -> Result {
    refuse("memory below rsp", |_, _, instruction| {
        let below = instruction.memory_displacement64().cast_signed() < 0;
        memory_operands(instruction)
            && instruction.mnemonic() != Mnemonic::Lea
            && instruction.memory_base() == Register::RSP
            && below
    })
}

#[test]
fn smap_is_never_opened() -> Result {
    refuse("SMAP is opened", |_, _, instruction| {
        matches!(instruction.mnemonic(), Mnemonic::Stac | Mnemonic::Clac)
    })
}

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

#[test]
fn stacks_change_in_the_entry_code_and_the_switch_alone() -> Result {
    const OWNERS: [&str; 5] =
        ["syscall_entry", "switch_context", "resume_at_exit", "trap_exit", "trap_paranoid"];
    refuse("rsp is set", |kernel, _, instruction| {
        let loaded =
            matches!(instruction.mnemonic(), Mnemonic::Mov | Mnemonic::Xchg | Mnemonic::Cmovne)
                && writes_register(instruction, Register::RSP);
        // The end of a function with a frame pointer.
        let own_frame = instruction.op1_register() == Register::RBP;
        loaded && !own_frame && !OWNERS.contains(&kernel.name(instruction.ip()))
    })
}

#[test]
fn interrupts_are_taken_at_the_halt_of_idle_alone() -> Result {
    for kernel in Kernel::all()? {
        let enabled: Vec<_> = kernel.every(Mnemonic::Sti).collect();
        let [(at, name)] = enabled[..] else {
            panic!("{:?}: sti in {enabled:?}", kernel.profile);
        };
        assert_eq!(kernel.code[at + 1].mnemonic(), Mnemonic::Hlt, "{name}");
        // With interrupts on it could only be the boot loader's flags, or the constant 2.
        for (at, name) in kernel.every(Mnemonic::Popfq) {
            let constant = kernel.code[at - 1];
            let two = constant.mnemonic() == Mnemonic::Push && constant.immediate(0) == 2;
            assert!(two && name.starts_with("trap_"), "{:?}: popfq in {name}", kernel.profile);
        }
    }
    Ok(())
}

#[test]
fn a_non_maskable_interrupt_counts_and_returns() -> Result {
    for kernel in Kernel::all()? {
        let stub: Vec<_> = kernel.body("vector_02").iter().map(Instruction::mnemonic).collect();
        assert_eq!(stub, [Mnemonic::Inc, Mnemonic::Iretq], "{:?}", kernel.profile);
    }
    Ok(())
}

#[test]
fn a_breakpoint_on_one_hook_of_the_debugger_stops_at_no_other() -> Result {
    for kernel in Kernel::all()? {
        // Functions that do the same have one address, and then only one of them has a body.
        for hook in ["orbital_debug_spawned", "orbital_debug_exited", "orbital_debug_switch"] {
            assert!(kernel.body(hook).len() > 1, "{:?}: {hook}", kernel.profile);
        }
    }
    Ok(())
}
