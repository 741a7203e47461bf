//! What the bootloader is told and what it hands over, and the devices found at boot.
//!
//! [`CONFIG`] keeps the lower half of the address space free for processes (hazards of bootloader
//! 0.11: its mappings start at address 0 unless told otherwise). [`Boot`] is what later stages need
//! to know about this run.

use core::fmt::{self, Display, Write};

use bootloader_api::config::{BootloaderConfig, Mapping};
use bootloader_api::info::BootInfo;
use orbital_arch::acpi::{self, IsaLine, Platform};
use orbital_arch::apic::LocalApic;
use orbital_arch::calibrate;
use orbital_arch::ioapic::{IoApics, Route};
use orbital_arch::keyboard::KEYBOARD_IRQ;
use orbital_arch::serial::COM1_IRQ;
use orbital_arch::{pic, vector};
use orbital_core::cmdline::CommandLine;
use spin::Once;

use crate::console::log;
use crate::memory;
use crate::memory::window::WINDOW;
use crate::ramdisk::Ramdisk;
use crate::time;

/// How the bootloader is to lay out memory.
pub(crate) static CONFIG: BootloaderConfig = {
    let mut config = BootloaderConfig::new_default();
    config.mappings.physical_memory = Some(Mapping::FixedAddress(WINDOW.base));
    config.mappings.dynamic_range_start = Some(0xffff_9000_0000_0000);
    config.mappings.dynamic_range_end = Some(0xffff_9fff_ffff_f000);
    config.kernel_stack_size = 64 * 1024;
    config
};

/// What this run is about.
pub(crate) struct Boot {
    /// The programs.
    pub ramdisk: Ramdisk,
    /// What the user asked for.
    pub command_line: CommandLine<'static>,
}

static BOOT: Once<Boot> = Once::new();

/// What this run is about, once it has been read.
pub(crate) fn get() -> &'static Boot {
    match BOOT.get() {
        Some(boot) => boot,
        None => panic!("boot: the ramdisk has not been read"),
    }
}

/// Reads ramdisk and command line, and says what is in them.
pub(crate) fn read(info: &BootInfo) {
    BOOT.call_once(|| Boot::read(ramdisk_of(info)));
}

impl Boot {
    fn read(ramdisk: &'static [u8]) -> Self {
        let ramdisk = Ramdisk::new(ramdisk);
        let bytes: usize = ramdisk.programs().map(|program| program.bytes.len()).sum();
        let count = ramdisk.programs().len();
        log(format_args!("[kernel] ramdisk: {count} programs, {bytes} bytes"));
        for program in ramdisk.programs() {
            let size = program.bytes.len();
            log(format_args!("[kernel] ramdisk: bin/{} {size} bytes", program.name));
        }
        let text = ramdisk.command_line();
        let shown = fmt::from_fn(|f| {
            text.trim().chars().try_for_each(|c| f.write_char(if c.is_control() { ' ' } else { c }))
        });
        log(format_args!("[kernel] command line: {shown}"));
        let command_line = CommandLine::parse(text.as_bytes(), &mut |warning| {
            log(format_args!("[kernel] command line: {warning}"));
        });
        Self { ramdisk, command_line }
    }
}

/// Says where a policy that leaves the order to chance starts: the same seed gives the same order.
pub(crate) fn log_seed(policy: &str) {
    if policy == "seeded" {
        log(format_args!("[kernel] policy seeded: seed {}", get().command_line.seed));
    }
}

/// Who started the kernel, for the boot log.
pub(crate) fn loader_of(info: &BootInfo) -> impl Display {
    let version = info.api_version;
    fmt::from_fn(move |f| {
        write!(
            f,
            "bootloader {}.{}.{}",
            version.version_major(),
            version.version_minor(),
            version.version_patch()
        )
    })
}

/// The ramdisk's bytes; none if the bootloader has none.
fn ramdisk_of(info: &BootInfo) -> &'static [u8] {
    match info.ramdisk_addr.into_option() {
        // SAFETY: the bootloader maps the ramdisk there for as long as the kernel runs, and nobody
        // writes to it.
        Some(address) => unsafe {
            core::slice::from_raw_parts(address as *const u8, info.ramdisk_len as usize)
        },
        None => &[],
    }
}

/// Finds interrupt controllers and clocks, starts them, and routes the console's interrupts. `entered`
/// is when the kernel was, in ticks of the time-stamp counter.
pub(crate) fn start_devices(info: &BootInfo, entered: u64) {
    pic::mask_all();
    let platform = find_platform(info);
    // SAFETY: the local APIC's registers are device memory that nobody else has mapped.
    let apic = match unsafe { LocalApic::enable(&platform, &mut memory::kernel::map_device) } {
        Ok(apic) => apic,
        Err(error) => panic!("no interrupts: {error}"),
    };
    log(format_args!("[kernel] interrupts: {apic}"));
    // SAFETY: the platform is this machine's, and nothing else drives its timers.
    let measured =
        unsafe { calibrate::calibrate(&platform, &apic, &mut memory::kernel::map_device) };
    let Some(measured) = measured else { panic!("no time: no HPET, ACPI timer or 8254 counts") };
    route(&platform, &apic);
    time::init(apic, &measured, entered);
}

fn find_platform(info: &BootInfo) -> Platform {
    let rsdp = info.rsdp_addr.into_option().unwrap_or(0);
    let end = info.memory_regions.iter().map(|region| region.end).max().unwrap_or(0);
    // SAFETY: the bootloader maps all physical memory at the window, and nothing writes there.
    let found = unsafe { acpi::discover(rsdp, WINDOW, end) };
    let platform = found.unwrap_or_else(|error| {
        log(format_args!("[kernel] acpi: {error}; assuming a conventional PC"));
        Platform::conventional()
    });
    if let Some(defect) = platform.defect {
        log(format_args!("[kernel] acpi: ignored a table: {defect}"));
    }
    platform
}

/// Connects keyboard and serial port to this CPU.
fn route(platform: &Platform, apic: &LocalApic) {
    // SAFETY: the platform is this machine's, and nothing else drives its I/O APICs.
    let found = unsafe { IoApics::new(platform, &mut memory::kernel::map_device) };
    let mut io_apics = match found {
        Ok(io_apics) => io_apics,
        Err(error) => panic!("no interrupts: {error}"),
    };
    // Edge or level, the boot CPU's identifier fits in 8 bits (SDM volume 3, section 11.4.6).
    let destination = u8::try_from(apic.id()).unwrap_or(0);
    for (irq, vector) in [(COM1_IRQ, vector::SERIAL), (KEYBOARD_IRQ, vector::KEYBOARD)] {
        let IsaLine { gsi, polarity, trigger } = platform.isa_line(irq);
        let route = Route { vector: vector as u8, polarity, trigger, destination };
        if let Err(error) = io_apics.route(gsi, route) {
            log(format_args!("[kernel] irq {irq} cannot be routed: {error}"));
        }
    }
}
