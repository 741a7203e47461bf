// What floor.S and floor.c both know of: offsets in a task, selectors, where programs lie.
#define TASK_NEXT 0x00
#define TASK_CR3 0x08
#define TASK_STACK 0x10 // top of its kernel stack
#define TASK_RSP 0x18   // where it goes on: in the kernel if that has a stack for it, else in ring 3
#define TASK_RIP 0x20
#define TASK_FLAGS 0x28
#define TASK_KEPT 0x30 // rbx rbp r12 r13 r14 r15
#define TASK_IMAGE 0x80

#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_DATA 0x1b
#define USER_CODE 0x23
#define TSS 0x28

#define CPU_STACK 0
#define CPU_SCRATCH 8
#define CPU_TASK 16

// The second slot of the top table: a page of text, one of stack, one of samples.
#define USER 0x8000000000
#define USER_STACK_TOP (USER + 0x2000)
#define USER_SAMPLES (USER + 0x2000)
#define FINISH 0x30 // the interrupt that ends a measurement
