//! What a test expects to read: literal text with `{}` where something may vary.
//!
//! A `{}` stands for one or more characters of the same line, as few as will do, and is handed back
//! in [`Captures`]. At the end of a pattern it reaches to the end of the line. There is no other
//! special character, so kernel lines can be written as they are.

use std::fmt;
use std::ops::{Index, Range};

const HOLE: &str = "{}";

/// Literal text with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    source: String,
    /// The literals around the holes; never empty.
    literals: Vec<String>,
}

/// What stood in the holes of a [`Pattern`], from left to right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures(Vec<String>);

impl Pattern {
    /// Reads a pattern.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            literals: source.split(HOLE).map(str::to_owned).collect(),
        }
    }

    /// Finds the pattern anywhere in a line of `text`; the last line may be incomplete.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<(Range<usize>, Captures)> {
        let (first, rest) = self.literals.split_first()?;
        let mut line_start = 0;
        for line in text.split_inclusive('\n') {
            let complete = line.ends_with('\n');
            let content = line.strip_suffix('\n').unwrap_or(line);
            for (at, _) in content.match_indices(first.as_str()) {
                let after = &content[at + first.len()..];
                if let Some((used, captures)) = tail(rest, after, Anchor::Anywhere { complete }) {
                    let start = line_start + at;
                    return Some((start..start + first.len() + used, Captures(captures)));
                }
            }
            line_start += line.len();
        }
        None
    }

    /// Finds a complete line of `text` that the pattern describes from its first character to its
    /// last; blanks at the end of the line do not count. The range includes the line feed.
    #[must_use]
    pub fn find_line(&self, text: &str) -> Option<(Range<usize>, Captures)> {
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            if line.ends_with('\n')
                && let Some(captures) = self.matches(line.trim_end())
            {
                return Some((start..start + line.len(), captures));
            }
            start += line.len();
        }
        None
    }

    /// Compares the pattern with one whole line.
    #[must_use]
    pub fn matches(&self, line: &str) -> Option<Captures> {
        let (first, rest) = self.literals.split_first()?;
        let after = line.strip_prefix(first.as_str())?;
        tail(rest, after, Anchor::LineEnd).map(|(_, captures)| Captures(captures))
    }
}

#[derive(Clone, Copy)]
enum Anchor {
    /// The match may end anywhere; a hole at the end needs a `complete` line.
    Anywhere { complete: bool },
    /// The match must end where the line ends.
    LineEnd,
}

/// Matches "hole, literal" pairs at the start of `text`: bytes used, and what stood in the holes.
fn tail(literals: &[String], text: &str, anchor: Anchor) -> Option<(usize, Vec<String>)> {
    let Some((literal, rest)) = literals.split_first() else {
        let fits = matches!(anchor, Anchor::Anywhere { .. }) || text.is_empty();
        return fits.then(|| (0, Vec::new()));
    };
    if literal.is_empty() && rest.is_empty() {
        let fits = !text.is_empty() && !matches!(anchor, Anchor::Anywhere { complete: false });
        return fits.then(|| (text.len(), vec![text.to_owned()]));
    }
    let hole_ends = text.char_indices().map(|(at, _)| at).skip(1);
    for at in hole_ends {
        let Some(after) = text[at..].strip_prefix(literal.as_str()) else {
            continue;
        };
        if let Some((used, mut captures)) = tail(rest, after, anchor) {
            captures.insert(0, text[..at].to_owned());
            return Some((at + literal.len() + used, captures));
        }
    }
    None
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Captures {
    /// What stood in hole `index` as a number, decimal or with `0x`, if it is one.
    #[must_use]
    pub fn number(&self, index: usize) -> Option<u64> {
        let text = self.0.get(index)?;
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    }
}

impl Index<usize> for Captures {
    type Output = str;

    fn index(&self, index: usize) -> &str {
        &self.0[index]
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    const LOG: &str = "boot\n[kernel] pid 4 (crash) killed: page-fault addr=0x0 rip=0x401003\nor";

    #[test]
    fn plain_text_is_found_where_it_stands() {
        let (range, _) = Pattern::new("pid 4").find(LOG).expect("it is there");
        assert_eq!(&LOG[range], "pid 4");
        assert!(Pattern::new("pid 5").find(LOG).is_none());
    }

    #[test]
    fn holes_are_captured_and_read_as_numbers() {
        let (_, captures) =
            Pattern::new("pid {} ({}) killed: {} addr={} rip={}").find(LOG).expect("it is there");
        assert_eq!(captures.number(0), Some(4));
        assert_eq!(&captures[1], "crash");
        assert_eq!(captures.number(1), None);
        assert_eq!(captures.number(4), Some(0x40_1003));
        assert_eq!(captures.number(5), None);
    }

    #[test]
    fn a_hole_never_spans_lines_and_is_never_empty() {
        assert!(Pattern::new("boot{}pid").find(LOG).is_none());
        assert!(Pattern::new("pid{} 4").find(LOG).is_none());
    }

    #[test]
    fn a_hole_at_the_end_waits_for_the_whole_line() {
        assert!(Pattern::new("o{}").find("or").is_none());
        let (range, captures) = Pattern::new("o{}").find("orb\n").expect("complete now");
        assert_eq!((&captures[0], range), ("rb", 0..3));
    }

    #[test]
    fn an_incomplete_line_already_holds_plain_text() {
        assert!(Pattern::new("or").find(LOG).is_some());
        assert!(Pattern::new("or").find_line(LOG).is_none());
    }

    #[test]
    fn a_line_is_compared_from_end_to_end() {
        assert!(Pattern::new("[kernel] pid 4").find_line(LOG).is_none());
        assert!(Pattern::new("[kernel] pid 4 {}").find_line(LOG).is_some());
        assert!(Pattern::new("boot").find_line("boot  \nx").is_some());
    }

    #[test]
    fn a_later_place_is_tried_when_an_earlier_one_fails() {
        let captures = Pattern::new("a{}b").matches("a1b2b").expect("ends in b");
        assert_eq!(&captures[0], "1b2");
        let (range, _) = Pattern::new("pid {} ready").find("pid 1 x pid 2 ready").expect("found");
        assert_eq!(range, 0..19);
    }
}
