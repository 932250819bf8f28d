//! Which steps have settled wherever another reads them.

use std::collections::HashMap;

use super::dominator::{Dominators, Interval};
use super::flowgraph::FlowGraph;

/// The places of every step in the tree of dominators, as intervals in order.
///
/// A step that others fall back to has many places. However the reads of such steps by each other are spread, the work
/// stays near the number of places: of two steps the one with fewer is gone through.
pub(super) struct Settled {
    dominators: Dominators,
    end: usize,
    steps: Vec<Places>,
    /// For each step the first and the last place of its own and of those that fall back to it, in the order of a list.
    spread: Vec<(usize, usize)>,
    /// What was asked before: target, reader and the answer.
    known: HashMap<(usize, usize), bool>,
}

/// Where one step stands.
#[derive(Default)]
struct Places {
    /// Every place that a way leads to, by its beginning.
    all: Vec<Interval>,
    /// Those that lie in no other; they are apart.
    outer: Vec<Interval>,
}

impl Settled {
    pub(super) fn of(flow: &FlowGraph, steps: usize) -> Self {
        let dominators = Dominators::of(&flow.successors, flow.start);
        let mut places: Vec<Places> = std::iter::repeat_with(Places::default).take(steps).collect();
        for (vertex, step) in flow.step_of.iter().enumerate() {
            if let Some(places) = step.and_then(|step| places.get_mut(step)) {
                places.all.extend(dominators.interval(vertex));
            }
        }
        for places in &mut places {
            places.all.sort_unstable();
            for place in &places.all {
                if places.outer.last().is_none_or(|last| last.1 < place.0) {
                    places.outer.push(*place);
                }
            }
        }
        let own = |step: usize| match flow.in_place.get(step) {
            Some(false) => (usize::MAX, 0),
            Some(true) | None => (step, step),
        };
        let mut spread: Vec<(usize, usize)> = (0..steps).map(own).collect();
        for (failed, fallback) in &flow.fallbacks {
            if let Some((first, last)) = spread.get_mut(*fallback) {
                (*first, *last) = ((*first).min(*failed), (*last).max(*failed));
            }
        }
        Self { dominators, end: flow.end, steps: places, spread, known: HashMap::new() }
    }

    /// Whether, in a list of steps, `target` can only run after `reader` has.
    pub(super) fn never(&self, target: usize, reader: usize) -> bool {
        match (self.spread.get(target), self.spread.get(reader)) {
            (Some((first, _)), Some((_, last))) => first >= last,
            _ => false,
        }
    }

    /// Whether every way to each place of `reader` passes one of `target`.
    pub(super) fn before(&mut self, target: usize, reader: usize) -> bool {
        if let Some(known) = self.known.get(&(target, reader)) {
            return *known;
        }
        let answer = match (self.steps.get(target), self.steps.get(reader)) {
            (Some(target), Some(reader)) => target.cover(&reader.all),
            _ => false,
        };
        self.known.insert((target, reader), answer);
        answer
    }

    /// Whether every way to the end of the workflow passes `target`; of a workflow without an end, yes.
    pub(super) fn at_end(&self, target: usize) -> bool {
        match (self.dominators.interval(self.end), self.steps.get(target)) {
            (Some(end), Some(target)) => target.cover(&[end]),
            (None, _) => true,
            (_, None) => false,
        }
    }
}

impl Places {
    /// Whether each of the intervals, which are in order, lies in one of these.
    fn cover(&self, inner: &[Interval]) -> bool {
        if inner.len() <= self.outer.len() {
            return inner.iter().all(|place| {
                let before = self.outer.partition_point(|outer| outer.0 <= place.0);
                let outer = before.checked_sub(1).and_then(|at| self.outer.get(at));
                outer.is_some_and(|outer| place.1 <= outer.1)
            });
        }
        let covered: usize = self
            .outer
            .iter()
            .map(|outer| {
                let begin = |bound: u32| inner.partition_point(|place| place.0 < bound);
                begin(outer.1) - begin(outer.0)
            })
            .sum();
        covered == inner.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn it_agrees_with_the_tree_of_dominators(
            (successors, step_of) in (2usize..14).prop_flat_map(|count| (
                proptest::collection::vec(proptest::collection::vec(0..count, 0..4), count),
                proptest::collection::vec(0usize..4, count),
            ))
        ) {
            let vertices = successors.len();
            let dominators = Dominators::of(&successors, 0);
            let steps = step_of.iter().map(|step| Some(*step)).collect();
            let flow = FlowGraph::from_parts(successors, steps, 0, vertices - 1);
            let mut settled = Settled::of(&flow, 4);
            let of = |step: usize| (0..vertices).filter(|vertex| step_of[*vertex] == step).collect::<Vec<_>>();
            let passes = |target: usize, vertex: usize| of(target).iter().any(|over| dominators.passes(*over, vertex));
            for target in 0..4 {
                for reader in 0..4 {
                    let expected = of(reader)
                        .into_iter()
                        .filter(|vertex| dominators.reached(*vertex))
                        .all(|vertex| passes(target, vertex));
                    prop_assert_eq!(settled.before(target, reader), expected, "{} {}", target, reader);
                }
                let expected = !dominators.reached(vertices - 1) || passes(target, vertices - 1);
                prop_assert_eq!(settled.at_end(target), expected, "{}", target);
            }
        }
    }
}
