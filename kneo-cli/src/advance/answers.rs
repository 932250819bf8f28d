//! Who answers the questions of a run.

use kneo::Actor;

use crate::output::{Output, is_attended};

/// Who answers the questions of a run.
#[derive(Clone, Debug)]
pub(crate) enum Answers {
    /// Nobody here: the questions stay open.
    Nobody,
    /// The person at the terminal.
    Terminal(Actor),
    /// Whatever can be approved is approved in this name.
    Approve(Actor),
}

impl Answers {
    /// The person at the terminal, if there is one and the output is for people.
    pub(crate) fn terminal(output: Output, by: &Actor) -> Answers {
        match is_attended() && !output.json && !output.quiet {
            true => Answers::Terminal(by.clone()),
            false => Answers::Nobody,
        }
    }
}
