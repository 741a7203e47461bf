// The floor: the shortest ways through a kernel that are still correct, by hand. No policy, no
// bookkeeping, no checks but that of the call's number. Nothing can be faster, only as fast.
#include "floor.h"
        .intel_syntax noprefix

// ---- from QEMU (PVH: 32 bits, no paging, ebx: start info) to C in 64 bits
        .section .note.pvh, "a", @note
        .long 4, 4, 18                  // PHYS32_ENTRY
        .asciz "Xen"
        .long start

        .section .text
        .code32
        .globl start
start:  mov esp, offset boot_stack_top
        mov esi, ebx
        // The low 4 GiB as they are, in pages of 2 MiB.
        mov edi, offset boot_directories
        mov eax, 0x83
1:      mov [edi], eax
        add edi, 8
        add eax, 0x200000
        jnc 1b
        mov eax, offset boot_directories + 3
        mov edi, offset kernel_space
        mov ecx, 4
2:      mov [edi], eax
        add eax, 0x1000
        add edi, 8
        loop 2b
        mov dword ptr boot_table, offset kernel_space + 7
        mov eax, offset boot_table
        mov cr3, eax
        mov eax, cr4
       or eax, 0x40620                 // OSXSAVE, OSXMMEXCPT, OSFXSR, PAE
        mov cr4, eax
        mov ecx, 0xc0000080             // EFER: NXE, LME, SCE
        rdmsr
        or eax, 0x901
        wrmsr
        mov eax, cr0
        and eax, ~4
        or eax, 0x80010003              // PG, WP, MP, PE
        mov cr0, eax
        lgdt gdt_register
        ljmp KERNEL_CODE, offset start64
        .code64
start64:
        mov eax, KERNEL_DATA
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov rsp, offset boot_stack_top
        xor ecx, ecx
        mov eax, 7                      // XCR0: x87, SSE, AVX
        xor edx, edx
        xsetbv
        mov edi, esi
        call begin
3:      hlt
        jmp 3b

// ---- into ring 3, and back by `int FINISH`
        .globl enter                    // enter(first task, number, batches, calls in a batch)
enter:  push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
        mov measurer, rsp
        mov rax, [rdi + TASK_CR3]
        mov cr3, rax
        mov ebx, esi
        mov r12, rdx
        mov r13, rcx
        movabs r14, USER_SAMPLES
        movabs rax, USER_STACK_TOP
        push USER_DATA
        push rax
        push 2
        push USER_CODE
        movabs rax, USER                // the keeper is at the beginning of the text
        push rax
        iretq

        .globl finish
finish: mov rsp, measurer
        mov eax, offset boot_table
        mov cr3, rax
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        ret
        .globl fault
fault:  mov rdi, rsp
        and rsp, -16
        call complain

// ---- the shortest call: kernel's GS, a stack, a dispatch, one field of the current task
        .globl call_null
call_null:
        swapgs
        mov gs:[CPU_SCRATCH], rsp
        mov rsp, gs:[CPU_STACK]
        push rcx
        push r11
        cmp eax, 1
        ja wrong
        mov eax, eax
        call [null_table + rax * 8]
        pop r11
        pop rcx
        mov rsp, gs:[CPU_SCRATCH]
        swapgs
        sysretq
null:   mov rax, gs:[CPU_TASK]
        mov rax, [rax + TASK_NEXT]
        ret
wrong:  ud2

// ---- the shortest yield: no kernel stack; what a function call keeps is kept, the rest is zeroed
        .macro yield_short name, space
        .globl \name
\name:  cmp eax, 1
        jne wrong
        mov rdx, current
        mov [rdx + TASK_RSP], rsp
        mov [rdx + TASK_RIP], rcx
        mov [rdx + TASK_FLAGS], r11
        .set .Lat, TASK_KEPT
        .irp register, rbx, rbp, r12, r13, r14, r15
        mov [rdx + .Lat], \register
        .set .Lat, .Lat + 8
        .endr
        mov rdx, [rdx + TASK_NEXT]
        mov current, rdx
        .if \space
        mov rax, [rdx + TASK_CR3]
        mov cr3, rax
        .endif
        mov rsp, [rdx + TASK_RSP]
        mov rcx, [rdx + TASK_RIP]
        mov r11, [rdx + TASK_FLAGS]
        .set .Lat, TASK_KEPT
        .irp register, rbx, rbp, r12, r13, r14, r15
        mov \register, [rdx + .Lat]
        .set .Lat, .Lat + 8
        .endr
        .irp register, eax, edx, esi, edi, r8d, r9d, r10d
        xor \register, \register
        .endr
        sysretq
        .endm
        yield_short yield_spaces, 1
        yield_short yield_tasks, 0

