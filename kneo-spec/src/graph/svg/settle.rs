//! Moves vertices, whose order is settled, to where their lines are short and straight.

use super::layers::Layered;
use super::order::Order;

/// The room between neighbours in a layer: lines may run nearer to each other than boxes stand.
pub(super) fn between(layered: &Layered, one: usize, two: usize) -> f64 {
    let is_line =
        |at: usize| at >= layered.boxes && layered.vertices.get(at).is_some_and(|vertex| vertex.height == 0.0);
    match (is_line(one), is_line(two)) {
        (true, true) => 14.0,
        (true, false) | (false, true) => 20.0,
        (false, false) => 26.0,
    }
}

/// How often every layer is looked at from above and from below.
const ROUNDS: usize = 24;

/// The middle of each vertex: near to what it is linked to, in the order of its layer, not too near to its neighbours.
pub(super) fn settle(layered: &Layered, layers: &Order) -> Vec<f64> {
    let mut x = vec![0.0_f64; layered.vertices.len()];
    let links = Links::of(layered);
    for layer in layers {
        place(layered, layer, &mut x, |_| std::iter::empty());
    }
    for round in 0..ROUNDS {
        for layer in layers {
            place(layered, layer, &mut x, |at| links.wanted(at, Side::Above));
        }
        for layer in layers.iter().rev() {
            place(layered, layer, &mut x, |at| links.wanted(at, Side::Below));
        }
        // In the end both sides count.
        if round >= ROUNDS / 2 {
            for layer in layers {
                place(layered, layer, &mut x, |at| links.wanted(at, Side::Both));
            }
        }
    }
    straighten(layered, layers, &mut x);
    x
}

/// Which links of a vertex count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Below,
    Both,
}

/// Who is linked to whom, and how much it matters that the line is straight.
struct Links {
    above: Vec<Vec<(usize, f64)>>,
    below: Vec<Vec<(usize, f64)>>,
}

impl Links {
    fn of(layered: &Layered) -> Links {
        let count = layered.vertices.len();
        let mut above: Vec<Vec<(usize, f64)>> = vec![Vec::new(); count];
        let mut below: Vec<Vec<(usize, f64)>> = vec![Vec::new(); count];
        let is_box = |at: usize| at < layered.boxes;
        let (mut leave, mut come) = (vec![0_usize; count], vec![0_usize; count]);
        for (from, to) in &layered.links {
            leave.get_mut(*from).into_iter().for_each(|count| *count = count.saturating_add(1));
            come.get_mut(*to).into_iter().for_each(|count| *count = count.saturating_add(1));
        }
        for (from, to) in &layered.links {
            let only = leave.get(*from) == Some(&1) && come.get(*to) == Some(&1);
            let weight = match (is_box(*from), is_box(*to)) {
                (true, true) if only => 6.0,
                (true, true) => 2.0,
                (true, false) | (false, true) => 3.0,
                (false, false) => 40.0,
            };
            below.get_mut(*from).into_iter().for_each(|links| links.push((*to, weight)));
            above.get_mut(*to).into_iter().for_each(|links| links.push((*from, weight)));
        }
        Links { above, below }
    }

    fn wanted(&self, at: usize, side: Side) -> impl Iterator<Item = (usize, f64)> {
        let above = self.above.get(at).filter(|_| side != Side::Below).into_iter().flatten();
        let below = self.below.get(at).filter(|_| side != Side::Above).into_iter().flatten();
        above.chain(below).copied()
    }
}

/// Vertices of a layer that stand as near to each other as they may.
struct Block {
    /// Where its first vertex wants to stand, times the weight.
    sum: f64,
    weight: f64,
    members: usize,
}

/// Places a layer: of all ways that keep its order and its room, the one nearest to what each vertex wants.
fn place<L: Iterator<Item = (usize, f64)>>(
    layered: &Layered,
    layer: &[usize],
    x: &mut [f64],
    links: impl Fn(usize) -> L,
) {
    let width = |at: usize| layered.vertices.get(at).map_or(0.0, |vertex| vertex.width);
    // Where each vertex stands beside the first, if all stand as near as they may.
    let mut offsets = Vec::with_capacity(layer.len());
    let mut offset = 0.0;
    let mut last: Option<usize> = None;
    for at in layer {
        if let Some(last) = last {
            offset += f64::midpoint(width(last), width(*at)) + between(layered, last, *at);
        }
        offsets.push(offset);
        last = Some(*at);
    }
    let own = |at: usize| x.get(at).copied().unwrap_or_default();
    let mut blocks: Vec<Block> = Vec::new();
    for (at, offset) in layer.iter().zip(&offsets) {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (other, pull) in links(*at) {
            sum += own(other) * pull;
            weight += pull;
        }
        // What nothing pulls stays where it is, unless it is in the way.
        let (wanted, weight) = if weight > 0.0 { (sum / weight, weight) } else { (own(*at), 0.01) };
        let mut block = Block { sum: (wanted - offset) * weight, weight, members: 1 };
        while let Some(before) = blocks.pop_if(|before| before.sum * block.weight > block.sum * before.weight) {
            block.sum += before.sum;
            block.weight += before.weight;
            block.members = block.members.saturating_add(before.members);
        }
        blocks.push(block);
    }
    let mut places = layer.iter().zip(&offsets);
    for block in blocks {
        for (at, offset) in places.by_ref().take(block.members) {
            if let Some(x) = x.get_mut(*at) {
                *x = block.sum / block.weight + offset;
            }
        }
    }
}

