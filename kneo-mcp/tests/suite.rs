//! MCP servers as real processes and on real sockets, most of which misbehave.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod suite {
    mod binding;
    mod codes;
    mod contract;
    mod ending;
    mod fake;
    mod http_answers;
    mod http_bounds;
    mod http_secrets;
    mod http_sessions;
    mod http_tls;
    mod life;
    mod memory;
    mod offers;
    mod pipes;
    mod runtime;
    mod support;
    mod web;
    mod wire;
}
