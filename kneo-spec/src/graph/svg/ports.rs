//! Where lines leave boxes and come to them.

use std::collections::BTreeMap;

use super::layers::{Item, Layered, Link};
use super::place::Places;

/// The place of a line at the border of a box.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Port {
    pub(super) x: f64,
    /// Of a line that turns here: how many others turn within it.
    pub(super) around: u8,
}

/// The places of all lines, by edge.
pub(super) struct Ports {
    below: BTreeMap<usize, Port>,
    above: BTreeMap<usize, Port>,
}

/// How near to each other lines end at a box.
const APART: f64 = 18.0;

/// A line that wants a place.
#[derive(Clone, Copy)]
struct Wish {
    edge: usize,
    /// Where it would be straight.
    x: f64,
    /// Whether it turns here.
    turns: bool,
}

impl Ports {
    pub(super) fn of(items: &[Item], edges: &[Link], layered: &Layered, places: &Places) -> Ports {
        let x = |vertex: usize| places.x.get(vertex).copied().unwrap_or_default();
        let mut below: Vec<Vec<Wish>> = vec![Vec::new(); items.len()];
        let mut above: Vec<Vec<Wish>> = vec![Vec::new(); items.len()];
        let range = |item: usize| {
            let half = items.get(item).map_or(0.0, |item| (item.width / 2.0 - item.slant).max(0.0) * item.reach);
            (x(item) - half, x(item) + half)
        };
        let placed = edges.iter().zip(&layered.chains).enumerate();
        for (at, (edge, chain)) in placed.filter(|(_, (_, chain))| !chain.loose) {
            // Boxes that stand above each other are joined by a straight line.
            let ((from_left, from_right), (to_left, to_right)) = (range(edge.from), range(edge.to));
            let (left, right) = (from_left.max(to_left), from_right.min(to_right));
            let straight = (chain.inner.is_empty() && left <= right).then(|| f64::midpoint(left, right));
            let wish = |next: Option<&usize>, other: usize| {
                let x = straight.unwrap_or_else(|| x(next.copied().unwrap_or(other)));
                Wish { edge: at, x, turns: chain.rises }
            };
            below.get_mut(edge.from).into_iter().for_each(|all| all.push(wish(chain.inner.first(), edge.to)));
            above.get_mut(edge.to).into_iter().for_each(|all| all.push(wish(chain.inner.last(), edge.from)));
        }
        let spread = |wishes: Vec<Vec<Wish>>| {
            let wishes = wishes.into_iter().zip(items).enumerate();
            wishes.flat_map(|(at, (wishes, item))| spread(wishes, x(at), item)).collect()
        };
        Ports { below: spread(below), above: spread(above) }
    }

    /// Where an edge leaves.
    pub(super) fn below(&self, edge: usize) -> Port {
        self.below.get(&edge).copied().unwrap_or_default()
    }

    /// Where an edge comes.
    pub(super) fn above(&self, edge: usize) -> Port {
        self.above.get(&edge).copied().unwrap_or_default()
    }
}

/// At which side of a box a line goes on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    /// It turns to the left.
    Left,
    Straight,
    /// It turns to the right.
    Right,
}

/// Gives each line at one border of a box its place there: near to where it goes on, not too near to others, and so that
/// they do not cross. Lines that turn stand at the outside, each around those that turn within it.
fn spread(mut wishes: Vec<Wish>, middle: f64, item: &Item) -> Vec<(usize, Port)> {
    let side = |wish: &Wish| match wish.turns {
        false => Side::Straight,
        true if wish.x < middle => Side::Left,
        true => Side::Right,
    };
    let place = |wish: &Wish| if wish.turns { -wish.x } else { wish.x };
    wishes.sort_by(|one, two| {
        let places = place(one).total_cmp(&place(two));
        side(one).cmp(&side(two)).then(places).then(one.edge.cmp(&two.edge))
    });
    let half = (item.width / 2.0 - item.slant).max(0.0);
    let gaps = wishes.len().saturating_sub(1);
    #[expect(clippy::cast_precision_loss, reason = "a count of edges")]
    let apart = if gaps == 0 { 0.0 } else { APART.min(2.0 * half / gaps as f64) };
    // A few edges need not go to the corners.
    #[expect(clippy::cast_precision_loss, reason = "a count of edges")]
    let reach = half.min((half * item.reach).max(apart * gaps as f64 / 2.0));
    let mut placed: Vec<(usize, Port)> = Vec::with_capacity(wishes.len());
    let mut least = middle - reach;
    for wish in &wishes {
        let x = wish.x.clamp(middle - reach, middle + reach).max(least);
        placed.push((wish.edge, Port { x, around: 0 }));
        least = x + apart;
    }
    let mut most = middle + reach;
    for (_, port) in placed.iter_mut().rev() {
        port.x = port.x.min(most);
        most = port.x - apart;
    }
    let mut counts = [(Side::Left, 0_u8), (Side::Right, 0_u8)];
    for (counted, count) in &mut counts {
        let mut turning = |(wish, (_, port)): (&Wish, &mut (usize, Port))| {
            if side(wish) == *counted {
                port.around = *count;
                *count = count.saturating_add(1);
            }
        };
        match counted {
            Side::Right => wishes.iter().zip(&mut placed).rev().for_each(&mut turning),
            Side::Left | Side::Straight => wishes.iter().zip(&mut placed).for_each(&mut turning),
        }
    }
    placed
}
