//! The command line cut into its parts.

/// One part, as it stands between white space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token<'a> {
    /// `key=value` or `key="value with spaces"`.
    Pair { key: &'a str, value: &'a str },
    /// Anything without `=`.
    Word(&'a str),
    /// `key="` whose closing quote is missing; the rest of the line belongs to it.
    Unclosed(&'a str),
}

/// Iterator over the parts of a line.
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(line: &'a str) -> Self {
        Self { rest: line }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let line = self.rest.trim_start();
        if line.is_empty() {
            return None;
        }
        let (word, after_word) = split_at_white_space(line);
        let Some((key, start)) = word.split_once('=') else {
            self.rest = after_word;
            return Some(Token::Word(word));
        };
        if !start.starts_with('"') {
            self.rest = after_word;
            return Some(Token::Pair { key, value: start });
        }
        // The key holds no `=`, so the first `="` of the line is this one.
        let quoted = line.split_once("=\"").map_or("", |(_, quoted)| quoted);
        if let Some((value, rest)) = quoted.split_once('"') {
            self.rest = rest;
            Some(Token::Pair { key, value })
        } else {
            self.rest = "";
            Some(Token::Unclosed(key))
        }
    }
}

fn split_at_white_space(text: &str) -> (&str, &str) {
    text.find(char::is_whitespace).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""))
}
