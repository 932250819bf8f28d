//! Who stands beside whom in a layer: so that few lines cross.
//!
//! Sweeps down and up put each vertex at the mean place of its neighbours in the layer before, and exchange neighbours in
//! a layer as long as that saves crossings; the best of all orders that were seen counts. Everything is bounded: by
//! sweeps, by passes over a layer, and by what a pass costs.

use std::collections::BTreeSet;

use super::layers::Layered;

/// The vertices of each layer, from left to right.
pub(super) type Order = Vec<Vec<usize>>;

/// The most sweeps from one start.
const SWEEPS: usize = 24;
/// After so many sweeps without a gain, no more follow.
const IDLE: usize = 6;
/// The most passes over a layer that exchange neighbours.
const PASSES: usize = 12;

/// Where an order begins: what is found depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Begin {
    /// With the boxes, each followed by what it leads to: branches begin in the author's order.
    Boxes,
    /// With the boxes in turns, layer by layer.
    Layers,
    /// With what stands on edges, so that loops come before what they go round.
    Edges,
}

impl Begin {
    pub(super) const ALL: [Begin; 3] = [Begin::Boxes, Begin::Layers, Begin::Edges];
}

/// Neighbours above and below of each vertex.
pub(super) struct Neighbours {
    above: Vec<Vec<usize>>,
    below: Vec<Vec<usize>>,
}

impl Neighbours {
    pub(super) fn of(layered: &Layered) -> Neighbours {
        let count = layered.vertices.len();
        let (mut above, mut below) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for (from, to) in &layered.links {
            below.get_mut(*from).into_iter().for_each(|below: &mut Vec<usize>| below.push(*to));
            above.get_mut(*to).into_iter().for_each(|above: &mut Vec<usize>| above.push(*from));
        }
        Neighbours { above, below }
    }

    fn above(&self, at: usize) -> &[usize] {
        self.above.get(at).map_or(&[], Vec::as_slice)
    }

    fn below(&self, at: usize) -> &[usize] {
        self.below.get(at).map_or(&[], Vec::as_slice)
    }
}

/// The order with the fewest crossings that is found from a start, and their number.
pub(super) fn order(layered: &Layered, neighbours: &Neighbours, begin: Begin) -> (usize, Order) {
    let mut order = first(layered, neighbours, begin);
    let mut places = Places::of(layered, &order);
    let mut best = (places.crossings(&order, neighbours), order.clone());
    let mut idle = 0;
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        // Vertices that want the same place change it with every other sweep.
        let turned = sweep % 4 >= 2;
        sort(&mut order, &mut places, neighbours, down, turned);
        exchange(&mut order, &mut places, neighbours);
        let crossings = places.crossings(&order, neighbours);
        if crossings < best.0 {
            best = (crossings, order.clone());
            idle = 0;
        } else {
            idle += 1;
        }
        if best.0 == 0 || idle == IDLE {
            break;
        }
    }
    best
}

/// An order to begin with: vertices in the order in which ways from the top come to them.
fn first(layered: &Layered, neighbours: &Neighbours, begin: Begin) -> Order {
    let mut starts: Vec<usize> = (0..layered.vertices.len()).collect();
    match begin {
        Begin::Boxes => {}
        Begin::Layers => starts.sort_by_key(|at| layered.vertices.get(*at).map(|vertex| vertex.layer)),
        Begin::Edges => starts.reverse(),
    }
    let mut order: Order = vec![Vec::new(); layered.layers];
    let mut seen = BTreeSet::new();
    for start in starts {
        let mut open = vec![start];
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            let layer = layered.vertices.get(at).and_then(|vertex| order.get_mut(vertex.layer));
            layer.into_iter().for_each(|layer| layer.push(at));
            if begin != Begin::Layers {
                open.extend(neighbours.below(at).iter().rev());
            }
        }
    }
    order
}

/// The place of each vertex in its layer.
struct Places(Vec<usize>);

impl Places {
    fn of(layered: &Layered, order: &Order) -> Places {
        let mut places = Places(vec![0; layered.vertices.len()]);
        order.iter().for_each(|layer| places.learn(layer));
        places
    }

    fn learn(&mut self, layer: &[usize]) {
        for (place, at) in layer.iter().enumerate() {
            self.set(*at, place);
        }
    }

    fn set(&mut self, at: usize, place: usize) {
        self.0.get_mut(at).into_iter().for_each(|slot| *slot = place);
    }

    fn get(&self, at: usize) -> usize {
        self.0.get(at).copied().unwrap_or_default()
    }

    /// The places of some vertices, in order.
    fn sorted(&self, all: &[usize]) -> Vec<usize> {
        let mut places: Vec<usize> = all.iter().map(|at| self.get(*at)).collect();
        places.sort_unstable();
        places
    }

    /// How many lines cross.
    fn crossings(&self, order: &Order, neighbours: &Neighbours) -> usize {
        order.iter().map(|layer| self.crossings_below(layer, neighbours)).sum()
    }

    fn crossings_below(&self, layer: &[usize], neighbours: &Neighbours) -> usize {
        // Of the lines in the order of their upper ends, those cross whose lower ends come the other way round.
        let lower = layer.iter().flat_map(|at| self.sorted(neighbours.below(*at)));
        inversions(&lower.collect::<Vec<_>>())
    }
}