// ---- with what a kernel needs: per-CPU data, a stack for each task, a dispatch, TSS, FPU and SSE state,
// and, where it is saved by XSAVE, AVX state
        .macro yield_kernel name, save, load
        .globl \name, \name\()_return
        .balign 256                     // on one page
\name:  swapgs
        mov gs:[CPU_SCRATCH], rsp
        mov rsp, gs:[CPU_STACK]
        push rcx
        push r11
        push gs:[CPU_SCRATCH]
        cmp eax, 1
        ja wrong
        mov eax, eax
        call [\name\()_table + rax * 8]
\name\()_return:
        pop rdi
        pop r11
        pop rcx
        mov rsp, rdi
        .irp register, eax, edx, esi, edi, r8d, r9d, r10d
        xor \register, \register
        .endr
        swapgs
        sysretq
\name\()_call:
        mov rdi, gs:[CPU_TASK]
        mov rsi, [rdi + TASK_NEXT]
        push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
        mov [rdi + TASK_RSP], rsp
        mov gs:[CPU_TASK], rsi
        .ifc \save, xsave64
        mov eax, 7
        xor edx, edx
        .endif
        \save [rdi + TASK_IMAGE]
        \load [rsi + TASK_IMAGE]
        mov rax, [rsi + TASK_STACK]
        mov gs:[CPU_STACK], rax
        mov [tss + 4], rax
        mov rax, [rsi + TASK_CR3]
        mov cr3, rax
        mov rsp, [rsi + TASK_RSP]
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        ret
        .section .data
        .balign 8
\name\()_table:
        .quad \name\()_call, \name\()_call
        .text
        .endm
        yield_kernel yield_full, xsave64, xrstor64
        yield_kernel yield_fxsave, fxsave64, fxrstor64

// ---- what single things cost in wall time: a bare call, and more
        .globl price_bare, price_xsave, price_xrstor, price_cr3, price_cr3_8_pages
price_bare:
        sysretq
price_xsave:
        mov eax, 7
        xor edx, edx
        xsave64 some_image
        sysretq
price_xrstor:
        mov eax, 7
        xor edx, edx
        xrstor64 some_image
        sysretq
price_cr3:
        mov rax, cr3
        mov cr3, rax
        sysretq
price_cr3_8_pages:                      // and 8 pages that are looked at for the first time since
        mov rax, cr3
        mov cr3, rax
        mov edx, 0x2000000
        .rept 8
        mov rax, [rdx]
        add edx, 0x201000
        .endr
        sysretq

// ---- ring 3. rbx: number of the call, r12: batches, r13: calls in each, r14: where samples go
        .section .user, "ax"
        .globl user_text, other
user_text:
keeper: rdtsc
        shl rdx, 32
        or rax, rdx
        mov r15, rax
        mov rbp, r13
1:      mov eax, ebx
        syscall
        dec rbp
        jnz 1b
        rdtsc
        shl rdx, 32
        or rax, rdx
        sub rax, r15
        mov [r14], rax
        add r14, 8
        dec r12
        jnz keeper
        int FINISH
other:  mov eax, 1
        syscall
        jmp other

        .section .data
        .balign 16
        .globl gdt, tss
gdt:    .quad 0
        .quad 0x00af9b000000ffff, 0x00cf93000000ffff // kernel: code, data
        .quad 0x00cff3000000ffff, 0x00affb000000ffff // user: data, code, as sysret wants them
        .quad 0x0000890000000067, 0                  // TSS, completed in C
gdt_register:
        .word . - gdt - 1
        .quad gdt
null_table:
        .quad null, null

        .section .bss
        .balign 4096
        .globl boot_table, kernel_space, current
boot_table: .skip 4096
kernel_space: .skip 4096
boot_directories: .skip 4 * 4096
        .skip 16384
boot_stack_top:
        .balign 64
some_image: .skip 1024
tss:    .skip 104
        .balign 8
current: .skip 8
measurer: .skip 8
        .section .note.GNU-stack, "", @progbits
