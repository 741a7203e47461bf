//! The documents gdb reads with `qXfer`: registers, threads, and which files hold the symbols.

use std::fmt::Write;

use super::{Session, error};
use crate::hex;
use crate::thread_id::Id;
use crate::wires::Result;

impl Session {
    /// `OBJECT:read:ANNEX:OFFSET,LENGTH`: that part of the document.
    pub(super) fn document(&mut self, request: &str) -> Result<String> {
        let parts: Vec<_> = request.split(':').collect();
        let [object, "read", annex, place] = parts[..] else { return Ok(error()) };
        let Some((offset, length)) = hex::pair(place) else { return Ok(error()) };
        let text = match object {
            "features" if annex == "target.xml" => target(),
            "features" => self.machine.description.clone(),
            "threads" => self.threads()?,
            "libraries" => self.libraries(),
            "exec-file" => self.kernel.display().to_string(),
            _ => return Ok(String::new()),
        };
        Ok(part(&text, offset, length))
    }

    /// Everybody gdb knows and who has not ended meanwhile, with what they do. Whoever is being
    /// announced is left out: gdb is to make it from what it is told of the birth.
    fn threads(&mut self) -> Result<String> {
        let mut text = "<threads>".to_owned();
        for id in self.known.clone() {
            if self.newborn == Some(id) {
                continue;
            }
            let status = match self.tasks.status(&mut self.machine, id)? {
                Some(status) => status,
                None if self.is_unborn(id) => "not born yet".to_owned(),
                None => continue,
            };
            let name = match self.tasks.find(id) {
                Some(task) => &task.name,
                None if id == Id::IDLE => "idle",
                None => "",
            };
            // Writing to a string cannot fail.
            let _ = write!(text, "<thread id=\"{id}\" core=\"0\" name=\"{}\">", quoted(name));
            let _ = write!(text, "{}</thread>", quoted(&status));
        }
        Ok(text + "</threads>")
    }

    /// The program of the task in question, beside the kernel that everybody has.
    fn libraries(&self) -> String {
        let program = self.tasks.find(self.subject()).and_then(|task| task.program.as_ref());
        let library = program.map_or(String::new(), |program| {
            let file = program.file.display().to_string();
            let base = program.base;
            format!(
                "<library name=\"{}\"><segment address=\"{base:#x}\"/></library>",
                quoted(&file)
            )
        });
        format!("<library-list>{library}</library-list>")
    }
}

/// The registers are QEMU's. Without an operating system of that name, gdb asks us for the programs
/// instead of looking for the structures of a C library.
fn target() -> String {
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>\
     <architecture>i386:x86-64</architecture><osabi>none</osabi>\
     <xi:include href=\"registers.xml\"/></target>"
        .to_owned()
}

/// A part of a document: `l` and the rest, or `m` and as much as is wanted.
fn part(text: &str, offset: u64, length: u64) -> String {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let start = text.floor_char_boundary(start);
    let end = text.floor_char_boundary(start.saturating_add(length).min(text.len()));
    let kind = if end == text.len() { 'l' } else { 'm' };
    format!("{kind}{}", &text[start..end])
}

/// Text as XML wants it.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars() {
        match character {
            '&' | '<' | '>' | '"' | '\'' => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "&#{};", u32::from(character));
            }
            control if control.is_control() => quoted.push('?'),
            other => quoted.push(other),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::{part, quoted};

    #[test]
    fn a_document_comes_in_parts() {
        assert_eq!(part("abcdef", 0, 4), "mabcd");
        assert_eq!(part("abcdef", 4, 4), "lef");
        assert_eq!(part("abcdef", 0, 6), "labcdef");
        assert_eq!(part("abcdef", 9, 4), "l");
    }

    #[test]
    fn no_part_ends_inside_a_character() {
        assert_eq!(part("aé", 0, 2), "ma");
        assert_eq!(part("aé", 1, 2), "lé");
    }

    #[test]
    fn names_cannot_break_the_document() {
        assert_eq!(quoted("a<\"b\">&'\x1b"), "a&#60;&#34;b&#34;&#62;&#38;&#39;?");
    }
}