/// How many pairs stand the wrong way round.
fn inversions(places: &[usize]) -> usize {
    let most = places.iter().max().map_or(0, |most| most.saturating_add(1));
    // A Fenwick tree of how many places of each kind have come.
    let mut tree = vec![0_usize; most.saturating_add(1)];
    let mut found = 0_usize;
    for (count, place) in places.iter().enumerate() {
        let mut not_above = 0_usize;
        let mut at = place.saturating_add(1);
        while at > 0 {
            not_above = not_above.saturating_add(tree.get(at).copied().unwrap_or_default());
            at &= at.wrapping_sub(1);
        }
        found = found.saturating_add(count.saturating_sub(not_above));
        let mut at = place.saturating_add(1);
        while let Some(slot) = tree.get_mut(at) {
            *slot = slot.saturating_add(1);
            at = at.saturating_add(at & at.wrapping_neg());
        }
    }
    found
}

/// Sorts each layer by the mean places of the neighbours in the layer before.
fn sort(order: &mut Order, places: &mut Places, neighbours: &Neighbours, down: bool, turned: bool) {
    let layers: Vec<usize> = if down { (0..order.len()).collect() } else { (0..order.len()).rev().collect() };
    for layer in layers {
        let Some(layer) = order.get_mut(layer) else { continue };
        let count = layer.len();
        let mut wanted: Vec<(f64, usize, usize)> = Vec::with_capacity(count);
        for (place, at) in layer.iter().enumerate() {
            let before = if down { neighbours.above(*at) } else { neighbours.below(*at) };
            let tie = if turned { count.saturating_sub(place) } else { place };
            wanted.push((mean(before, places).unwrap_or(as_float(place)), tie, *at));
        }
        wanted.sort_by(|(one, one_tie, _), (two, two_tie, _)| one.total_cmp(two).then(one_tie.cmp(two_tie)));
        layer.clear();
        layer.extend(wanted.into_iter().map(|(_, _, at)| at));
        places.learn(layer);
    }
}

fn mean(all: &[usize], places: &Places) -> Option<f64> {
    let sum: usize = all.iter().map(|at| places.get(*at)).sum();
    (!all.is_empty()).then(|| as_float(sum) / as_float(all.len()))
}

#[expect(clippy::cast_precision_loss, reason = "a count of what is drawn")]
fn as_float(count: usize) -> f64 {
    count as f64
}

/// Exchanges neighbours in layers where that saves crossings.
fn exchange(order: &mut Order, places: &mut Places, neighbours: &Neighbours) {
    for _ in 0..PASSES {
        let mut gained = false;
        for layer in order.iter_mut() {
            for place in 1..layer.len() {
                let (Some(one), Some(two)) = (layer.get(place.saturating_sub(1)).copied(), layer.get(place).copied())
                else {
                    continue;
                };
                let now = pair(one, two, places, neighbours);
                let then = pair(two, one, places, neighbours);
                if then < now {
                    layer.swap(place.saturating_sub(1), place);
                    places.set(two, place.saturating_sub(1));
                    places.set(one, place);
                    gained = true;
                }
            }
        }
        if !gained {
            return;
        }
    }
}

/// How many lines of two vertices cross if the first stands left of the second.
fn pair(left: usize, right: usize, places: &Places, neighbours: &Neighbours) -> usize {
    let sides = [(neighbours.above(left), neighbours.above(right)), (neighbours.below(left), neighbours.below(right))];
    let crossing = |(left, right): (&[usize], &[usize])| -> usize {
        let (left, right) = (places.sorted(left), places.sorted(right));
        left.iter().map(|place| right.partition_point(|other| other < place)).sum()
    };
    sides.into_iter().map(crossing).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::svg::layers::Vertex;

    fn layered(layers: &[usize], links: &[(usize, usize)]) -> Layered {
        let vertices = layers.iter().map(|layer| Vertex { layer: *layer, width: 10.0, height: 10.0 });
        let vertices: Vec<Vertex> = vertices.collect();
        let layers = layers.iter().max().unwrap() + 1;
        Layered { boxes: vertices.len(), vertices, links: links.to_vec(), chains: Vec::new(), layers }
    }

    #[test]
    fn crossings_are_counted() {
        assert_eq!(inversions(&[0, 1, 2]), 0);
        assert_eq!(inversions(&[2, 1, 0]), 3);
        assert_eq!(inversions(&[1, 1, 0, 2, 0]), 5);
        // Three by three, each with each: nine pairs of lines cross.
        let all: Vec<(usize, usize)> = (0..3).flat_map(|from| (3..6).map(move |to| (from, to))).collect();
        let layered = layered(&[0, 0, 0, 1, 1, 1], &all);
        assert_eq!(order(&layered, &Neighbours::of(&layered), Begin::Boxes).0, 9);
    }

    #[test]
    fn what_can_be_untangled_is() {
        let crossed = layered(&[0, 0, 0, 1, 1, 1, 2, 2, 2], &[(0, 5), (1, 4), (2, 3), (3, 8), (4, 7), (5, 6), (5, 6)]);
        for begin in Begin::ALL {
            let (crossings, order) = order(&crossed, &Neighbours::of(&crossed), begin);
            assert_eq!(crossings, 0, "{begin:?}: {order:?}");
            assert_eq!(order.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3]);
        }
    }

    #[test]
    fn branches_keep_the_order_of_the_author() {
        let fork = layered(&[0, 1, 1, 1, 1, 2], &[(0, 1), (0, 2), (0, 3), (0, 4), (1, 5), (2, 5), (3, 5), (4, 5)]);
        assert_eq!(order(&fork, &Neighbours::of(&fork), Begin::Boxes).1, [vec![0], vec![1, 2, 3, 4], vec![5]]);
    }
}
