//! The order of spans.

use std::collections::BTreeMap;

use kneo::{Path, Usage};

use super::{Kind, Span};

/// Puts each span after the one that it is in, leaves out those that say nothing, and adds up what models used.
///
/// A fork may be the compiler's, and a branch may have one step, which has its name: what is in them moves up.
pub(super) fn ordered(spans: Vec<Span>, unnamed: impl Fn(&Span) -> bool) -> Vec<Span> {
    let places: BTreeMap<Path, usize> = spans.iter().enumerate().map(|(at, span)| (span.path.clone(), at)).collect();
    let parents: Vec<Option<usize>> = spans
        .iter()
        .map(|span| std::iter::successors(span.path.parent(), Path::parent).find_map(|path| places.get(&path).copied()))
        .collect();
    let mut inner: Vec<Vec<usize>> = vec![Vec::new(); spans.len()];
    let mut roots = Vec::new();
    for (at, parent) in parents.iter().enumerate() {
        match parent.and_then(|parent| inner.get_mut(parent)) {
            Some(inner) => inner.push(at),
            None => roots.push(at),
        }
    }
    let left_out: Vec<bool> = spans
        .iter()
        .zip(&inner)
        .map(|(span, inner)| {
            let only = match inner.as_slice() {
                [only] => spans.get(*only),
                _ => None,
            };
            let named_alike = span.kind == Kind::Branch && only.is_some_and(|only| only.name == span.name);
            (named_alike || unnamed(span)) && span.notes.is_empty() && !inner.is_empty()
        })
        .collect();
    let mut slots: Vec<Option<Span>> = spans.into_iter().map(Some).collect();
    let mut ordered: Vec<Span> = Vec::with_capacity(slots.len());
    // Where each span stands in the new order, for what is added up.
    let mut open: Vec<(usize, usize)> = roots.into_iter().rev().map(|at| (at, 0)).collect();
    while let Some((at, depth)) = open.pop() {
        let is_left_out = left_out.get(at) == Some(&true);
        let inner_depth = if is_left_out { depth } else { depth.saturating_add(1) };
        open.extend(inner.get(at).into_iter().flatten().rev().map(|inner| (*inner, inner_depth)));
        if let (false, Some(mut span)) = (is_left_out, slots.get_mut(at).and_then(Option::take)) {
            span.depth = depth;
            ordered.push(span);
        }
    }
    add_up(&mut ordered);
    ordered
}

/// Adds what models used within each span to it.
fn add_up(spans: &mut [Span]) {
    // What was used below each depth since the last span of that depth.
    let mut below: Vec<Usage> = Vec::new();
    for span in spans.iter_mut().rev() {
        let inner = match below.get(span.depth.saturating_add(1)) {
            Some(inner) => *inner,
            None => Usage::default(),
        };
        below.resize(span.depth.saturating_add(1), Usage::default());
        span.usage += inner;
        if let Some(own) = below.get_mut(span.depth) {
            *own += span.usage;
        }
    }
}
