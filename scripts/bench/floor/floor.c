// The floor's other half: makes the machine ready, runs the paths of floor.S from ring 3, and says what
// they took in the lines of Orbital's program `bench`. Command line: `counted` or `timed`.
#include "../say.h"
#include "floor.h"

enum { MOST_TASKS = 1000, BATCHES = 61, WARM = 3, RING_0 = 0, RING_3 = 3 };
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef void path(void);

static struct task {
    struct task *next;
    u64 cr3, stack, rsp, rip, flags, kept[6], unused[4];
    u8 image[896];
} __attribute__((aligned(64))) tasks[MOST_TASKS];

extern u64 gdt[], boot_table[], kernel_space[], current;
extern u8 tss[], user_text[], other[];
extern path finish, fault, call_null, yield_spaces, yield_tasks;
extern path yield_full, yield_full_return, yield_fxsave, yield_fxsave_return;
extern path price_bare, price_cr3, price_cr3_8_pages, price_xsave, price_xrstor;
void enter(struct task *first, u64 number, u64 batches, u64 calls);

static u64 idt[512] __attribute__((aligned(16)));
static u64 batch[512] __attribute__((aligned(4096)));
static u64 cpu[3];
static u64 unused = 16 << 20; // from here on nobody uses the memory
static const char *unit = "instructions";

static void out(u16 port, u8 byte) { __asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"(port)); }
static u8 in(u16 port) { u8 byte; __asm__ volatile("inb %1, %0" : "=a"(byte) : "Nd"(port)); return byte; }
static void set_msr(u32 msr, u64 to) { __asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)to), "d"((u32)(to >> 32)) : "memory"); }
static void flush(void) {
    for (int at = 0; at < used; at++) {
        while (!(in(0x3fd) & 0x20)) ;
        out(0x3f8, line[at]);
    }
    used = 0;
}

void complain(const u64 *frame) {
    text("bench: fault, rip and what lies around it:");
    for (int at = 0; at < 4; at++) { text(" "); number(frame[at]); }
    text("\n");
    flush();
    for (;;) __asm__ volatile("hlt");
}

static u64 page(void) {
    u64 at = unused;
    unused += 4096;
    memset((void *)at, 0, 4096);
    return at;
}
static void gate(int vector, path *to, int ring) {
    u64 at = (u64)to;
    idt[2 * vector] = (at & 0xffff) | KERNEL_CODE << 16 | (0x8eul | ring << 5) << 40 | (at >> 16 & 0xffff) << 48;
    idt[2 * vector + 1] = at >> 32;
}
// A task with an address space of its own: the kernel, one page of text, of stack, of samples.
static void make(struct task *task) {
    u64 *tables[4];
    for (int level = 0; level < 4; level++) tables[level] = (u64 *)page();
    tables[0][0] = boot_table[0];
    tables[0][1] = (u64)tables[1] | 7;
    tables[1][0] = (u64)tables[2] | 7;
    tables[2][0] = (u64)tables[3] | 7;
    tables[3][0] = (u64)user_text | 5;
    tables[3][1] = page() | 7;
    tables[3][2] = (u64)batch | 7;
    task->cr3 = (u64)tables[0];
    task->stack = page() + 4096;
    *(u16 *)task->image = 0x37f;
    *(u32 *)(task->image + 24) = 0x1f80;
}
// A ring of tasks, all but the first about to run the loop of `other`: in ring 3, or, if the kernel has
// a stack for each, on the way there, at `back`.
static void ring(int count, path *back) {
    for (int i = 0; i < count; i++) {
        struct task *task = &tasks[i];
        u64 rip = USER + (other - user_text), *top = (u64 *)task->stack;
        task->next = &tasks[(i + 1) % count];
        task->rip = rip;
        task->flags = 2;
        task->rsp = USER_STACK_TOP;
        if (!back) continue;
        *--top = rip;
        *--top = 2;
        *--top = USER_STACK_TOP;
        *--top = (u64)back;
        task->rsp = (u64)(top - 6);
    }
    current = cpu[2] = (u64)&tasks[0];
    cpu[0] = *(u64 *)(tss + 4) = tasks[0].stack;
}
static void measure(const char *name, const char *per, path *entry, int count, u64 calls) {
    path *back = entry == yield_full ? yield_full_return : entry == yield_fxsave ? yield_fxsave_return : 0;
    set_msr(0xc0000082, (u64)entry); // LSTAR
    for (int batches = WARM; ; batches = BATCHES) {
        ring(count, back);
        enter(&tasks[0], 1, batches, calls);
        if (batches == BATCHES) break;
    }
    for (int i = 0; i < BATCHES; i++) add(batch[i], calls * count);
    report(name, unit, per);
}

