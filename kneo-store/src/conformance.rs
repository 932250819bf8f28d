//! The behaviour of stores, one case per promise.
//!
//! A store is correct if it passes every case. To run them on a store of your own, say how one is built, and let the
//! macro make a test of each case:
//!
//! ```
//! use std::sync::Arc;
//!
//! use kneo_core::clock::Clock;
//! use kneo_core::store::Store;
//! use kneo_store::conformance::{StoreBuilder, Traits};
//! # use kneo_store::MemoryStore as MyStore;
//!
//! struct Mine;
//!
//! #[async_trait::async_trait]
//! impl StoreBuilder for Mine {
//!     async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
//!         Arc::new(MyStore::new(clock))
//!     }
//!
//!     fn traits(&self) -> Traits {
//!         Traits { durable: false, sees_gone_workers: false }
//!     }
//! }
//!
//! kneo_store::conformance_tests!(Mine);
//! # fn main() {}
//! ```
//!
//! [`all`] lists the cases for harnesses of another kind. A case fails by panicking.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a case fails by panicking"
)]

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kneo_core::clock::Clock;
use kneo_core::store::Store;

mod kit;

pub use kit::{Kit, ManualClock};

const MINUTE: Duration = Duration::from_secs(60);

/// Makes the store under test.
///
/// A builder is made for each case and dropped after it: what it keeps — a folder, a database — goes with it.
#[async_trait]
pub trait StoreBuilder: Send + Sync + 'static {
    /// Opens the builder's store with a clock. Called again once the store before was dropped: a durable store then has
    /// what it had.
    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store>;

    /// In what the store may differ from others.
    fn traits(&self) -> Traits;
}

/// In what stores may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a new difference is a question to every store")]
pub struct Traits {
    /// What was committed is there when the store is opened again.
    pub durable: bool,
    /// The runs of a worker whose store was closed are claimable at once; else when its lease runs out.
    pub sees_gone_workers: bool,
}

