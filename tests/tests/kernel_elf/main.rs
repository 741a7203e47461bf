//! Rules that no run can show, held over every instruction of the kernel as it was built, release
//! and debug: emulators hide what real CPUs do at some of them, and a compiler may break the rest.

mod frames;
mod rings;

use iced_x86::{CpuidFeature, Instruction, Mnemonic, OpKind, Register};
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
