//! What gdb wants done when it resumes: the packet `vCont;ACTION[:THREAD];..`.

use std::ops::Range;

use crate::hex;
use crate::thread_id::{Id, Target};

/// Who is to make a step; everybody else goes on, because the CPU is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// `None`: whoever is on the CPU.
    pub id: Option<Id>,
    /// Instructions to go on within; `None`: one instruction.
    pub range: Option<Range<u64>>,
    /// Nobody else was told to go on: gdb has taken a breakpoint out, to have it passed.
    pub alone: bool,
}

/// Reads the actions behind `vCont`: the step, if somebody is to make one.
///
/// # Errors
/// There is an action that was not offered.
pub fn parse(actions: &str) -> Result<Option<Step>, Unknown> {
    let mut step = None;
    let mut alone = true;
    // The leftmost action that names a thread is the one that counts for it.
    for action in actions.strip_prefix(';').ok_or(Unknown)?.split(';').rev() {
        let (verb, target) = match action.split_once(':') {
            Some((verb, target)) => (verb, Target::parse(target).ok_or(Unknown)?),
            None => (action, Target::All),
        };
        let id = match target {
            Target::One(id) => Some(id),
            Target::All | Target::Any => None,
        };
        alone &= id.is_some();
        match verb.split_at_checked(1).ok_or(Unknown)? {
            ("s" | "S", _) => step = Some(Step { id, range: None, alone }),
            ("r", range) => {
                let (start, end) = hex::pair(range).ok_or(Unknown)?;
                step = Some(Step { id, range: Some(start..end), alone });
            }
            ("c" | "C", _) => step = step.filter(|step| id.is_some() && step.id != id),
            _ => return Err(Unknown),
        }
    }
    Ok(step)
}

/// An action that was not offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unknown;

#[cfg(test)]
mod tests {
    use super::{Step, Unknown, parse};
    use crate::thread_id::Id;

    fn step(id: u32) -> Option<Step> {
        Some(Step { id: Some(Id(id)), range: None, alone: false })
    }

    #[test]
    fn a_step_of_one_task() {
        for text in [";s:p2.1;c", ";S05:p2.1;c:p-1.-1", ";s:p2.1;c:p2.-1;c"] {
            assert_eq!(parse(text), Ok(step(2)), "{text}");
        }
    }

    #[test]
    fn a_step_past_a_breakpoint() {
        let expected = Step { id: Some(Id(2)), range: None, alone: true };
        assert_eq!(parse(";s:p2.1"), Ok(Some(expected)));
    }

    #[test]
    fn steps_within_a_range() {
        let range = Some(0x40_1000..0x40_1010);
        assert_eq!(
            parse(";r401000,401010:p2.1;c"),
            Ok(Some(Step { id: Some(Id(2)), range, alone: false }))
        );
    }

    #[test]
    fn everybody_goes_on() {
        for text in [";c", ";c:p1.-1", ";C02:p1.1;c", ";c:p1.1;c:p2.1", ";c:p-1.-1"] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn the_leftmost_action_counts() {
        assert_eq!(parse(";c:p2.1;s:p2.1"), Ok(None));
        assert_eq!(parse(";s:p3.1;s"), Ok(step(3)));
        assert_eq!(parse(";c:p3.1;s"), Ok(Some(Step { id: None, range: None, alone: false })));
    }

    #[test]
    fn what_was_not_offered_is_refused() {
        for text in ["", ";", ";t", ";r1:p1.1", ";s:px"] {
            assert_eq!(parse(text), Err(Unknown), "{text}");
        }
    }
}
