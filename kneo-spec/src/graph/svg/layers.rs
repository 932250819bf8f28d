//! Boxes in layers: who stands above whom, and what passes between.
//!
//! Every edge becomes a chain of vertices, one in each layer that it passes: a vertex with the size of its label, or a
//! bend, which keeps a slot free for the line. An edge that leads back leaves its source below, turns, rises through a
//! slot in each layer, turns again and comes to its target from above, so that a loop is seen as one. All links of
//! [`Layered::links`] are between neighbouring layers.

/// A box to place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Item {
    pub(super) width: f64,
    pub(super) height: f64,
    /// How much of the width at each side takes no edges.
    pub(super) slant: f64,
    /// How much of what is between takes edges, as long as they are few.
    pub(super) reach: f64,
}

/// An edge between two boxes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) back: bool,
    /// The size of its label.
    pub(super) label: Option<(f64, f64)>,
}

/// What stands in a layer.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Vertex {
    pub(super) layer: usize,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The way of an edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Chain {
    /// The vertices between its ends, from the source on.
    pub(super) inner: Vec<usize>,
    /// Which of them is the label.
    pub(super) label: Option<usize>,
    /// Whether it rises.
    pub(super) rises: bool,
    /// Whether it has no place in the layers, and runs beside everything.
    pub(super) loose: bool,
}

/// Vertices in layers: first the boxes, in their order, then what stands on edges.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Layered {
    pub(super) vertices: Vec<Vertex>,
    /// How many of them are boxes.
    pub(super) boxes: usize,
    /// Between neighbouring layers, from the upper to the lower.
    pub(super) links: Vec<(usize, usize)>,
    /// One for each edge.
    pub(super) chains: Vec<Chain>,
    pub(super) layers: usize,
}

/// The most vertices: beyond, a picture is not read any more, and edges that pass many layers would take all memory.
const MOST: usize = 40_000;

/// The width of the slot of a line.
const SLOT: f64 = 2.0;

pub(super) fn layered(items: &[Item], edges: &[Link]) -> Layered {
    let ranks = ranks(items.len(), edges);
    let rank = |item: usize| ranks.get(item).copied().unwrap_or_default();
    let rises = |edge: &Link| edge.back || rank(edge.to) <= rank(edge.from);
    // A loop around the first layer turns above it.
    let above = usize::from(edges.iter().any(|edge| rises(edge) && rank(edge.to) == 0));
    let layer = |item: usize| rank(item).saturating_add(above);
    let boxes = items.iter().enumerate();
    let boxes = boxes.map(|(at, item)| Vertex { layer: layer(at), width: item.width, height: item.height });
    let (links, chains) = (Vec::new(), Vec::new());
    let mut layered = Layered { vertices: boxes.collect(), boxes: items.len(), links, chains, layers: 0 };
    for edge in edges {
        let passes = layer(edge.from).abs_diff(layer(edge.to));
        let chain = match rises(edge) {
            _ if layered.vertices.len().saturating_add(passes) > MOST => {
                Chain { inner: Vec::new(), label: None, rises: false, loose: true }
            }
            false => layered.fall(edge, layer(edge.from), layer(edge.to)),
            true => layered.rise(edge, layer(edge.from), layer(edge.to)),
        };
        layered.chains.push(chain);
    }
    layered.layers = layered.vertices.iter().map(|vertex| vertex.layer.saturating_add(1)).max().unwrap_or_default();
    layered
}

impl Layered {
    fn vertex(&mut self, layer: usize, size: Option<(f64, f64)>) -> usize {
        let (width, height) = size.unwrap_or((SLOT, 0.0));
        self.vertices.push(Vertex { layer, width, height });
        self.vertices.len().saturating_sub(1)
    }

    /// An edge that leads down. Its label stands near its source.
    fn fall(&mut self, edge: &Link, from: usize, to: usize) -> Chain {
        let mut chain = Chain { inner: Vec::new(), label: None, rises: false, loose: false };
        let mut last = edge.from;
        for layer in from.saturating_add(1)..to {
            let size = edge.label.filter(|_| chain.inner.is_empty());
            let next = self.vertex(layer, size);
            if size.is_some() {
                chain.label = Some(next);
            }
            chain.inner.push(next);
            self.links.push((last, next));
            last = next;
        }
        self.links.push((last, edge.to));
        chain
    }

    /// An edge that leads up: it turns below its source and above its target.
    fn rise(&mut self, edge: &Link, from: usize, to: usize) -> Chain {
        let mut chain = Chain { inner: Vec::new(), label: None, rises: true, loose: false };
        let below = self.vertex(from.saturating_add(1), None);
        self.links.push((edge.from, below));
        let middle = from.saturating_add(to).div_ceil(2);
        let mut last = below;
        for layer in (to..=from).rev() {
            let size = edge.label.filter(|_| layer == middle);
            let next = self.vertex(layer, size);
            if size.is_some() {
                chain.label = Some(next);
            }
            chain.inner.push(next);
            self.links.push((next, last));
            last = next;
        }
        let above = self.vertex(to.saturating_sub(1), None);
        self.links.push((above, last));
        self.links.push((above, edge.to));
        chain
    }
}

/// The layer of each box: as high as the edges that lead down let it stand, with room for their labels between.
fn ranks(count: usize, edges: &[Link]) -> Vec<usize> {
    let down = || edges.iter().filter(|edge| !edge.back && edge.from != edge.to);
    let length = |edge: &Link| if edge.label.is_some() { 2_usize } else { 1 };
    let mut out: Vec<Vec<&Link>> = vec![Vec::new(); count];
    let mut open = vec![0_usize; count];
    for edge in down() {
        if let (Some(out), Some(open)) = (out.get_mut(edge.from), open.get_mut(edge.to)) {
            out.push(edge);
            *open = open.saturating_add(1);
        }
    }
    let sources: Vec<usize> = (0..count).filter(|item| open.get(*item) == Some(&0)).collect();
    let mut ranks = vec![0_usize; count];
    let mut ready = sources.clone();
    while let Some(item) = ready.pop() {
        let own = ranks.get(item).copied().unwrap_or_default();
        for edge in out.get(item).into_iter().flatten() {
            if let (Some(rank), Some(open)) = (ranks.get_mut(edge.to), open.get_mut(edge.to)) {
                *rank = (*rank).max(own.saturating_add(length(edge)));
                *open = open.saturating_sub(1);
                if *open == 0 {
                    ready.push(edge.to);
                }
            }
        }
    }
    // What nothing leads to stands right above what it leads to.
    for source in sources {
        let lowest = out
            .get(source)
            .into_iter()
            .flatten()
            .filter_map(|edge| ranks.get(edge.to).map(|rank| rank.saturating_sub(length(edge))));
        if let (Some(lowest), Some(rank)) = (lowest.min(), ranks.get_mut(source)) {
            *rank = lowest;
        }
    }
    ranks
}
