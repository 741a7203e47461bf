//! System calls as values: `rax` and six words in, a typed [`Syscall`] out.
//!
//! Made from the one table in `orbital-abi`. Decoding looks at all 64 bits of the number, so
//! that `2^32 + 12` is no call, and judges no argument: that is for the call itself.

use orbital_abi::{Errno, Sysno, for_each_call};

/// Turns an argument register into the type the table gives it.
trait FromWord {
    fn from_word(word: u64) -> Self;
}

impl FromWord for u64 {
    #[inline]
    fn from_word(word: u64) -> Self {
        word
    }
}

impl FromWord for i64 {
    #[inline]
    fn from_word(word: u64) -> Self {
        word.cast_signed()
    }
}

macro_rules! syscall {
    ($($number:literal $variant:ident $name:ident($($arg:ident: $type:ty),*) [$($error:ident),*]
        $doc:literal;)*) => {
        /// A system call with its arguments.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Syscall {
            $(
                #[doc = $doc]
                $variant {
                    $(
                        #[doc = concat!("`", stringify!($arg), "`, as the caller gave it.")]
                        $arg: $type,
                    )*
                },
            )*
        }

        impl Syscall {
            /// The call that `number` and `words` (rdi, rsi, rdx, r10, r8, r9) ask for.
            #[inline]
            pub fn decode(number: u64, words: [u64; 6]) -> Result<Self, Errno> {
                let sysno = Sysno::from_number(number).ok_or(Errno::NotImplemented)?;
                #[expect(unused_mut, unused_variables, reason = "calls without arguments take no word")]
                Ok(match sysno {
                    $(Sysno::$variant => {
                        let mut word = words.into_iter();
                        Self::$variant { $($arg: <$type>::from_word(word.next().unwrap_or(0)),)* }
                    })*
                })
            }
        }
    };
}
for_each_call!(syscall);

#[cfg(test)]
mod tests {
    use super::{Errno, Syscall};

    const WORDS: [u64; 6] = [1, 2, 3, 4, 5, 6];

    #[test]
    fn arguments_arrive_in_order() {
        assert_eq!(Syscall::decode(2, WORDS), Ok(Syscall::Write { fd: 1, ptr: 2, len: 3 }));
        assert_eq!(
            Syscall::decode(13, WORDS),
            Ok(Syscall::Spawn { path: 1, path_len: 2, argv: 3, argv_len: 4 })
        );
        assert_eq!(Syscall::decode(3, [u64::MAX, 0, 0, 0, 0, 0]), Ok(Syscall::Exit { code: -1 }));
    }

    #[test]
    fn all_64_bits_of_the_number_count() {
        for number in [21, 89, (1 << 32) + 12, u64::MAX, 12 << 32 | 7 << 40] {
            assert_eq!(Syscall::decode(number, WORDS), Err(Errno::NotImplemented));
        }
    }
}
