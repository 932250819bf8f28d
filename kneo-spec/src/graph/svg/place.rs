//! Where the vertices of layers stand.

use super::layers::{Layered, Vertex};
use super::order::{Begin, Neighbours, order};
use super::settle::settle;

/// Where vertices and layers stand. The origin is the upper left corner.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Places {
    /// The middle of each vertex.
    pub(super) x: Vec<f64>,
    /// The upper and the lower border of each layer; lines bend only between layers.
    pub(super) layers: Vec<(f64, f64)>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The room between neighbours in a layer.
const BESIDE: f64 = 26.0;
/// The least and the greatest room between layers.
const BETWEEN: (f64, f64) = (30.0, 64.0);

/// Places everything; the boxes that are bars reach over what they are linked to, as far as their neighbours let them.
pub(super) fn places(layered: &mut Layered, bars: &[usize]) -> Places {
    let mut x = columns(layered);
    for bar in bars {
        stretch(layered, *bar, &mut x);
    }
    to_the_left(layered, &mut x);
    let mut heights = vec![0.0_f64; layered.layers];
    let mut gaps = vec![BETWEEN.0; layered.layers];
    for vertex in &layered.vertices {
        if let Some(height) = heights.get_mut(vertex.layer) {
            *height = height.max(vertex.height);
        }
    }
    // A line that has far to go sideways gets room for its bend.
    for (from, to) in &layered.links {
        let upper = layered.vertices.get(*from).map_or(0, |vertex| vertex.layer);
        if let Some(gap) = gaps.get_mut(upper) {
            *gap = gap.max(24.0 + 0.09 * sideways(layered, bars, &x, (*from, *to))).min(BETWEEN.1);
        }
    }
    let mut y = 0.0;
    let mut layers = Vec::with_capacity(layered.layers);
    for (height, gap) in heights.iter().zip(&gaps) {
        layers.push((y, y + height));
        y += height + gap;
    }
    let height = layers.last().map_or(0.0, |(_, lower)| *lower);
    let right = |(vertex, x): (&Vertex, &f64)| x + vertex.width / 2.0;
    let width = layered.vertices.iter().zip(&x).map(right).fold(0.0, f64::max);
    Places { x, layers, width, height }
}

fn stretch(layered: &mut Layered, bar: usize, x: &mut [f64]) {
    let at = |vertex: usize| x.get(vertex).copied().unwrap_or_default();
    let Some(bounds) = layered.vertices.get(bar).copied() else { return };
    let own = at(bar);
    let (mut left, mut right) = (own - bounds.width / 2.0, own + bounds.width / 2.0);
    let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
    for (vertex, at) in layered.vertices.iter().zip(&*x).filter(|(vertex, _)| vertex.layer == bounds.layer) {
        if *at < own {
            least = least.max(at + vertex.width / 2.0 + BESIDE);
        } else if *at > own {
            most = most.min(at - vertex.width / 2.0 - BESIDE);
        }
    }
    for (from, to) in layered.links.iter().filter(|(from, to)| *from == bar || *to == bar) {
        let other = at(if *from == bar { *to } else { *from });
        left = left.min((other - OVER).max(least));
        right = right.max((other + OVER).min(most));
    }
    if let (Some(x), Some(vertex)) = (x.get_mut(bar), layered.vertices.get_mut(bar)) {
        *x = f64::midpoint(left, right);
        vertex.width = right - left;
    }
}

/// How far a line goes sideways; below and above a bar it need not.
fn sideways(layered: &Layered, bars: &[usize], x: &[f64], (from, to): (usize, usize)) -> f64 {
    let at = |vertex: usize| x.get(vertex).copied().unwrap_or_default();
    let over = |vertex: usize| match bars.contains(&vertex) {
        true => layered.vertices.get(vertex).map_or(0.0, |vertex| vertex.width / 2.0),
        false => 0.0,
    };
    ((at(from) - at(to)).abs() - over(from) - over(to)).max(0.0)
}

/// How far a bar reaches over what it is linked to.
const OVER: f64 = 24.0;

/// The middle of each vertex, so that lines cross seldom and run straight.
///
/// Of several orders, the one counts that is the easiest to read, of equal ones the first.
fn columns(layered: &Layered) -> Vec<f64> {
    let neighbours = Neighbours::of(layered);
    let tries = if layered.links.len() > MANY { 1 } else { Begin::ALL.len() };
    let mut best: Option<(f64, Vec<f64>)> = None;
    for begin in Begin::ALL.into_iter().take(tries) {
        let (crossings, order) = order(layered, &neighbours, begin);
        let mut x = settle(layered, &order);
        to_the_left(layered, &mut x);
        let cost = cost(layered, crossings, &x);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, x));
        }
    }
    best.map(|(_, x)| x).unwrap_or_default()
}

/// With more lines than this, the first order is good enough.
const MANY: usize = 5_000;

/// How hard a drawing is to read: lines that cross, that go far sideways, and the width of it all.
fn cost(layered: &Layered, crossings: usize, x: &[f64]) -> f64 {
    let at = |vertex: usize| x.get(vertex).copied().unwrap_or_default();
    let sideways: f64 = layered.links.iter().map(|(from, to)| (at(*from) - at(*to)).abs()).sum();
    let right = |(vertex, x): (&Vertex, &f64)| x + vertex.width / 2.0;
    let width = layered.vertices.iter().zip(x).map(right).fold(0.0, f64::max);
    #[expect(clippy::cast_precision_loss, reason = "a count of crossings")]
    let crossings = crossings as f64;
    crossings * 150.0 + sideways * 0.25 + width
}

/// Moves everything so that the leftmost border is at zero.
fn to_the_left(layered: &Layered, x: &mut [f64]) {
    let left = |(vertex, x): (&Vertex, &f64)| x - vertex.width / 2.0;
    let left = layered.vertices.iter().zip(&*x).map(left).fold(f64::INFINITY, f64::min);
    x.iter_mut().for_each(|x| *x -= left);
}
