// What a guest without a library needs to say what it measured: the clock, samples, and the lines that
// machine.py reads.
typedef unsigned long u64;
typedef long s64;

static inline u64 now(void) {
    unsigned low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (u64)high << 32 | low;
}

// Printing, buffered.
static char line[512];
static int used;
static void flush(void); // by the system that is measured
static void text(const char *s) { while (*s) line[used++] = *s++; }
static void number(u64 n) {
    char digits[24];
    int count = 0;
    do digits[count++] = '0' + n % 10; while (n /= 10);
    while (count) line[used++] = digits[--count];
}
static void thousandths(u64 n) {
    number(n / 1000);
    line[used++] = '.';
    line[used++] = '0' + n / 100 % 10;
    line[used++] = '0' + n / 10 % 10;
    line[used++] = '0' + n % 10;
}
static void value(const char *name, u64 n) { text("bench: "); text(name); text(" is "); thousandths(n); text(" \n"); flush(); }

// Samples, in thousandths of a tick.
enum { MOST = 2048 };
static u64 samples[MOST];
static int count;
static void add(u64 ticks, u64 operations) { if (count < MOST && operations) samples[count++] = ticks * 1000 / operations; }
static void report(const char *name, const char *unit, const char *per) {
    u64 sum = 0;
    if (!count) return;
    for (int i = 1; i < count; i++) { // by insertion: nearly sorted, nearly equal
        u64 sample = samples[i];
        int at = i;
        for (; at && samples[at - 1] > sample; at--) samples[at] = samples[at - 1];
        samples[at] = sample;
    }
    for (int i = 0; i < count; i++) sum += samples[i];
    text("bench: "); text(name);
    text(" median "); thousandths(samples[count / 2]);
    text(" min "); thousandths(samples[0]);
    text(" max "); thousandths(samples[count - 1]);
    text(" mean "); thousandths(sum / count);
    text(" "); text(unit); text(" per "); text(per);
    text(" ("); number(count); text(" samples)\n");
    flush();
    count = 0;
}

void *memset(void *to, int byte, u64 length) {
    for (char *at = to; length--; at++) { *at = (char)byte; __asm__ volatile("" ::: "memory"); }
    return to;
}
