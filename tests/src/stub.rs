//! QEMU's gdb stub without a gdb: for tests that step through thousands of instructions.
//!
//! [`Stub`] asks one question at a time and knows no symbols. While one is attached the machine
//! stands still but inside a step and a run; dropping it leaves the machine as it is, and
//! [`detach`](Stub::detach) lets it go on.

use std::io::{BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use orbital_gdb::hex;
use orbital_gdb::packet::{Decoder, Item, Speaker, frame};
use orbital_gdb::registers;

use crate::machine::Machine;
use crate::{Failure, Result};

/// Number of `rip` in the target description of x86-64.
const RIP: u8 = 16;

/// A connection to the stub.
pub struct Stub {
    input: BufReader<UnixStream>,
    output: UnixStream,
    decoder: Decoder,
}

impl Stub {
    /// Connects, which stops the machine.
    ///
    /// # Errors
    /// QEMU does not answer, or does not as its stub should.
    pub fn attach(machine: &Machine) -> Result<Self> {
        let output = UnixStream::connect(machine.gdb_socket())?;
        output.set_read_timeout(Some(machine.limit()))?;
        let input = BufReader::new(output.try_clone()?);
        let mut stub = Self { input, output, decoder: Decoder::new(Speaker::Stub) };
        // Registers have numbers once the stub has been asked which there are.
        stub.ask("qXfer:features:read:target.xml:0,ffb")?;
        Ok(stub)
    }

    /// From now on a step takes an interrupt that is there, as the machine would if it ran. QEMU's
    /// own way, which a gdb wants, is to hold them back.
    ///
    /// # Errors
    /// QEMU refuses.
    pub fn step_into_interrupts(&mut self) -> Result {
        const SINGLE_STEP_ALONE: &str = "Qqemu.sstep=1";
        self.order(SINGLE_STEP_ALONE)
    }

    /// Executes one instruction, or enters an interrupt's handler in its place; where the machine is
    /// then.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn step(&mut self) -> Result<u64> {
        self.send("s")?;
        self.stopped()?;
        self.rip()
    }

    /// Lets the machine run until it comes to one of these addresses, other than where it stands;
    /// which it is.
    ///
    /// # Errors
    /// It does not, in the time of a step of the test.
    pub fn run_to(&mut self, addresses: &[u64]) -> Result<u64> {
        let start = self.rip()?;
        while addresses.contains(&start) && self.step()? == start {}
        for address in addresses {
            self.order(&format!("Z0,{address:x},1"))?;
        }
        self.send("c")?;
        self.stopped()?;
        for address in addresses {
            self.order(&format!("z0,{address:x},1"))?;
        }
        let rip = self.rip()?;
        if addresses.contains(&rip) { Ok(rip) } else { Err(format!("stopped at {rip:#x}").into()) }
    }

    /// Where the machine is.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn rip(&mut self) -> Result<u64> {
        self.register(RIP)
    }

    /// A general register by its number in the target description; `rax` is 0.
    ///
    /// # Errors
    /// There is none of that number.
    pub fn register(&mut self, number: u8) -> Result<u64> {
        let digits = self.ask(&format!("p{number:x}"))?;
        Ok(registers::value(&digits).ok_or_else(|| format!("register {number}: {digits}"))?)
    }

    /// The eight bytes at `address`, as the CPU sees memory now.
    ///
    /// # Errors
    /// There is no memory.
    pub fn word(&mut self, address: u64) -> Result<u64> {
        let digits = self.ask(&format!("m{address:x},8"))?;
        Ok(registers::value(&digits).ok_or_else(|| format!("memory at {address:#x}: {digits}"))?)
    }

    /// Writes to a physical address, as a device would.
    ///
    /// # Errors
    /// QEMU refuses.
    pub fn write_physical(&mut self, address: u64, bytes: &[u8]) -> Result {
        self.order("Qqemu.PhyMemMode:1")?;
        self.order(&format!("M{address:x},{:x}:{}", bytes.len(), hex::encode(bytes)))?;
        self.order("Qqemu.PhyMemMode:0")
    }

    /// Lets the machine go on by itself.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn detach(mut self) -> Result {
        self.order("D")
    }

    fn order(&mut self, packet: &str) -> Result {
        match self.ask(packet)?.as_str() {
            "OK" => Ok(()),
            answer => Err(format!("the stub answers {packet} with {answer:?}").into()),
        }
    }

    /// Sends a packet; its answer, which is no stop.
    fn ask(&mut self, packet: &str) -> Result<String> {
        self.send(packet)?;
        loop {
            let answer = self.hear()?;
            // QEMU tells of the stop of a machine that ran when we connected.
            if !answer.starts_with('T') {
                return Ok(answer);
            }
        }
    }

    fn send(&mut self, packet: &str) -> Result {
        Ok(self.output.write_all(&frame(packet.as_bytes()))?)
    }

    fn stopped(&mut self) -> Result {
        let answer = self.hear()?;
        if answer.starts_with('T') { Ok(()) } else { Err(format!("no stop: {answer}").into()) }
    }

    /// The next packet.
    fn hear(&mut self) -> Result<String> {
        for byte in self.input.by_ref().bytes() {
            if let Some(Item::Packet(data)) = self.decoder.push(byte?) {
                self.output.write_all(b"+")?;
                return Ok(String::from_utf8_lossy(&data).into_owned());
            }
        }
        Err(Failure::new("QEMU closed the stub"))
    }
}
