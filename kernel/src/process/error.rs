//! Why a program could not be started.

use orbital_core::elf::Refusal;

use crate::loader::LoadError;

/// Why a program could not be started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SpawnError {
    /// The ramdisk has no such program.
    NotFound,
    /// The file is not a program that Orbital runs.
    Refused(Refusal),
    /// The arguments are too long, or not a block of strings.
    BadArguments,
    /// No memory, kernel stack or place in the table is left.
    OutOfResources,
}

impl From<LoadError> for SpawnError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Refused(refusal) => Self::Refused(refusal),
            LoadError::BadArguments => Self::BadArguments,
            LoadError::Space(_) => Self::OutOfResources,
        }
    }
}

impl core::fmt::Display for SpawnError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such program"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::BadArguments => f.write_str("bad arguments"),
            Self::OutOfResources => f.write_str("out of resources"),
        }
    }
}
