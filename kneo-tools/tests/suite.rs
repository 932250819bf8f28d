//! Commands as real processes.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod suite {
    mod arguments;
    mod binding;
    mod ending;
    mod environment;
    mod life;
    mod output;
    mod streams;
    mod support;
}
