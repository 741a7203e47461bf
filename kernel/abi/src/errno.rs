//! Errors a system call can return.

/// Why a system call failed; `rax` holds the negative discriminant.
///
/// Results of successful calls are never in `-4095..=-1`, so the sign alone tells them apart,
/// but for `task_wait` with a null status pointer, which returns the raw exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i64)]
pub enum Errno {
    /// An argument is outside its documented range.
    Invalid = -1,
    /// The kernel has no such call.
    NotImplemented = -2,
    /// A user pointer does not name memory the caller may use that way.
    Fault = -3,
    /// The caller has no authority over the target.
    PermissionDenied = -4,
    /// No such process or program.
    NotFound = -5,
    /// The kernel is out of memory, processes or another resource, or a limit is reached.
    Error = -6,
    /// Not an open file descriptor, or not open in that direction.
    BadFd = -9,
}

impl Errno {
    /// Every error, in order of its number.
    pub const ALL: [Self; 7] = [
        Self::Invalid,
        Self::NotImplemented,
        Self::Fault,
        Self::PermissionDenied,
        Self::NotFound,
        Self::Error,
        Self::BadFd,
    ];

    /// The value that `rax` holds for this error.
    #[must_use]
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// The error that a raw result stands for, if it is one.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|errno| errno.code() == code)
    }

    /// One word for a person.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid argument",
            Self::NotImplemented => "not implemented",
            Self::Fault => "bad address",
            Self::PermissionDenied => "permission denied",
            Self::NotFound => "not found",
            Self::Error => "out of resources",
            Self::BadFd => "bad file descriptor",
        }
    }
}
