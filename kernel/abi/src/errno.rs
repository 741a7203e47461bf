//! Errors a system call can return.

macro_rules! errors {
    ($(#[doc = $head:literal])* {$($variant:ident = $code:literal $name:literal #[doc = $doc:literal])*}) => {
        $(#[doc = $head])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(i64)]
        pub enum Errno {
            $(
                #[doc = $doc]
                $variant = $code,
            )*
        }

        impl Errno {
            /// Every error, in order of its number.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// A word or two for a person.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// When a call returns it.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc),* }
            }
        }
    };
}

errors! {
    /// Why a system call failed; `rax` holds the negative discriminant.
    ///
    /// Results of successful calls are never in `-4095..=-1`, so the sign alone tells them apart,
    /// but for `task_wait` with a null status pointer, which returns the raw exit code.
    {
        Invalid = -1 "invalid argument"
            /// An argument is outside its documented range.
        NotImplemented = -2 "not implemented"
            /// The kernel has no such call.
        Fault = -3 "bad address"
            /// A user pointer does not name memory the caller may use that way.
        PermissionDenied = -4 "permission denied"
            /// The caller has no authority over the target.
        NotFound = -5 "not found"
            /// No such process or program.
        Error = -6 "out of resources"
            /// The kernel is out of memory, processes or another resource, or a limit is reached.
        BadFd = -9 "bad file descriptor"
            /// Not an open file descriptor, or not open in that direction.
    }
}

impl Errno {
    /// The value that `rax` holds for this error.
    #[must_use]
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// The error that a raw result stands for, if it is one.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|errno| errno.code() == code)
    }
}
