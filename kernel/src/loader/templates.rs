//! What was loaded before: one pristine address space for each program, which never runs.
//!
//! A program's file is checked, mapped and relocated once. Every process of it starts as a copy:
//! pages that nobody can write are the template's own, so that a second process costs neither
//! their memory nor the copying. Templates stay; the memory they take is bounded by the ramdisk.

use alloc::vec::Vec;

use orbital_core::elf::{self, Refusal};

use super::{LoadError, Start, build};
use crate::memory::frames;
use crate::memory::space::{AddressSpace, Limits};
use crate::sync::{Lock, Order};

static TEMPLATES: Lock<Vec<Template>> = Lock::new(Order::Templates, Vec::new());

struct Template {
    /// Address of the program's file, which stays where it is.
    file: usize,
    /// What the program needs before it runs.
    pages: u64,
    start: Start,
    space: AddressSpace,
}

/// Makes room for the templates of `programs` programs. Without room each load starts anew.
pub(crate) fn init(programs: usize) {
    TEMPLATES.with(|templates| {
        // It is room for speed: a failure is no error.
        let _ = templates.try_reserve_exact(programs);
    });
}

/// A new address space with all of the program in `file` but what lies on its stack.
pub(super) fn image(
    file: &'static [u8],
    limits: Limits,
) -> Result<(AddressSpace, Start), LoadError> {
    TEMPLATES.with(|templates| {
        let place = templates.binary_search_by_key(&file.as_ptr().addr(), |known| known.file);
        let place = match place {
            Ok(place) => place,
            Err(place) => {
                let plan = elf::plan(file)?;
                plan.check_size(limits.pages)?;
                let space = build(&plan, limits)?;
                let start = Start::of(&plan);
                if templates.len() == templates.capacity() {
                    return Ok((space, start));
                }
                frames::note_kept(space.pages() + space.tables());
                let file = file.as_ptr().addr();
                templates.insert(place, Template { file, pages: plan.pages(), start, space });
                place
            }
        };
        let template = &templates[place];
        let (pages, limit) = (template.pages, limits.pages);
        if pages > limit {
            return Err(Refusal::TooLarge { pages, limit }.into());
        }
        Ok((AddressSpace::try_like(&template.space, limits)?, template.start))
    })
}
