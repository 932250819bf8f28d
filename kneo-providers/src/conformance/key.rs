//! Keys.

use std::error::Error;
use std::sync::Arc;

use kneo_core::Name;
use kneo_core::secret::{MemorySecrets, Secret, Secrets};

use super::Checked;
use super::fixture::Fixture;
use super::support::{Received, context, fail};

/// A key like those of no vendor in particular.
const KEY: &str = "kneo-canary-7Fh2kQ9xLmZ4vTn8";

/// Where of the key half is, so is the key.
const HALVES: [&str; 2] = ["kneo-canary-7F", "h2kQ9xLmZ4vTn8"];

pub(super) async fn a_key_that_the_backend_repeats_is_not_shown(fixture: &dyn Fixture) -> Checked {
    let name = Name::new("CANARY_KEY").map_err(|error| error.to_string())?;
    let Some(setup) = fixture.refusing(&name, KEY).await else { return Ok(false) };
    let secrets = MemorySecrets::new().with(name, Secret::new(KEY.to_owned()));
    let received = Received::default();
    let context = context().with_secrets(Secrets::of(Arc::new(secrets))).with_deltas(received.sink(|| {}));
    let error = fail(&setup, &context).await?;
    if error.retryable {
        return Err(format!("the key was refused, but `{}` is retryable", error.code));
    }
    let mut shown = vec![
        ("the output of `Debug` of the provider", format!("{:?}", setup.provider)),
        ("the error's message", error.to_string()),
        ("the output of `Debug` of the error", format!("{error:?} {error:#?}")),
        ("the error's code", error.code.to_string()),
        ("the deltas", received.text()),
    ];
    let mut cause = Error::source(&error);
    while let Some(error) = cause {
        shown.push(("a cause of the error", format!("{error} {error:?}")));
        cause = error.source();
    }
    for (place, text) in shown {
        if HALVES.iter().any(|half| text.contains(half)) {
            // Without the text: a report is printed.
            return Err(format!("the key is in {place}"));
        }
    }
    Ok(true)
}
