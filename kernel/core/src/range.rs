//! A claim about user memory: a pointer and a length that a program passed.
//!
//! [`UserRange`] says only that the range lies below the end of user memory; whether anything is
//! mapped there is asked page by page ([`UserRange::pieces`]) where the memory is read or written.
#![cfg_attr(
    not(test),
    deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)
)]

use orbital_abi::Errno;
use orbital_abi::layout::{PAGE_SIZE, USER_END};

/// `len` bytes from `start`, all below [`USER_END`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserRange {
    start: u64,
    len: u64,
}

/// The part of a range that lies in one page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Address of the page.
    pub page: u64,
    /// Where in the page the piece starts.
    pub offset: u64,
    /// Its bytes, at least 1; `offset + len` is at most [`PAGE_SIZE`].
    pub len: u64,
}

impl UserRange {
    /// The range a program claims. An empty one is accepted anywhere in user memory and touches
    /// none of it; the null pointer is like any other page that is not mapped.
    ///
    /// # Errors
    /// [`Errno::Fault`] if any of it lies at or above [`USER_END`], or wraps around.
    pub const fn new(start: u64, len: u64) -> Result<Self, Errno> {
        // Subtraction, never `start + len`: that sum can wrap.
        if len <= USER_END && start <= USER_END.saturating_sub(len) {
            Ok(Self { start, len })
        } else {
            Err(Errno::Fault)
        }
    }

    /// Its first address.
    #[must_use]
    pub const fn start(self) -> u64 {
        self.start
    }

    /// The first address above it.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.start.saturating_add(self.len)
    }

    /// Its bytes.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.len
    }

    /// Whether it has no bytes.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The range cut at page boundaries, lowest address first.
    #[must_use]
    pub const fn pieces(self) -> Pieces {
        Pieces { rest: self }
    }
}

/// Iterator over the [`Piece`]s of a range.
#[derive(Clone, Debug)]
pub struct Pieces {
    rest: UserRange,
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let UserRange { start, len } = self.rest;
        if len == 0 {
            return None;
        }
        let offset = start.rem_euclid(PAGE_SIZE);
        let taken = len.min(PAGE_SIZE.saturating_sub(offset));
        self.rest =
            UserRange { start: start.saturating_add(taken), len: len.saturating_sub(taken) };
        Some(Piece { page: start.saturating_sub(offset), offset, len: taken })
    }
}

#[cfg(test)]
mod tests {
    use super::{Errno, PAGE_SIZE, Piece, USER_END, UserRange};
    use proptest::prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
    use std::vec::Vec;

    #[test]
    fn the_last_byte_of_user_memory_is_in_and_the_next_is_out() {
        assert!(UserRange::new(USER_END - 1, 1).is_ok());
        assert!(UserRange::new(0, USER_END).is_ok());
        assert_eq!(UserRange::new(USER_END - 1, 2), Err(Errno::Fault));
        assert_eq!(UserRange::new(USER_END, 1), Err(Errno::Fault));
        assert_eq!(UserRange::new(1, USER_END), Err(Errno::Fault));
        assert_eq!(UserRange::new(0, USER_END + 1), Err(Errno::Fault));
    }

    #[test]
    fn wrapping_and_kernel_ranges_fault() {
        for (start, len) in [
            (u64::MAX, 1),
            (u64::MAX, 2),
            (1, u64::MAX),
            (u64::MAX, u64::MAX),
            (0x8000_0000_0000, 1),
            (0xffff_8000_0000_0000, 8),
            (0xffff_ffff_8000_0000, 8),
        ] {
            assert_eq!(UserRange::new(start, len), Err(Errno::Fault), "{start:#x} {len:#x}");
        }
    }

    #[test]
    fn an_empty_range_is_accepted_in_user_memory_and_has_no_pieces() {
        for start in [0, 1, USER_END] {
            let range = UserRange::new(start, 0).unwrap();
            assert!(range.is_empty());
            assert_eq!(range.pieces().next(), None);
        }
        assert_eq!(UserRange::new(USER_END + 1, 0), Err(Errno::Fault));
    }

    #[test]
    fn a_range_is_cut_at_page_boundaries() {
        let pieces: Vec<_> = UserRange::new(0x1ffe, 0x1004).unwrap().pieces().collect();
        assert_eq!(
            pieces,
            [
                Piece { page: 0x1000, offset: 0xffe, len: 2 },
                Piece { page: 0x2000, offset: 0, len: 0x1000 },
                Piece { page: 0x3000, offset: 0, len: 2 },
            ]
        );
    }

    proptest! {
        #[test]
        fn a_claim_is_accepted_exactly_if_it_ends_in_user_memory(
            start in prop_oneof![any::<u64>(), 0..=USER_END, Just(USER_END)],
            len in prop_oneof![any::<u64>(), 0..10_000_u64],
        ) {
            let end = u128::from(start) + u128::from(len);
            prop_assert_eq!(UserRange::new(start, len).is_ok(), end <= u128::from(USER_END));
        }

        #[test]
        fn pieces_cover_the_range_once_and_in_order(
            start in 0..USER_END - 100_000, len in 0..100_000_u64,
        ) {
            let mut next = start;
            for piece in UserRange::new(start, len).unwrap().pieces() {
                prop_assert!(piece.len > 0 && piece.page.is_multiple_of(PAGE_SIZE));
                prop_assert!(piece.offset + piece.len <= PAGE_SIZE);
                prop_assert_eq!(piece.page + piece.offset, next);
                next += piece.len;
            }
            prop_assert_eq!(next, start + len);
        }
    }
}
