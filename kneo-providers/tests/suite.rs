//! What the providers promise.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod suite {
    mod conformance;
    mod dummy;
    mod script_file;
    mod scripted;
    mod support;
}
