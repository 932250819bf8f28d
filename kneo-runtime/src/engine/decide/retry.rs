//! When a failed attempt is followed by another.

use std::time::Duration;

use kneo_core::plan::Retry;
use kneo_core::{Failure, Timestamp};

use super::Draw;

/// What follows a failed attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Another, at this time.
    At(Timestamp),
    /// None: attempts are left, and who failed asks for a longer wait than the author allows.
    TooLong { wanted: Duration, longest: Duration },
    /// None.
    Nothing,
}

impl Next {
    /// The time of the next attempt.
    pub(super) fn at(self) -> Option<Timestamp> {
        match self {
            Next::At(at) => Some(at),
            Next::TooLong { .. } | Next::Nothing => None,
        }
    }

    /// The failure, which says why nothing follows it where its words do not.
    pub(super) fn told(self, mut failure: Failure) -> Failure {
        let Next::TooLong { wanted, longest } = self else { return failure };
        let message = format!(
            "{}; it asks for a wait of {wanted:?}, more than the longest that the step allows (`max_seconds` of its \
             `retry`, {longest:?}), so that it is not tried again",
            failure.message
        );
        failure.message = message.into();
        failure
    }
}

/// What follows a failed attempt. `failures` counts those before this one.
pub(super) fn after(retry: &Retry, failures: u32, failure: &Failure, now: Timestamp, draw: &mut Draw) -> Next {
    let left = failures.saturating_add(1) < retry.max_attempts.get();
    let wanted = retry.on.is_empty() || retry.on.contains(&failure.kind);
    if !left || !wanted || !failure.retryable {
        return Next::Nothing;
    }
    let longest = Duration::from_millis(retry.max_ms);
    let hint = failure.retry_after.unwrap_or_default();
    // Who asks for a longer wait than the author allows is not asked again.
    if hint > longest {
        return Next::TooLong { wanted: hint, longest };
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a wait")]
    let initial = retry.initial_ms as f64 / 1_000.0;
    let exponent = i32::try_from(failures).unwrap_or(i32::MAX);
    let grown = initial * retry.factor.max(1.0).powi(exponent);
    let full = Duration::try_from_secs_f64(grown).map_or(longest, |wait| wait.min(longest));
    let wait = if retry.jitter { full.mul_f64(draw.fraction()) } else { full };
    Next::At(now.after(wait.max(hint)))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;

    use kneo_core::FailureKind;

    use super::*;

    fn wait(retry: &Retry, failures: u32, failure: &Failure) -> Option<Duration> {
        let mut draw = Draw { entropy: [3; 32], drawn: failures };
        after(retry, failures, failure, Timestamp::default(), &mut draw).at().map(|at| at.since(Timestamp::default()))
    }

    fn retry(max_attempts: u32, jitter: bool) -> Retry {
        Retry { max_attempts: NonZeroU32::new(max_attempts).unwrap(), jitter, ..Retry::default() }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_attempts_end() {
        let failure = Failure::new(FailureKind::Function, "no");
        let waits: Vec<_> = (0..9).map(|failures| wait(&retry(9, false), failures, &failure)).collect();
        let seconds: Vec<_> = [1, 2, 4, 8, 16, 32, 60, 60].map(|s| Some(Duration::from_secs(s))).to_vec();
        assert_eq!(waits.get(..8), Some(seconds.as_slice()));
        assert_eq!(waits.last(), Some(&None));
    }

    #[test]
    fn jitter_stays_within_the_full_wait() {
        let failure = Failure::new(FailureKind::Function, "no");
        let waits: Vec<Duration> = (0..7).filter_map(|n| wait(&retry(9, true), n, &failure)).collect();
        assert!(waits.iter().zip([1, 2, 4, 8, 16, 32, 60]).all(|(wait, full)| *wait <= Duration::from_secs(full)));
        assert!(waits.windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn only_what_may_help_is_tried_again() {
        let fatal = Failure::new(FailureKind::Rejected, "no");
        assert_eq!(wait(&retry(9, false), 0, &fatal), None);
        let only = Retry { on: vec![FailureKind::Timeout], ..retry(9, false) };
        assert_eq!(wait(&only, 0, &Failure::new(FailureKind::Function, "no")), None);
        assert!(wait(&only, 0, &Failure::new(FailureKind::Timeout, "slow")).is_some());
    }

    #[test]
    fn a_hint_is_honoured_and_one_above_the_longest_wait_fails_at_once() {
        let failure = Failure::new(FailureKind::Provider, "later");
        let hinted = failure.clone().with_retry_after(Duration::from_secs(7));
        assert_eq!(wait(&retry(9, false), 0, &hinted), Some(Duration::from_secs(7)));
        let long = failure.with_retry_after(Duration::from_secs(300));
        assert_eq!(wait(&retry(9, false), 0, &long), None);
        let mut draw = Draw { entropy: [3; 32], drawn: 0 };
        let next = after(&retry(9, false), 0, &long, Timestamp::default(), &mut draw);
        let mut told = next.told(long.clone());
        assert_eq!(
            &*told.message,
            "later; it asks for a wait of 300s, more than the longest that the step allows (`max_seconds` of its \
             `retry`, 60s), so that it is not tried again"
        );
        told.message = Arc::clone(&long.message);
        assert_eq!(told, long);
        // The last attempt would not have been followed by another anyway.
        let next = after(&retry(2, false), 1, &long, Timestamp::default(), &mut draw);
        assert_eq!((next, next.told(long.clone())), (Next::Nothing, long));
    }
}
