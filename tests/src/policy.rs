//! The policy of machines that name none: `ORBITAL_TEST_SCHED` says it, for a run of all tests under
//! another policy than the kernel's default.

use std::process::Command;

use crate::scratch::workspace;

const VARIABLE: &str = "ORBITAL_TEST_SCHED";

/// In place of a policy: every machine has to name its own.
const NAMED: &str = "named";

/// What the kernel does without being told.
const DEFAULT: &str = "cooperative";

/// What to add to a kernel command line, of which these words are all.
///
/// # Panics
/// It names no policy and has to.
fn missing(words: &[&str]) -> Option<String> {
    let policy = std::env::var(VARIABLE).ok().filter(|_| of(words.iter().copied()).is_none())?;
    assert!(policy != NAMED, "this machine names no policy, as {VARIABLE}={NAMED} says: {words:?}");
    Some(policy)
}

/// The policy that these pieces of a kernel command line name.
fn of<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    words.find_map(|word| word.split_once("sched=")?.1.split_whitespace().next())
}

/// The policy of a machine with these pieces of a kernel command line.
pub(crate) fn in_force<'a>(words: impl Iterator<Item = &'a str>) -> &'a str {
    of(words).unwrap_or(DEFAULT)
}

/// What a document shows for any policy: the name of the default one, as the kernel prints it.
pub(crate) fn any_policy(line: &str) -> String {
    line.replace(DEFAULT, "{policy}")
}

/// A kernel command line under the policy of this run.
pub(crate) fn cmdline(cmdline: &str) -> String {
    let missing = missing(&[cmdline]).unwrap_or_default();
    format!("{cmdline} {missing}").trim().to_owned()
}

/// Options of `scripts/run.sh`, or of a script that takes the same, under the policy of this run. What
/// is replayed has the one that it was recorded with.
#[must_use]
pub fn run_options<'a>(options: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let options: Vec<_> = options.into_iter().collect();
    let replays = options.iter().any(|option| option.starts_with("--replay"));
    let missing = if replays { None } else { missing(&options) };
    let first = missing.map(|policy| ["--append".to_owned(), policy]);
    first.into_iter().flatten().chain(options.iter().map(|&option| option.to_owned())).collect()
}

/// `scripts/run.sh` with these options, under the policy of this run.
#[must_use]
pub fn run_script(options: &[&str]) -> Command {
    let mut command = Command::new(workspace().join("scripts/run.sh"));
    command.args(run_options(options.iter().copied()));
    command
}

#[cfg(test)]
mod tests {
    use super::{any_policy, in_force, of, run_options};

    #[test]
    fn a_policy_is_found_wherever_it_is_named() {
        let words = ["--append", "run=\"say a 1\" sched=fair quantum=1ms", "--uefi"];
        assert_eq!(of(words.into_iter()), Some("fair"));
        assert_eq!(in_force(["shells=1"].into_iter()), "cooperative");
        assert_eq!(any_policy("policy cooperative: 2 ready"), "policy {policy}: 2 ready");
    }

    #[test]
    fn what_names_a_policy_or_is_replayed_keeps_its_options() {
        for options in [["--append", "sched=seeded"], ["--replay", "run1"]] {
            assert_eq!(run_options(options), options);
        }
    }
}
