//! Actors that take turns: a seed says which of them goes on next.
//!
//! An actor is a future. It runs alone from one [`pause`] to the next, so that what lies between two pauses is one
//! indivisible step, and everything that may happen in between does, for some seed.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::seed::Rng;

/// Actors and the order in which they go on.
pub struct Schedule<'a> {
    rng: Rng,
    actors: Vec<Actor<'a>>,
}

struct Actor<'a> {
    weight: u64,
    life: Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// Actors that go on and on.
#[derive(Debug, PartialEq, Eq)]
pub struct Endless {
    /// How many of them still lived.
    pub living: usize,
}

impl<'a> Schedule<'a> {
    /// A schedule without actors.
    #[must_use]
    pub fn new(seed: u64) -> Schedule<'a> {
        Schedule { rng: Rng::new(seed), actors: Vec::new() }
    }

    /// Adds an actor. Some are quick and some are slow: fair turns alone would never let one sleep through much.
    pub fn actor(&mut self, life: impl Future<Output = ()> + 'a) {
        let weight = 1 << self.rng.below(5);
        self.actors.push(Actor { weight, life: Box::pin(life) });
    }

    /// Lets the actors take turns until all have ended.
    ///
    /// # Errors
    /// Some have not ended after so many turns.
    pub fn run(mut self, turns: usize) -> Result<(), Endless> {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..turns {
            let Some(next) = self.next() else { return Ok(()) };
            let Some(actor) = self.actors.get_mut(next) else { return Ok(()) };
            if actor.life.as_mut().poll(&mut context).is_ready() {
                drop(self.actors.swap_remove(next));
            }
        }
        match self.actors.len() {
            0 => Ok(()),
            living => Err(Endless { living }),
        }
    }

    fn next(&mut self) -> Option<usize> {
        let mut place = self.rng.below(self.actors.iter().map(|actor| actor.weight).sum());
        for (at, actor) in self.actors.iter().enumerate() {
            if place < actor.weight {
                return Some(at);
            }
            place -= actor.weight;
        }
        None
    }
}

/// Lets others go on.
pub fn pause() -> impl Future<Output = ()> {
    let mut paused = false;
    std::future::poll_fn(move |_| match std::mem::replace(&mut paused, true) {
        false => Poll::Pending,
        true => Poll::Ready(()),
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;

    fn order(seed: u64) -> String {
        let said = RefCell::new(String::new());
        let mut schedule = Schedule::new(seed);
        for name in ["a", "b"] {
            schedule.actor(async {
                for _ in 0..2 {
                    said.borrow_mut().push_str(name);
                    pause().await;
                }
            });
        }
        assert_eq!(schedule.run(100), Ok(()));
        said.into_inner()
    }

    #[test]
    fn every_order_comes_up_and_a_seed_gives_the_same_again() {
        let orders: BTreeSet<String> = (0..200).map(order).collect();
        let orders: Vec<&str> = orders.iter().map(String::as_str).collect();
        assert_eq!(orders, ["aabb", "abab", "abba", "baab", "baba", "bbaa"]);
        assert_eq!(order(3), order(3));
    }

    #[test]
    fn actors_that_never_end_are_told_of() {
        let mut schedule = Schedule::new(1);
        schedule.actor(async {
            loop {
                pause().await;
            }
        });
        schedule.actor(async {});
        assert_eq!(schedule.run(100), Err(Endless { living: 1 }));
    }
}
