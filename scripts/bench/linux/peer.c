// The first process of the Linux guest: does the same work as Orbital's program `bench`, and says
// what it took in the same lines. Freestanding, so that what is counted is the kernel.
//
// On the kernel's command line, behind `--`: `counted` or `timed`.
#include "sys.h"

static int timed;
static u64 tsc_khz = 1000000;
static const char *unit;

// What processes share.
static struct shared { volatile u64 stop, ready, at, gap_from, gap_to; u64 batch[64]; } *shared;

static u64 clock_nanos(void) { s64 t[2]; call(CLOCK, 1, t, 0); return t[0] * 1000000000ul + t[1]; }
static void nap(u64 nanos) { s64 t[2] = { nanos / 1000000000ul, nanos % 1000000000ul }; call(NANOSLEEP, t, 0, 0); }
static s64 await(void) { return call(WAIT4, -1, 0, 0); }
static void policy(int fifo) { int priority = fifo ? 10 : 0; call(SETSCHED, 0, fifo, &priority); }

static __attribute__((noinline)) void loop(u64 turns) { // 2 * turns + 1 instructions
    __asm__ volatile("mov %0, %%rcx\n1: dec %%rcx\n jnz 1b" : : "r"(turns) : "rcx", "cc");
}
static void calibrate(void) {
    for (int i = 0; i < 31; i++) { u64 start = now(); loop(5000); add(now() - start, 1); }
    u64 ticks = samples[15] / 1000;
    if (!timed && (ticks < 10000 || ticks > 10015)) {
        text("bench: refused: a loop of 10000 instructions takes "); number(ticks); text(" ticks\nbench: done\n");
        flush();
        for (;;) call0(PAUSE);
    }
    report("calib_10000", unit, "10000-instruction loop");
    if (timed) {
        u64 from = clock_nanos(), start = now(), passed;
        do passed = clock_nanos() - from; while (passed < 300000000ul);
        tsc_khz = (now() - start) * 1000000 / passed;
    }
    value("tsc_khz", tsc_khz * 1000);
}

static void null_call(const char *name, int number) {
    for (int i = 0; i < 600; i++) call0(number);
    for (int sample = 0; sample < 101; sample++) {
        u64 start = now();
        for (int i = 0; i < 200; i++) call0(number);
        add(now() - start, 200);
    }
    report(name, unit, "call");
}

// `tasks` processes that yield for ever, released at once; the first keeps the time. First in first
// out, every yield is a switch.
static void ring(const char *name, int tasks, int fifo) {
    int gate[2];
    char byte;
    u64 turns = tasks <= 2 ? 100 : tasks <= 10 ? 20 : tasks <= 100 ? 4 : 1;
    memset(shared, 0, sizeof *shared);
    call(PIPE, gate, 0, 0);
    policy(fifo);
    for (int i = 0; i < tasks; i++) {
        if (call0(FORK)) continue;
        call(CLOSE, gate[1], 0, 0);
        __asm__ volatile("incq %0" : "+m"(shared->ready));
        call(READ, gate[0], &byte, 1);
        if (i) while (!shared->stop) call0(YIELD);
        for (u64 turn = 0; !i && turn < 4 * turns; turn++) call0(YIELD);
        for (int sample = 0; !i && sample < 41; sample++) {
            u64 start = now();
            for (u64 turn = 0; turn < turns; turn++) call0(YIELD);
            shared->batch[sample] = now() - start;
        }
        shared->stop = 1;
        call(EXIT, 0, 0, 0);
    }
    while (shared->ready < (u64)tasks) nap(1000000);
    nap(10000000);
    call(CLOSE, gate[1], 0, 0);
    while (await() > 0) ;
    call(CLOSE, gate[0], 0, 0);
    policy(0);
    for (int sample = 0; sample < 41; sample++) add(shared->batch[sample], turns * tasks);
    report(name, unit, "switch");
}

static char *const exits[] = { "/tiny", 0 }, *const pauses[] = { "/tiny", "idle", 0 }, *const none[] = { 0 };
static s64 spawn(char *const *arguments) {
    s64 pid = call0(VFORK);
    if (!pid) { call(EXECVE, "/tiny", arguments, none); call(EXIT, 1, 0, 0); }
    return pid;
}
static void life(void) {
    for (int sample = -5; sample < 101; sample++) {
        u64 start = now();
        spawn(exits);
        await();
        if (sample >= 0) add(now() - start, 1);
    }
    report("spawn_vfork_exec_wait", unit, "process");
}

