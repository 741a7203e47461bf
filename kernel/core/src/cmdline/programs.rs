//! The value of `run`: programs and their arguments.

/// Most programs that one command line can start.
pub(super) const MAX_PROGRAMS: usize = 64;

/// Programs separated by `;`, in order; the same name may stand more than once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Programs<'a>(&'a str);

/// One program of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Program<'a> {
    /// Its name in the ramdisk, without `bin/`.
    pub name: &'a str,
    text: &'a str,
}

impl<'a> Programs<'a> {
    /// No programs.
    pub const NONE: Self = Self("");

    pub(super) const fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// The programs; an empty place between two `;` is none.
    pub fn iter(self) -> impl Iterator<Item = Program<'a>> {
        self.0.split(';').filter_map(|text| {
            let name = text.split_whitespace().next()?;
            Some(Program { name, text })
        })
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> usize {
        self.iter().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'a> Program<'a> {
    /// Its arguments as the program sees them: the name first.
    pub fn argv(self) -> impl Iterator<Item = &'a str> {
        self.text.split_whitespace()
    }
}