/// One promise.
#[derive(Clone, Copy)]
pub struct Case {
    /// The case's name: `<family>::<promise>`.
    pub name: &'static str,
    run: fn(Kit) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Case {
    /// Runs the case on a store of the builder, in a tokio runtime of its own.
    pub fn check(&self, builder: impl StoreBuilder) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        let run = self.run;
        runtime.unwrap().block_on(async move { run(Kit::new(Arc::new(builder)).await).await });
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Runs the case of this name.
pub fn check(name: &str, builder: impl StoreBuilder) {
    let found = all().into_iter().find(|case| case.name == name);
    found.unwrap_or_else(|| panic!("there is no case `{name}`")).check(builder);
}

/// Declares the families and their cases once, for [`all`] and for `conformance_tests!`. The first token is a dollar,
/// which a macro that makes a macro has no other way to write.
macro_rules! cases {
    ($d:tt $($(#[$doc:meta])* $family:ident: $($case:ident),+;)+) => {
        $($(#[$doc])* pub mod $family;)+

        /// Every case, in the order in which to read them.
        #[must_use]
        pub fn all() -> Vec<Case> {
            vec![$($(Case {
                name: concat!(stringify!($family), "::", stringify!($case)),
                run: |kit| Box::pin($family::$case(kit)),
            },)+)+]
        }

        /// Makes a test of every case, each on a store of a new builder.
        #[macro_export]
        macro_rules! conformance_tests {
            ($d builder:expr) => {
                $($(
                    #[test]
                    fn $case() {
                        $crate::conformance::check(concat!(stringify!($family), "::", stringify!($case)), $d builder);
                    }
                )+)+
            };
        }
    };
}

cases! { $
    append:
        a_record_comes_back_whole, places_are_dense_from_one, an_answer_names_the_places, records_are_read_in_pages,
        reading_beyond_the_end_gives_nothing, a_long_journal_comes_back, values_come_back_exactly,
        the_row_follows_the_records, runs_do_not_touch_each_other, plans_are_kept_by_digest,
        a_row_keeps_what_the_start_says, a_run_can_begin_and_end_in_one_commit;
    author:
        a_second_creator_is_refused, a_start_without_its_plan_is_refused, a_run_that_does_not_exist_takes_no_record,
        a_creator_can_take_the_lease, a_creator_can_leave_the_run_to_others,
        a_record_from_outside_has_the_stores_time, a_record_from_outside_is_never_before_the_last, a_record_from_outside_makes_a_run_ready,
        a_record_from_outside_leaves_the_lease, a_request_to_stop_is_durable, namespaces_keep_runs_apart,
        an_ended_run_takes_no_record, an_ended_run_never_changes;
    fence:
        a_stale_holder_is_refused, a_worker_that_claims_again_has_a_new_epoch, a_fence_of_the_future_is_refused,
        another_workers_fence_is_refused, a_holder_that_is_behind_catches_up, a_holder_that_is_ahead_is_refused,
        a_commit_extends_the_lease, a_late_holder_goes_on_if_nobody_claimed, a_commit_can_release_the_lease,
        the_end_releases_the_lease, a_refused_commit_leaves_nothing, a_refused_start_leaves_nothing;
    task:
        a_task_is_listed_whole, the_first_decision_wins, fifty_decide_and_one_wins, a_decision_puts_the_holder_behind,
        a_decision_after_the_deadline_is_refused, a_decision_before_the_deadline_stands,
        a_task_that_escalates_is_open_past_its_deadline, a_decision_after_a_cancel_is_refused,
        a_decision_after_the_runs_deadline_is_refused,
        a_task_is_decided_in_its_own_run_only, a_closed_task_cannot_be_decided,
        the_task_of_an_ended_run_cannot_be_decided, the_loser_is_told_of_the_winner_after_the_end,
        a_task_can_be_given_to_others, an_escalated_task_stays_open, a_decision_is_never_undone,
        a_holder_leaves_other_runs_tasks_alone, a_task_id_is_opened_once, tasks_are_listed_by_what_is_asked, a_decision_keeps_its_value;
    hold:
        a_slot_is_held_by_one_run, other_slots_are_free, slots_are_taken_all_or_none, the_end_frees_the_slots,
        a_slot_outlives_the_lease, sixteen_want_a_slot_and_one_gets_it;
    idempotency:
        the_same_start_finds_its_run, the_plan_is_no_part_of_the_key, a_key_stands_for_one_start,
        keys_belong_to_their_namespace, fifty_equal_starts_make_one_run, a_key_lives_as_long_as_its_run,
        a_creators_commit_answers_twice_alike, a_holders_commit_answers_twice_alike,
        an_external_commit_answers_twice_alike, the_same_commit_at_once_is_done_once,
        a_refused_commit_may_succeed_later;
    floor:
        a_start_raises_the_floor, a_start_below_the_floor_is_refused, equal_and_higher_starts_are_accepted,
        floors_belong_to_their_workflow, floors_belong_to_their_environment, floors_belong_to_their_namespace,
        what_nobody_verified_has_no_say, a_start_that_is_refused_raises_nothing,
        a_start_that_finds_its_run_is_not_refused, a_start_that_was_made_answers_alike_below_the_floor,
        starts_of_one_call_see_each_other, a_floor_outlives_its_runs, a_floor_is_there_again,
        starts_at_once_never_go_back;
    claim:
        a_claim_gives_a_lease, a_claimed_run_is_not_given_again, an_unknown_plan_is_left_to_others,
        a_timer_makes_a_run_ready, a_waiting_run_is_left_alone, a_run_asked_to_stop_needs_no_plan,
        a_request_to_stop_outlives_parking, a_run_past_its_deadline_needs_no_plan, a_live_lease_keeps_others_away,
        a_running_run_without_a_holder_is_claimable, a_claim_can_name_its_run, the_longest_wait_comes_first,
        claims_stay_in_their_namespace, ready_plans_are_those_of_claims, fruitless_claims_are_counted,
        a_creators_lease_counts_as_a_claim, eight_workers_share_the_runs;
    lease:
        an_expired_lease_is_claimed, a_heartbeat_extends_the_lease, heartbeats_are_answered_in_order,
        a_lost_lease_cannot_be_extended, a_late_heartbeat_revives_an_unclaimed_lease, a_released_run_is_claimable,
        releasing_a_lost_lease_changes_nothing, fences_only_grow, a_clock_set_back_takes_no_lease;
    list:
        runs_are_listed_newest_first, runs_are_listed_by_what_is_asked, lists_stay_in_their_namespace,
        a_run_that_does_not_exist_has_no_row, hostile_labels_are_texts, hostile_names_are_texts;
    blob:
        large_values_come_back, the_largest_value_comes_back, a_shared_blob_goes_with_its_last_run,
        a_deleted_blob_can_come_again;
    feed:
        a_feed_names_every_commit, a_feed_is_read_on_from_a_watermark, a_feed_stays_in_its_namespace,
        deleting_runs_hides_no_later_commit;
    outbox:
        the_outbox_names_what_others_wait_for, a_row_that_is_done_is_gone, an_outbox_belongs_to_its_namespace,
        the_audit_names_who_did_what;
    prune:
        a_deleted_run_leaves_nothing, live_runs_are_never_deleted, the_oldest_are_deleted_first,
        deleting_stays_in_its_namespace;
    concurrency:
        commits_of_one_call_stand_alone, commits_of_one_call_see_each_other, eight_writers_at_one_run,
        eight_writers_at_eight_runs, a_reader_sees_a_growing_prefix, a_decision_races_the_end,
        two_holders_and_one_appends;
    drop:
        a_dropped_commit_is_done_once, dropped_commits_do_not_hinder_others,
        a_commit_that_was_never_polled_never_happens, a_dropped_claim_loses_no_run, dropped_reads_change_nothing,
        dropped_heartbeats_and_releases_are_harmless;
    reopen:
        everything_is_there_again, a_commit_answers_alike_after_reopening, a_gone_workers_runs_are_claimed,
        numbers_go_on_after_reopening;
    wakeup:
        a_subscriber_is_told_of_changes, a_slow_subscriber_hinders_nobody;
}
