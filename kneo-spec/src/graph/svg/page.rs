//! Where everything stands on the page: frames in frames, boxes in frames, lines between boxes.

use super::layers::{Item, Link, layered};
use super::place::places;
use super::route::{Part, Route, routes};
use super::shape::{self, Shape};
use crate::graph::{EdgeKind, End, FrameId, Graph, NodeId, NodeKind};

/// Everything with its place, in pixels from the upper left corner.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Page {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Outer frames before those in them.
    pub(super) frames: Vec<Framed>,
    pub(super) nodes: Vec<Boxed>,
    pub(super) edges: Vec<Drawn>,
}

/// A rectangle: its upper left corner and its size.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A frame on the page.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Framed {
    pub(super) frame: FrameId,
    pub(super) area: Area,
    pub(super) head: Shape,
}

/// A node on the page that is no frame.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Boxed {
    pub(super) node: NodeId,
    pub(super) area: Area,
    pub(super) shape: Shape,
}

/// An edge on the page.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Drawn {
    /// Its place in the graph.
    pub(super) edge: usize,
    pub(super) route: Route,
    /// The plate of its label.
    pub(super) label: Option<(Area, Shape)>,
}

/// The room between the border of a frame and what stands in it.
const PAD: f64 = 20.0;
/// The room around everything.
const MARGIN: f64 = 12.0;
/// The room between frames that stand by themselves.
const APART: (f64, f64) = (80.0, 36.0);

pub(super) fn page(graph: &Graph) -> Page {
    let order = outer_first(graph);
    let mut inner: Vec<Option<Inner>> = graph.frames().iter().map(|_| None).collect();
    for frame in order.iter().rev() {
        let laid = lay(graph, *frame, &inner);
        if let Some(slot) = inner.get_mut(frame.index()) {
            *slot = Some(laid);
        }
    }
    let mut page = Page::default();
    let mut corners = apart(graph, &inner);
    for frame in order {
        let Some(laid) = inner.get_mut(frame.index()).and_then(Option::take) else { continue };
        let corner = corners.get(frame.index()).copied().unwrap_or_default();
        page.put(graph, frame, laid, corner, &mut corners);
    }
    page.runs(graph);
    page.width = page.frames.iter().map(|frame| frame.area.right()).fold(0.0, f64::max) + MARGIN;
    page.height = page.frames.iter().map(|frame| frame.area.bottom()).fold(0.0, f64::max) + MARGIN;
    page
}

/// What stands in a frame, from the frame's upper left corner.
struct Inner {
    head: Shape,
    width: f64,
    height: f64,
    nodes: Vec<(NodeId, Area, Option<Shape>)>,
    edges: Vec<Drawn>,
}

/// All frames, each after the one that it stands in.
fn outer_first(graph: &Graph) -> Vec<FrameId> {
    let within = |frame: FrameId| graph.frame(frame)?.of.and_then(|of| graph.node(of)).map(|node| node.frame);
    let depth = |frame: FrameId| {
        let mut depth = 0_usize;
        let mut at = frame;
        while let Some(outer) = within(at).filter(|_| depth < graph.frames().len()) {
            at = outer;
            depth = depth.saturating_add(1);
        }
        depth
    };
    let mut all: Vec<(usize, FrameId)> = (0..graph.frames().len()).map(FrameId).map(|at| (depth(at), at)).collect();
    all.sort();
    all.into_iter().map(|(_, frame)| frame).collect()
}

/// Places what stands in a frame; the frames in it are placed already.
fn lay(graph: &Graph, frame: FrameId, inner: &[Option<Inner>]) -> Inner {
    let nodes: Vec<NodeId> = graph.nodes_in(frame).map(|(at, _)| at).collect();
    let place = |node: NodeId| nodes.binary_search(&node).ok();
    let mut drawn: Vec<(usize, Option<Shape>)> = Vec::new();
    let mut links: Vec<Link> = Vec::new();
    for (at, edge) in graph.edges().iter().enumerate() {
        let End::Node(to) = edge.to else { continue };
        let (Some(from), Some(to)) = (place(edge.from), place(to)) else { continue };
        let label = shape::label(edge);
        let size = label.as_ref().map(|label| (label.width, label.height));
        links.push(Link { from, to, back: edge.back, label: size });
        drawn.push((at, label));
    }
    let mut shapes: Vec<Option<Shape>> = Vec::with_capacity(nodes.len());
    let mut items: Vec<Item> = Vec::with_capacity(nodes.len());
    for (_, node) in graph.nodes_in(frame) {
        let inner = match node.kind {
            NodeKind::Workflow(Some(frame)) => inner.get(frame.index()).and_then(Option::as_ref),
            _ => None,
        };
        match inner {
            Some(inner) => {
                items.push(Item { width: inner.width, height: inner.height, slant: PAD, reach: 0.6 });
                shapes.push(None);
            }
            None => {
                let shape = shape::node(node);
                let reach = if matches!(node.kind, NodeKind::Fork | NodeKind::Join) { 1.0 } else { 0.6 };
                items.push(Item { width: shape.width, height: shape.height, slant: shape.slant, reach });
                shapes.push(Some(shape));
            }
        }
    }
    let mut layered = layered(&items, &links);
    let bars = graph.nodes_in(frame).enumerate();
    let bars = bars.filter(|(_, (_, node))| matches!(node.kind, NodeKind::Fork | NodeKind::Join)).map(|(at, _)| at);
    let places = places(&mut layered, &bars.collect::<Vec<_>>());
    for (item, vertex) in items.iter_mut().zip(&layered.vertices) {
        item.width = vertex.width;
    }
    let lines = routes(&items, &links, &layered, &places);

    let of = graph.frame(frame).and_then(|frame| frame.of).and_then(|of| graph.node(of));
    let head = graph.frame(frame).map_or_else(Shape::default, |frame| shape::head(frame, of));
    let width = (places.width + 2.0 * PAD).max(head.width);
    let corner = ((width - places.width) / 2.0, head.height + PAD);
    let height = corner.1 + places.height + PAD;
    let areas = items.iter().enumerate().map(|(at, item)| {
        let layer = layered.vertices.get(at).map_or(0, |vertex| vertex.layer);
        let (upper, lower) = places.layers.get(layer).copied().unwrap_or_default();
        let x = places.x.get(at).copied().unwrap_or_default() - item.width / 2.0;
        let y = f64::midpoint(upper, lower) - item.height / 2.0;
        Area { x, y, width: item.width, height: item.height }.moved(corner)
    });
    let nodes = nodes.iter().copied().zip(areas).zip(shapes).map(|((node, area), shape)| (node, area, shape)).collect();
    let edges = drawn.into_iter().zip(lines).map(|((edge, label), mut route)| {
        route.shift(corner);
        let label = label.zip(route.label).map(|(shape, (x, y))| (Area::around(x, y, &shape), shape));
        Drawn { edge, route, label }
    });
    Inner { head, width, height, nodes, edges: edges.collect() }
}

