//! What the providers promise.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod suite {
    mod conformance;
    mod dummy;
    mod openai;
    mod script_file;
    mod scripted;
    mod support;
    mod wire;
}
