//! Why a program could not be started.

use orbital_abi::Errno;
use orbital_core::elf::Refusal;

use crate::loader::LoadError;
use crate::memory::space::SpaceError;

/// Why a program could not be started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SpawnError {
    /// The ramdisk has no such program.
    NotFound,
    /// The file is not a program that Orbital runs.
    Refused(Refusal),
    /// The arguments are too long, or not a block of strings.
    BadArguments,
    /// Its memory cannot be had.
    Memory(SpaceError),
    /// The process table is full.
    NoPlace,
    /// Its parent has all the children it may have.
    TooManyChildren,
}

impl From<LoadError> for SpawnError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Refused(refusal) => Self::Refused(refusal),
            LoadError::BadArguments => Self::BadArguments,
            LoadError::Space(error) => Self::Memory(error),
        }
    }
}

impl From<SpaceError> for SpawnError {
    fn from(error: SpaceError) -> Self {
        Self::Memory(error)
    }
}

impl From<SpawnError> for Errno {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::NotFound => Self::NotFound,
            SpawnError::Refused(_) | SpawnError::BadArguments => Self::Invalid,
            SpawnError::Memory(_) | SpawnError::NoPlace | SpawnError::TooManyChildren => {
                Self::Error
            }
        }
    }
}

impl core::fmt::Display for SpawnError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such program"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::BadArguments => f.write_str("bad arguments"),
            Self::Memory(error) => error.fmt(f),
            Self::NoPlace => f.write_str("too many processes"),
            Self::TooManyChildren => f.write_str("too many children"),
        }
    }
}