static volatile u32 *apic(u32 at) { return (volatile u32 *)(0xfee00000ul + at); }
static __attribute__((noinline)) void loop(u64 turns) { // 2 * turns + 1 instructions
    __asm__ volatile("mov %0, %%rcx\n1: dec %%rcx\n jnz 1b" : : "r"(turns) : "rcx", "cc");
}
static void calibrate(int timed) {
    u64 khz = 1000000;
    for (int i = 0; i < 31; i++) { u64 start = now(); loop(5000); add(now() - start, 1); }
    u64 ticks = samples[15] / 1000;
    if (!timed && (ticks < 10000 || ticks > 10015)) {
        text("bench: refused: a loop of 10000 instructions takes "); number(ticks); text(" ticks\nbench: done\n");
        flush();
        for (;;) __asm__ volatile("hlt");
    }
    report("calib_10000", unit, "10000-instruction loop");
    if (timed) { // by the APIC's timer, which counts nanoseconds here
        *apic(0xf0) = 0x1ff;
        *apic(0x3e0) = 0xb;
        *apic(0x320) = 1 << 16;
        *apic(0x380) = ~0u;
        u64 start = now();
        u32 from = *apic(0x390);
        while (from - *apic(0x390) < 100000000) ;
        khz = (now() - start) * 1000000 / (from - *apic(0x390));
    }
    value("tsc_khz", khz * 1000);
}

void begin(u64 info) {
    int timed = *(char *)*(u64 *)(info + 24) == 't'; // hvm_start_info.cmdline_paddr
    if (timed) unit = "ticks";
    out(0x21, 0xff); // a pending interrupt, even one that is not taken, costs QEMU 40 ns a jump
    out(0xa1, 0xff);
    u64 at = (u64)tss;
    gdt[5] |= (at & 0xffffff) << 16 | (at >> 24 & 0xff) << 56;
    gdt[6] = at >> 32;
    __asm__ volatile("ltr %w0" : : "r"(TSS));
    for (int vector = 0; vector < 256; vector++) gate(vector, fault, RING_0);
    gate(FINISH, finish, RING_3);
    struct { u16 limit; u64 base; } __attribute__((packed)) idtr = { sizeof idt - 1, (u64)idt };
    __asm__ volatile("lidt %0" : : "m"(idtr));
    set_msr(0xc0000081, (u64)KERNEL_CODE << 32 | (u64)KERNEL_DATA << 48); // STAR
    set_msr(0xc0000084, 0x47700);                                         // SFMASK
    set_msr(0xc0000102, (u64)cpu);                                        // KERNEL_GS_BASE
    for (int i = 0; i < MOST_TASKS; i++) make(&tasks[i]);

    calibrate(timed);
    measure("syscall_getpid", "call", call_null, 1, 200);
    measure("yield_2", "switch", yield_spaces, 2, 100);
    measure("yield_10", "switch", yield_spaces, 10, 20);
    measure("yield_100", "switch", yield_spaces, 100, 4);
    measure("yield_1000", "switch", yield_spaces, 1000, 1);
    measure("yield_same_space", "switch", yield_tasks, 2, 100);
    measure("yield_full_2", "switch", yield_full, 2, 100);
    measure("yield_full_10", "switch", yield_full, 10, 20);
    measure("yield_full_100", "switch", yield_full, 100, 4);
    measure("yield_full_1000", "switch", yield_full, 1000, 1);
    measure("yield_fxsave_2", "switch", yield_fxsave, 2, 100);
    measure("price_bare", "call", price_bare, 1, 200);
    measure("price_cr3", "call", price_cr3, 1, 200);
    measure("price_cr3_8_pages", "call", price_cr3_8_pages, 1, 200);
    measure("price_xsave", "call", price_xsave, 1, 200);
    measure("price_xrstor", "call", price_xrstor, 1, 200);
    text("bench: done\n");
    flush();
    for (;;) __asm__ volatile("hlt");
}
