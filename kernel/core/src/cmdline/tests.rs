//! What is read, what is reported, and that nothing panics.

use super::{CommandLine, MAX_LEN};
use proptest::prelude::{any, prop_assert, proptest};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

fn parse(line: &str) -> (CommandLine<'_>, Vec<String>) {
    let mut warnings = Vec::new();
    let parsed = CommandLine::parse(line.as_bytes(), &mut |w| warnings.push(w.to_string()));
    (parsed, warnings)
}

fn programs(line: &CommandLine<'_>) -> Vec<Vec<String>> {
    line.run.iter().map(|program| program.argv().map(String::from).collect()).collect()
}

#[test]
fn an_empty_line_means_the_defaults() {
    for line in ["", "  \n\t\n"] {
        assert_eq!(parse(line), (CommandLine::DEFAULT, vec![]));
    }
}

#[test]
fn keys_are_read_in_any_order_and_the_last_one_counts() {
    let (line, warnings) = parse("poweroff=yes shells=64\n  shells=0\n");
    assert_eq!((line.shells, line.poweroff), (0, true));
    assert!(line.run.is_empty() && warnings.is_empty());
}

#[test]
fn a_quoted_value_may_hold_white_space() {
    let (line, warnings) = parse("run=\"hello; world  a b;hello\" shells=1");
    assert_eq!(programs(&line), [vec!["hello"], vec!["world", "a", "b"], vec!["hello"]]);
    assert_eq!((line.shells, line.run.count(), warnings.len()), (1, 3, 0));
    assert_eq!((line.started_at_boot(), parse("shells=5").0.started_at_boot()), (3, 5));
    assert_eq!(line.run.iter().nth(1).unwrap().name, "world");
}

#[test]
fn an_unquoted_value_ends_at_white_space() {
    let (line, warnings) = parse("run=hello;world poweroff=no");
    assert_eq!(programs(&line), [["hello"], ["world"]]);
    assert!(warnings.is_empty());
}

#[test]
fn empty_places_in_the_list_are_skipped() {
    let (line, _) = parse("run=\" ; a;; b c ;\"");
    assert_eq!(programs(&line), [vec!["a"], vec!["b", "c"]]);
}

#[test]
fn what_is_ignored_is_reported_once_each_and_leaves_the_default() {
    for (text, warning) in [
        ("colour=red", "unknown key \"colour\""),
        ("=1", "unknown key \"\""),
        ("shells=65", "bad value for shells: \"65\", keeping 3"),
        ("shells=-1", "bad value for shells: \"-1\", keeping 3"),
        ("shells=", "bad value for shells: \"\", keeping 3"),
        (
            "shells=99999999999999999999999",
            "bad value for shells: \"99999999999999999999999\", keeping 3",
        ),
        ("poweroff=maybe", "bad value for poweroff: \"maybe\", keeping no"),
        ("run=", "bad value for run: \"\", keeping the shells"),
        ("run=\" ; \"", "bad value for run: \" ; \", keeping the shells"),
        ("quiet", "not KEY=VALUE: \"quiet\""),
        ("run=\"a b", "no closing quote after \"run\""),
    ] {
        assert_eq!(parse(text), (CommandLine::DEFAULT, vec![warning.to_string()]), "{text}");
    }
}

#[test]
fn a_bad_value_keeps_the_good_one_before_it() {
    let (line, warnings) = parse("shells=5 shells=x");
    assert_eq!(line.shells, 5);
    assert_eq!(warnings, ["bad value for shells: \"x\", keeping 5"]);
}

#[test]
fn the_rest_of_the_line_is_read_after_a_bad_part() {
    let (line, warnings) = parse("bogus=\"a b\"shells=2 what poweroff=yes");
    assert_eq!((line.shells, line.poweroff, warnings.len()), (2, true, 2));
}

#[test]
fn sixty_four_programs_are_taken_and_one_more_is_not() {
    let list = |count| format!("run=\"{}\"", vec!["p x"; count].join(";"));
    assert_eq!(parse(&list(64)).0.run.count(), 64);
    let text = list(65);
    let (line, warnings) = parse(&text);
    assert!(line.run.is_empty());
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].len() < 120, "a long value is cut in the warning: {}", warnings[0]);
}

#[test]
fn a_line_longer_than_the_limit_is_cut_with_a_warning() {
    let exact = format!("{:<width$}shells=1", "", width = MAX_LEN - 8);
    assert_eq!(parse(&exact).0.shells, 1);
    let longer = format!("{exact}0");
    let (line, warnings) = parse(&longer);
    assert_eq!(line.shells, 1);
    assert_eq!(warnings, ["longer than 4096 bytes, the rest is ignored"]);
}

#[test]
fn text_up_to_the_first_bad_byte_is_read() {
    let mut warnings = 0;
    let line = CommandLine::parse(b"shells=7 \xff poweroff=yes", &mut |_| warnings += 1);
    assert_eq!((line.shells, line.poweroff, warnings), (7, false, 1));
}

#[test]
fn control_characters_do_not_reach_the_log() {
    let (_, warnings) = parse("\u{1b}[2J=1");
    assert!(!warnings[0].contains('\u{1b}'));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let line = CommandLine::parse(&bytes, &mut |warning| drop(warning.to_string()));
        prop_assert!(line.shells <= 64 && line.run.count() <= 64);
    }

    #[test]
    fn any_mix_of_parts_is_read_without_a_panic(line in "([a-z=\"; ]|shells=|run=\"|é){0,40}") {
        let (line, warnings) = parse(&line);
        prop_assert!(line.run.count() <= 64);
        prop_assert!(warnings.iter().all(|warning| warning.len() < 400));
    }
}
