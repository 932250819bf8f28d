//! The suite that every server of tools must pass: whoever implements [`ToolServer`](kneo_core::tool_server::ToolServer).
//!
//! Implement [`ServerFixture`] and give it to [`check`]:
//!
//! ```
//! # use async_trait::async_trait;
//! # use kneo_core::call::CallContext;
//! # use kneo_runtime::testkit::ScriptedServer;
//! use kneo_runtime::testkit::server_conformance::{self, Does, ServerFixture, ServerSetup, SuiteTool};
//!
//! #[derive(Debug)]
//! struct InMemory;
//!
//! #[async_trait]
//! impl ServerFixture for InMemory {
//!     async fn serving(&self, tools: &[SuiteTool]) -> Option<ServerSetup> {
//!         let mut server = ScriptedServer::new();
//!         for SuiteTool { offer, does, .. } in tools.iter().cloned() {
//!             server = match does {
//!                 Does::Echo => server.tool(offer, |arguments, _: CallContext| async move { Ok(arguments) }),
//!                 _ => return None,
//!             };
//!         }
//!         Some(ServerSetup::new(server))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let report = server_conformance::check(&InMemory).await;
//! assert!(report.violations().next().is_none(), "{report}");
//! # }
//! ```
//!
//! What a server cannot do, such as to break off, the fixture answers with `None`, and the cases that need it are reported
//! as skipped. So are those that look at what the server has seen, if the fixture does not say it with
//! [`ServerSetup::with_seen`].

mod call;
mod cancel;
mod fixture;
mod offer;
mod support;

pub use fixture::{Does, Seen, ServerFixture, ServerSetup, SuiteTool};
pub use kneo_core::conformance::{Report, Verdict};

/// How a case ends: as [`Verdict`] reads it.
type Checked = Result<bool, String>;

/// Runs every case, and goes on past violations.
///
/// # Cancel safety
/// Dropping the future ends the case that runs.
pub async fn check(fixture: &dyn ServerFixture) -> Report {
    macro_rules! cases {
        ($($module:ident::$case:ident,)*) => {
            Report::new(vec![$((stringify!($case), Verdict::from($module::$case(fixture).await)),)*])
        };
    }
    cases! {
        offer::nothing_is_started_before_it_is_asked,
        offer::a_connection_is_used_again,
        offer::the_whole_offer_is_given_in_order,
        offer::a_large_offer_is_given_whole,
        offer::an_offer_stays_what_it_is,
        offer::no_tools_are_an_offer,
        call::a_call_gives_what_the_tool_says,
        call::arguments_arrive_as_they_are,
        call::a_tools_own_error_is_told_in_its_words,
        call::a_tool_that_is_not_there_is_an_error,
        call::a_call_is_made_once,
        call::calls_run_at_the_same_time,
        call::calls_at_the_same_time_do_not_mix,
        call::a_call_that_breaks_off_is_an_error_and_is_not_made_again,
        cancel::a_call_that_is_cancelled_before_is_not_made,
        cancel::cancelling_ends_a_call_and_the_server_is_told,
        cancel::dropping_a_call_tells_the_server,
        cancel::a_cancelled_call_harms_no_other,
        cancel::a_question_that_is_cancelled_before_is_not_asked,
    }
}