/// Gives the bends of a line, and boxes that follow each other without a choice, one place each, where their neighbours
/// leave room for that.
fn straighten(layered: &Layered, layers: &[Vec<usize>], x: &mut [f64]) {
    let mut beside: Vec<(Option<usize>, Option<usize>)> = vec![(None, None); layered.vertices.len()];
    for layer in layers {
        let before = std::iter::once(None).chain(layer.iter().copied().map(Some));
        let after = layer.iter().copied().skip(1).map(Some).chain([None]);
        for (at, neighbours) in layer.iter().zip(before.zip(after)) {
            if let Some(slot) = beside.get_mut(*at) {
                *slot = neighbours;
            }
        }
    }
    let (lines, rows) = (layered.chains.iter().map(|chain| chain.inner.clone()), rows(layered));
    let runs: Vec<Vec<usize>> = rows.into_iter().chain(lines).filter(|run| run.len() > 1).collect();
    for run in &runs {
        let mut part: Vec<usize> = Vec::new();
        let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
        for at in run {
            let (low, high) = room(layered, *at, &beside, x);
            if least.max(low) > most.min(high) {
                align(&part, (least, most), x);
                part.clear();
                (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
            }
            (least, most) = (least.max(low), most.min(high));
            part.push(*at);
        }
        align(&part, (least, most), x);
    }
}

/// Boxes that follow each other: each is the only way on from the one before.
fn rows(layered: &Layered) -> Vec<Vec<usize>> {
    let is_box = |at: usize| at < layered.boxes;
    let mut next: Vec<Option<usize>> = vec![None; layered.boxes];
    let (mut leave, mut come) = (vec![0_usize; layered.boxes], vec![0_usize; layered.boxes]);
    for (from, to) in &layered.links {
        leave.get_mut(*from).into_iter().for_each(|count| *count = count.saturating_add(1));
        come.get_mut(*to).into_iter().for_each(|count| *count = count.saturating_add(1));
        if let Some(next) = next.get_mut(*from).filter(|_| is_box(*to)) {
            *next = Some(*to);
        }
    }
    let follows = |at: usize| {
        let next = next.get(at).copied().flatten()?;
        (leave.get(at) == Some(&1) && come.get(next) == Some(&1)).then_some(next)
    };
    let followers: std::collections::BTreeSet<usize> = (0..layered.boxes).filter_map(follows).collect();
    let firsts = (0..layered.boxes).filter(|at| !followers.contains(at));
    firsts.map(|first| std::iter::successors(Some(first), |at| follows(*at)).collect()).collect()
}

/// How near to each other vertices may come so that a line is straight, of the usual room.
const TIGHT: f64 = 0.6;

/// Between which places a vertex may stand.
fn room(layered: &Layered, at: usize, beside: &[(Option<usize>, Option<usize>)], x: &[f64]) -> (f64, f64) {
    let width = |at: usize| layered.vertices.get(at).map_or(0.0, |vertex| vertex.width);
    let place = |at: usize| x.get(at).copied().unwrap_or_default();
    let apart = |one: usize, two: usize| f64::midpoint(width(one), width(two)) + between(layered, one, two) * TIGHT;
    let (before, after) = beside.get(at).copied().unwrap_or_default();
    let low = before.map_or(f64::NEG_INFINITY, |before| place(before) + apart(before, at));
    let high = after.map_or(f64::INFINITY, |after| place(after) - apart(at, after));
    (low, high)
}

fn align(run: &[usize], (least, most): (f64, f64), x: &mut [f64]) {
    let mut places: Vec<f64> = run.iter().filter_map(|at| x.get(*at).copied()).collect();
    places.sort_by(f64::total_cmp);
    let Some(middle) = places.get(places.len() / 2).copied() else { return };
    if run.len() < 2 || least > most {
        return;
    }
    let to = middle.max(least).min(most);
    for at in run {
        if let Some(x) = x.get_mut(*at) {
            *x = to;
        }
    }
}
