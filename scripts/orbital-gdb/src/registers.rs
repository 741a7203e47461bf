//! The `g` packet: all registers of a task in the order of the target description, two hexadecimal
//! digits a byte, least significant byte first; `xx` for a byte that nobody knows.

use crate::hex;

/// Where each register lies in a `g` packet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    registers: Vec<Register>,
}

/// One register; offset and size in bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Register {
    /// Its name in the target description.
    pub name: String,
    offset: usize,
    size: usize,
}

impl Layout {
    /// Reads a target description: its `reg` elements, in their order.
    #[must_use]
    pub fn from_xml(xml: &str) -> Option<Self> {
        let mut layout = Self::default();
        let mut offset = 0;
        for element in without_comments(xml).split("<reg ").skip(1) {
            let element = element.split_once('>')?.0;
            let size = attribute(element, "bitsize")?.parse::<usize>().ok()? / 8;
            let name = attribute(element, "name")?.to_owned();
            layout.registers.push(Register { name, offset, size });
            offset += size;
        }
        Some(layout).filter(|layout| !layout.registers.is_empty())
    }

    /// The register with that number.
    #[must_use]
    pub fn numbered(&self, number: u64) -> Option<&Register> {
        self.registers.get(usize::try_from(number).ok()?)
    }

    fn named(&self, name: &str) -> Option<&Register> {
        self.registers.iter().find(|register| register.name == name)
    }
}

impl Register {
    fn digits(&self) -> std::ops::Range<usize> {
        2 * self.offset..2 * (self.offset + self.size)
    }
}

/// The text of a `g` packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registers(pub String);

impl Registers {
    /// As many as `other` has, and none of them known.
    #[must_use]
    pub fn unknown(other: &Self) -> Self {
        Self("x".repeat(other.0.len()))
    }

    /// The digits of a register, as the `p` packet wants them.
    #[must_use]
    pub fn text(&self, register: &Register) -> Option<&str> {
        self.0.get(register.digits())
    }

    /// The value of a register of at most 64 bits, if it is known.
    #[must_use]
    pub fn get(&self, layout: &Layout, name: &str) -> Option<u64> {
        value(self.text(layout.named(name)?)?)
    }

    /// Makes a register of at most 64 bits known.
    pub fn set(&mut self, layout: &Layout, name: &str, value: u64) {
        if let Some(register) = layout.named(name)
            && let Some(bytes) = value.to_le_bytes().get(..register.size)
            && self.0.len() >= register.digits().end
        {
            self.0.replace_range(register.digits(), &hex::encode(bytes));
        }
    }
}

/// The value of a register as a packet gives it, of at most 64 bits.
#[must_use]
pub fn value(digits: &str) -> Option<u64> {
    let bytes = hex::decode(digits)?;
    let mut word = [0; 8];
    word.get_mut(..bytes.len())?.copy_from_slice(&bytes);
    Some(u64::from_le_bytes(word))
}

fn without_comments(xml: &str) -> String {
    let mut parts = xml.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once("-->").map_or("", |(_, after)| after))
}

fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = element.split_once(&format!("{name}=\""))?;
    Some(value.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::{Layout, Registers};

    const XML: &str = r#"<feature name="core"><flags id="f" size="4"><field name="" start="1"/></flags>
        <reg name="rax" bitsize="64" type="int64"/>
        <!--reg name="cs_base" bitsize="64"/> <reg name="gone" bitsize="64"/-->
        <reg name="eflags" bitsize="32" type="f"/>
        <reg name="st0" bitsize="80"/><reg bitsize="64" name="cr3"/></feature>"#;

    fn text() -> String {
        "efcdab8967452301".to_owned() + "02020000" + &"11".repeat(10) + "00100000" + "00000000"
    }

    #[test]
    fn registers_lie_in_the_order_of_the_description() {
        let layout = Layout::from_xml(XML).unwrap();
        let registers = Registers(text());
        assert_eq!(registers.get(&layout, "rax"), Some(0x0123_4567_89ab_cdef));
        assert_eq!(registers.get(&layout, "eflags"), Some(0x202));
        assert_eq!(registers.get(&layout, "cr3"), Some(0x1000));
        assert_eq!(registers.get(&layout, "st0"), None, "more than 64 bits");
        assert_eq!(registers.get(&layout, "gone"), None, "in a comment");
        assert_eq!(layout.numbered(1).unwrap().name, "eflags");
        assert_eq!(registers.text(layout.numbered(1).unwrap()), Some("02020000"));
        assert_eq!(layout.numbered(4), None);
    }

    #[test]
    fn what_nobody_knows_is_marked_and_no_number() {
        let layout = Layout::from_xml(XML).unwrap();
        let mut registers = Registers::unknown(&Registers(text()));
        assert_eq!(registers.get(&layout, "eflags"), None);
        registers.set(&layout, "eflags", 0x1_0000_0002);
        assert_eq!(registers.0, "x".repeat(16) + "02000000" + &"x".repeat(36));
        registers.set(&layout, "nosuch", 1);
        registers.set(&layout, "rax", 1);
        assert_eq!(registers.get(&layout, "rax"), Some(1));
    }

    #[test]
    fn a_description_without_registers_is_none() {
        assert_eq!(Layout::from_xml("<target></target>"), None);
    }
}
