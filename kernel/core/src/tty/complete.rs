//! Completion of a word from a set of names that somebody else knows.

/// Names that complete a word: called with its beginning and with what to do for each candidate.
pub type Complete<'a> = &'a mut dyn FnMut(&[u8], &mut dyn FnMut(&[u8]));

/// Longest name that is completed.
const NAME_MAX: usize = 64;

/// What all candidates have in common.
pub(super) struct Common {
    bytes: [u8; NAME_MAX],
    len: usize,
    /// How many candidates there are.
    pub(super) count: usize,
}

impl Common {
    /// Asks for the candidates of `prefix`.
    pub(super) fn find(prefix: &[u8], complete: Complete<'_>) -> Self {
        let mut common = Self { bytes: [0; NAME_MAX], len: 0, count: 0 };
        complete(prefix, &mut |candidate| {
            if candidate.starts_with(prefix) && candidate.len() <= NAME_MAX {
                common.add(candidate);
            }
        });
        common
    }

    /// The bytes that every candidate has after the first `prefix` ones.
    pub(super) fn extension(&self, prefix: usize) -> &[u8] {
        self.bytes.get(prefix..self.len).unwrap_or_default()
    }

    fn add(&mut self, candidate: &[u8]) {
        if self.count == 0 {
            self.len = candidate.len();
            for (place, byte) in self.bytes.iter_mut().zip(candidate) {
                *place = *byte;
            }
        } else {
            let known = self.bytes.iter().take(self.len).zip(candidate);
            self.len = known.take_while(|(known, byte)| known == byte).count();
        }
        self.count = self.count.saturating_add(1);
    }
}

/// Where the last word of `text` starts.
pub(super) fn last_word(text: &[u8]) -> usize {
    text.iter().rposition(|byte| *byte == b' ').map_or(0, |at| at.saturating_add(1))
}
