//! Variables of the environment that tell this program what counts.

use std::env::{self, VarError};

use crate::problem::Problem;

/// What a variable says; nothing if it is not set.
///
/// # Errors
/// It is set and says nothing: whatever should have filled it in failed, and that must not pass for its absence.
pub(crate) fn said(variable: &str) -> Result<Option<String>, Problem> {
    let problem = |what: &str| {
        Problem::new("usage", format!("{variable} is {what}"))
            .with_help(format!("see what should fill it in, or take it away with `unset {variable}`"))
    };
    match env::var(variable) {
        Ok(text) if text.trim().is_empty() => Err(problem("set, and empty")),
        Ok(text) => Ok(Some(text)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(problem("not UTF-8")),
    }
}