static void sleeps(void) {
    call(PRCTL, 29, 1, 0); // timer slack: 1 ns
    for (int sample = -3; sample < 100; sample++) {
        u64 start = now();
        nap(1000000);
        if (sample >= 0) add((now() - start) * 1000000 / tsc_khz, 1);
    }
    report("sleep_1ms_noslack", "ns", "sleep(1 ms)");
}

// Watches the clock until it jumps.
static void lose_cpu(u64 *from, u64 *to) {
    u64 gap = timed ? tsc_khz / 100 : 100, last = now(), this;
    while ((this = now()) - last <= gap) last = this;
    *from = last;
    *to = this;
}
static void ticks(void) {
    u64 from, to;
    for (int sample = -5; sample < 101; sample++) {
        lose_cpu(&from, &to);
        if (sample >= 0) add(to - from, 1);
    }
    report("timer_tick_no_switch", unit, "tick");
    // Two busy processes: a gap of one in which the other noted a look was a switch to it.
    memset(shared, 0, sizeof *shared);
    if (!call0(FORK)) {
        u64 last = now(), this, gap = timed ? tsc_khz / 100 : 100;
        while (!shared->stop) {
            this = now();
            if (this - last > gap) shared->gap_to = this;
            last = this;
        }
        call(EXIT, 0, 0, 0);
    }
    for (int sample = 0; sample < 101;) {
        lose_cpu(&from, &to);
        u64 first = shared->gap_to;
        if (first > from && first < to) { add(first - from, 1); sample++; }
    }
    shared->stop = 1;
    await();
    report("preempt_switch", unit, "switch");
}

static u64 free_kib(void) {
    static char meminfo[4096];
    s64 file = call(OPEN, "/proc/meminfo", 0, 0), length = call(READ, file, meminfo, sizeof meminfo - 1);
    call(CLOSE, file, 0, 0);
    for (s64 at = 0; at + 8 < length; at++)
        if (meminfo[at] == 'F' && meminfo[at + 4] == ':') {
            u64 kib = 0;
            for (at += 5; meminfo[at] == ' '; at++) ;
            for (; meminfo[at] >= '0' && meminfo[at] <= '9'; at++) kib = kib * 10 + (meminfo[at] - '0');
            return kib;
        }
    return 0;
}
static void memory(void) {
    enum { COUNT = 1000 };
    static s64 pids[COUNT];
    spawn(exits);
    await();
    u64 before = free_kib();
    for (int i = 0; i < COUNT; i++) pids[i] = spawn(pauses);
    nap(50000000);
    value("memory_idle_exec.KiB_per_process", (before - free_kib()) * 1000 / COUNT);
    for (int i = 0; i < COUNT; i++) call(KILL, pids[i], 9, 0);
    while (await() > 0) ;
}

__attribute__((used)) void start(u64 *stack) {
    u64 begun = now(), one = 1;
    for (u64 i = 1; i < stack[0]; i++) timed |= ((char **)(stack + 1))[i][0] == 't';
    unit = timed ? "ticks" : "instructions";
    value("boot.started_ticks", begun * 1000);
    call(MKDIR, "/proc", 0755, 0);
    call6(MOUNT, (s64)"proc", (s64)"/proc", (s64)"proc", 0, 0, 0);
    s64 file = call(OPEN, "/proc/sys/kernel/sched_rt_runtime_us", 1, 0);
    call(WRITE, file, "-1\n", 3);
    call(CLOSE, file, 0, 0);
    nap(500000000); // what boot left to be done
    shared = (void *)call6(MMAP, 0, (sizeof *shared + 4095) & ~4095ul, 3, 0x21, -1, 0);
    call(AFFINITY, 0, 8, &one);
    calibrate();
    null_call("syscall_getpid", GETPID);
    null_call("syscall_enosys", 100000);
    ring("yield_2", 2, 0);
    ring("yield_fifo_2", 2, 1);
    ring("yield_fifo_10", 10, 1);
    ring("yield_fifo_100", 100, 1);
    if (!timed) ring("yield_fifo_1000", 1000, 1);
    life();
    sleeps();
    ticks();
    memory();
    text("bench: done\n");
    flush();
    for (;;) call0(PAUSE);
}

__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start\n hlt\n");
