//! The suite that every provider must pass.
//!
//! Implement [`Fixture`] for a provider, in front of a mock server if it speaks to one, and give it to [`check`]:
//!
//! ```
//! # use async_trait::async_trait;
//! # use kneo_core::message::{Message, Role};
//! # use kneo_core::provider::ModelRequest;
//! # use kneo_providers::DummyProvider;
//! use kneo_providers::conformance::{self, Fixture, Setup};
//!
//! #[derive(Debug)]
//! struct Dummy;
//!
//! #[async_trait]
//! impl Fixture for Dummy {
//!     async fn answering(&self, texts: &[&str]) -> Setup {
//!         let ask = |text: &&str| ModelRequest::new("agent", 1, vec![Message::text(Role::User, *text).into()]);
//!         Setup::new(DummyProvider::new(), texts.iter().map(ask).collect())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let report = conformance::check(&Dummy).await;
//! assert!(report.violations().next().is_none(), "{report}");
//! # }
//! ```
//!
//! What a provider cannot do — call tools, take its time, have a key — the fixture leaves at its default, and the cases
//! that need it are reported as skipped. A fixture that starts a server gives it to [`Setup::with_guard`], and it stays
//! as long as the case.

mod answer;
mod call;
mod cancel;
mod failure;
mod fixture;
mod key;
mod support;

pub use fixture::{Fixture, Setup};
pub use kneo_core::conformance::{Report, Verdict};

/// How a case ends: as [`Verdict`] reads it.
type Checked = Result<bool, String>;

/// Runs every case, and goes on past violations.
///
/// # Cancel safety
/// Dropping the future ends the case that runs.
pub async fn check(fixture: &dyn Fixture) -> Report {
    macro_rules! cases {
        ($($module:ident::$case:ident,)*) => {
            Report::new(vec![$((stringify!($case), Verdict::from($module::$case(fixture).await)),)*])
        };
    }
    cases! {
        answer::answer_is_the_assistants_text,
        answer::deltas_join_to_the_text,
        answer::usage_is_told,
        answer::concurrent_calls_do_not_mix,
        answer::a_structured_answer_is_its_text,
        answer::a_conversation_with_tool_calls_is_gone_on_with,
        call::tool_calls_are_reported_in_order,
        call::malformed_arguments_stay_as_they_are,
        cancel::a_cancelled_call_ends_at_once,
        cancel::cancelling_ends_a_call,
        cancel::cancelling_ends_an_answer_under_way,
        cancel::a_dropped_call_harms_no_other,
        failure::errors_have_a_providers_code,
        failure::a_failure_is_not_tried_again,
        failure::a_failure_that_cost_something_says_so,
        failure::a_check_passes_what_is_answered,
        failure::a_check_finds_a_model_that_is_not_there,
        key::a_key_that_the_backend_repeats_is_not_shown,
    }
}