/// The corners of the frames that stand by themselves: that of the root at the left, the others beside it.
fn apart(graph: &Graph, inner: &[Option<Inner>]) -> Vec<(f64, f64)> {
    let mut corners = vec![(MARGIN, MARGIN); graph.frames().len()];
    let size =
        |at: usize| inner.get(at).and_then(Option::as_ref).map_or((0.0, 0.0), |inner| (inner.width, inner.height));
    let alone = graph.frames().iter().enumerate().filter(|(_, frame)| frame.of.is_none()).map(|(at, _)| at);
    let mut alone = alone.peekable();
    let Some(root) = alone.next() else { return corners };
    let tallest = size(root).1.max(900.0);
    let (mut x, mut y) = (MARGIN + size(root).0 + APART.0, MARGIN);
    let mut widest = 0.0_f64;
    for frame in alone {
        let (width, height) = size(frame);
        if y > MARGIN && y + height > MARGIN + tallest {
            (x, y) = (x + widest + APART.0, MARGIN);
            widest = 0.0;
        }
        if let Some(corner) = corners.get_mut(frame) {
            *corner = (x, y);
        }
        y += height + APART.1;
        widest = widest.max(width);
    }
    corners
}

impl Page {
    fn put(&mut self, graph: &Graph, frame: FrameId, inner: Inner, corner: (f64, f64), corners: &mut [(f64, f64)]) {
        let area = Area { x: corner.0, y: corner.1, width: inner.width, height: inner.height };
        self.frames.push(Framed { frame, area, head: inner.head });
        for (node, area, shape) in inner.nodes {
            let area = area.moved(corner);
            match (shape, graph.node(node).map(|node| node.kind)) {
                (Some(shape), _) => self.nodes.push(Boxed { node, area, shape }),
                (None, Some(NodeKind::Workflow(Some(frame)))) => {
                    if let Some(corner) = corners.get_mut(frame.index()) {
                        *corner = (area.x, area.y);
                    }
                }
                (None, _) => {}
            }
        }
        self.edges.extend(inner.edges.into_iter().map(|mut edge| {
            edge.route.shift(corner);
            edge.label = edge.label.map(|(area, shape)| (area.moved(corner), shape));
            edge
        }));
    }

    /// Lines from steps to the workflows that stand by themselves, from side to side.
    fn runs(&mut self, graph: &Graph) {
        for (at, edge) in graph.edges().iter().enumerate() {
            let (EdgeKind::Runs, End::Frame(to)) = (edge.kind, edge.to) else { continue };
            let from = self.nodes.iter().find(|boxed| boxed.node == edge.from).map(|boxed| boxed.area);
            let to = self.frames.iter().find(|framed| framed.frame == to).map(|framed| framed.area);
            let (Some(from), Some(to)) = (from, to) else { continue };
            // A workflow may run within itself: then the line goes round the right side.
            let rightwards = to.x >= from.right();
            let start = (from.right(), from.y + from.height / 2.0);
            let end = (if rightwards { to.x } else { to.right() }, to.y + 18.0);
            let far = ((end.0 - start.0).abs() / 2.0).clamp(30.0, 160.0);
            let control = (if rightwards { end.0 - far } else { end.0 + far }, end.1);
            let bend = Part::Bend((start.0 + far, start.1), control, end);
            self.edges.push(Drawn { edge: at, route: Route { start, parts: vec![bend], label: None }, label: None });
        }
    }
}

impl Area {
    fn around(x: f64, y: f64, shape: &Shape) -> Area {
        Area { x: x - shape.width / 2.0, y: y - shape.height / 2.0, width: shape.width, height: shape.height }
    }

    fn moved(self, by: (f64, f64)) -> Area {
        Area { x: self.x + by.0, y: self.y + by.1, ..self }
    }

    pub(super) fn right(self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(self) -> f64 {
        self.y + self.height
    }
}
