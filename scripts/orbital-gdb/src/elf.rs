//! What is needed of an ELF file: symbols, where it is loaded, and the note with its build id.

use std::fs;
use std::path::Path;

use xmas_elf::ElfFile;
use xmas_elf::header::Type as FileType;
use xmas_elf::program::{ProgramHeader, Type};
use xmas_elf::sections::SectionData;
use xmas_elf::symbol_table::Entry;

use crate::hex;
use crate::wires::{Error, Result};

/// The parts of a file that tell which it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Its lowest address.
    pub base: u64,
    /// The address of the note with the build id, or of the code that stands for it.
    pub note_address: u64,
    /// It, as it lies there.
    pub note: Vec<u8>,
}

/// Reads `file` and takes it apart.
fn with_elf<T>(file: &Path, take: impl FnOnce(&ElfFile<'_>) -> Option<T>) -> Result<Option<T>> {
    let named = |text: &str| Error::Unexpected(format!("{}: {text}", file.display()));
    let bytes = fs::read(file).map_err(|error| named(&error.to_string()))?;
    let elf = ElfFile::new(&bytes).map_err(named)?;
    Ok(take(&elf))
}

/// A symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Symbol {
    /// Its address.
    pub address: u64,
    /// Bytes in what it names.
    pub size: u64,
}

/// The symbols of `file` that have these names.
///
/// # Errors
/// The file cannot be read, or one is missing.
pub fn symbols<const N: usize>(file: &Path, names: [&str; N]) -> Result<[Symbol; N]> {
    let mut found = [None; N];
    with_elf(file, |elf| {
        let section = elf.find_section_by_name(".symtab")?;
        let SectionData::SymbolTable64(entries) = section.get_data(elf).ok()? else { return None };
        for entry in entries {
            let name = entry.get_name(elf).ok();
            if let Some(at) = names.iter().position(|wanted| name == Some(wanted)) {
                found[at] = Some(Symbol { address: entry.value(), size: entry.size() });
            }
        }
        Some(())
    })?;
    if let Some(missing) = found.iter().position(Option::is_none) {
        let text = format!("{} has no symbol {}", file.display(), names[missing]);
        return Err(Error::Unexpected(text));
    }
    Ok(found.map(Option::unwrap_or_default))
}

/// The identity of `file`, a program; `None` if it has no build id. A file that can be loaded
/// anywhere lies where the kernel puts such files.
///
/// # Errors
/// The file cannot be read, or is no ELF file.
pub fn identity(file: &Path) -> Result<Option<Identity>> {
    with_elf(file, |elf| {
        segments(elf, Type::Note).find_map(|header| {
            let offset = usize::try_from(header.offset()).ok()?;
            let size = usize::try_from(header.file_size()).ok()?;
            let note = elf.input.get(offset..offset.checked_add(size)?)?;
            is_build_id(note).then(|| located(elf, header.virtual_addr(), note)).flatten()
        })
    })
}

/// What else tells a program from others, where its linker made no build id: the code at its entry,
/// which no program writes to.
///
/// # Errors
/// The file cannot be read, or is no ELF file.
pub fn entry_code(file: &Path) -> Result<Option<Identity>> {
    const LENGTH: u64 = 64;
    with_elf(file, |elf| {
        let entry = elf.header.pt2.entry_point();
        segments(elf, Type::Load).find_map(|header| {
            let inside = entry.checked_sub(header.virtual_addr())?;
            let length = header.file_size().checked_sub(inside)?.min(LENGTH);
            let offset = usize::try_from(header.offset().checked_add(inside)?).ok()?;
            let code = elf.input.get(offset..offset.checked_add(length as usize)?)?;
            if code.is_empty() { None } else { located(elf, entry, code) }
        })
    })
}

fn segments<'a>(elf: &'a ElfFile<'a>, kind: Type) -> impl Iterator<Item = ProgramHeader<'a>> {
    elf.program_iter().filter(move |header| header.get_type() == Ok(kind))
}

/// What lies at `address`, where the file says so, as an identity.
fn located(elf: &ElfFile<'_>, address: u64, note: &[u8]) -> Option<Identity> {
    let movable = elf.header.pt2.type_().as_type() == FileType::SharedObject;
    let moved = if movable { orbital_abi::layout::IMAGE_BASE } else { 0 };
    let base = segments(elf, Type::Load).map(|header| header.virtual_addr()).min()?;
    Some(Identity { base: base + moved, note_address: address + moved, note: note.to_owned() })
}

/// The start of the build id in a note, for a person.
#[must_use]
pub fn shown(note: &[u8]) -> String {
    if is_build_id(note) { hex::encode(&note[16..note.len().min(22)]) } else { "none".to_owned() }
}

/// Whether a note is of type NT_GNU_BUILD_ID: sizes of owner and value, type, "GNU".
#[must_use]
pub fn is_build_id(note: &[u8]) -> bool {
    const START: [u8; 4] = [4, 0, 0, 0];
    const KIND: [u8; 8] = [3, 0, 0, 0, b'G', b'N', b'U', 0];
    note.starts_with(&START) && note.get(8..16) == Some(&KIND)
}

#[cfg(test)]
mod tests {
    use super::{is_build_id, shown};

    #[test]
    fn a_build_id_is_told_from_other_notes() {
        let note = |kind, owner: &[u8; 4]| {
            let mut note = vec![4, 0, 0, 0, 2, 0, 0, 0, kind, 0, 0, 0];
            note.extend(owner);
            note.extend([0xab, 0xcd, 0, 0]);
            note
        };
        assert!(is_build_id(&note(3, b"GNU\0")));
        assert!(!is_build_id(&note(1, b"GNU\0")));
        assert!(!is_build_id(&note(3, b"Xen\0")));
        assert!(!is_build_id(&[]));
        assert_eq!(shown(&note(3, b"GNU\0")), "abcd0000");
        assert_eq!(shown(&note(1, b"GNU\0")), "none");
    }
}
