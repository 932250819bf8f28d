//! The lines of edges.

use super::layers::{Item, Layered, Link};
use super::place::Places;
use super::ports::{Port, Ports};

/// The line of an edge.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Route {
    /// Where it begins.
    pub(super) start: (f64, f64),
    pub(super) parts: Vec<Part>,
    /// The middle of its label.
    pub(super) label: Option<(f64, f64)>,
}

/// A part of a line.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Part {
    /// Straight to a point.
    Line(f64, f64),
    /// A bend by two controls to a point.
    Bend((f64, f64), (f64, f64), (f64, f64)),
}

impl Route {
    /// The same line elsewhere.
    pub(super) fn shift(&mut self, (dx, dy): (f64, f64)) {
        let moved = |(x, y): (f64, f64)| (x + dx, y + dy);
        self.start = moved(self.start);
        self.label = self.label.map(moved);
        for part in &mut self.parts {
            *part = match *part {
                Part::Line(x, y) => Part::Line(x + dx, y + dy),
                Part::Bend(first, second, end) => Part::Bend(moved(first), moved(second), moved(end)),
            };
        }
    }

    /// Where it ends.
    pub(super) fn end(&self) -> (f64, f64) {
        match self.parts.last() {
            Some(Part::Line(x, y)) => (*x, *y),
            Some(Part::Bend(_, _, end)) => *end,
            None => self.start,
        }
    }
}

/// How far an innermost line goes when it turns, each around it farther, and none farther than this.
const TURN: (f64, f64, f64) = (24.0, 7.0, 38.0);

fn turn(port: Port) -> f64 {
    (TURN.0 + TURN.1 * f64::from(port.around)).min(TURN.2)
}

/// The upper and the lower border of a box.
fn borders(item: usize, items: &[Item], layered: &Layered, places: &Places) -> (f64, f64) {
    let (upper, lower) = layer(item, layered, places);
    let middle = f64::midpoint(upper, lower);
    let half = items.get(item).map_or(0.0, |item| item.height / 2.0);
    (middle - half, middle + half)
}

fn layer(vertex: usize, layered: &Layered, places: &Places) -> (f64, f64) {
    let layer = layered.vertices.get(vertex).map_or(0, |vertex| vertex.layer);
    places.layers.get(layer).copied().unwrap_or_default()
}

pub(super) fn routes(items: &[Item], edges: &[Link], layered: &Layered, places: &Places) -> Vec<Route> {
    let ports = Ports::of(items, edges, layered, places);
    let x = |vertex: usize| places.x.get(vertex).copied().unwrap_or_default();
    let lines = edges.iter().zip(&layered.chains).enumerate();
    let lines = lines.map(|(at, (edge, chain))| {
        if chain.loose {
            return beside(edge, items, layered, places);
        }
        let (from, to) = (ports.below(at), ports.above(at));
        let (_, bottom) = borders(edge.from, items, layered, places);
        let (top, _) = borders(edge.to, items, layered, places);
        let (_, from_lower) = layer(edge.from, layered, places);
        let (to_upper, _) = layer(edge.to, layered, places);
        let start = (from.x, bottom);
        let mut line = Line { at: start, route: Route { start, ..Route::default() } };
        line.straight(from_lower);
        for (place, vertex) in chain.inner.iter().enumerate() {
            let (upper, lower) = layer(*vertex, layered, places);
            let (near, far) = if chain.rises { (lower, upper) } else { (upper, lower) };
            if chain.rises && place == 0 {
                line.turn(x(*vertex), near, turn(from));
            } else {
                line.bend(x(*vertex), near);
            }
            line.straight(far);
            if chain.label == Some(*vertex) {
                line.route.label = Some((x(*vertex), f64::midpoint(upper, lower)));
            }
        }
        if chain.rises {
            line.turn(to.x, to_upper, -turn(to));
        } else {
            line.bend(to.x, to_upper);
        }
        line.straight(top);
        line.route
    });
    lines.collect()
}

/// A line from the side of a box to that of another.
fn beside(edge: &Link, items: &[Item], layered: &Layered, places: &Places) -> Route {
    let side = |item: usize| {
        let (upper, lower) = borders(item, items, layered, places);
        let half = items.get(item).map_or(0.0, |item| item.width / 2.0);
        (places.x.get(item).copied().unwrap_or_default() + half, f64::midpoint(upper, lower))
    };
    let (start, end) = (side(edge.from), side(edge.to));
    let far = start.0.max(end.0) + 60.0;
    Route { start, parts: vec![Part::Bend((far, start.1), (far, end.1), end)], label: None }
}

/// A line that is drawn on.
struct Line {
    at: (f64, f64),
    route: Route,
}

impl Line {
    fn straight(&mut self, y: f64) {
        if (self.at.1 - y).abs() > 0.05 {
            self.at.1 = y;
            self.push(Part::Line(self.at.0, y));
        }
    }

    /// From a layer to the next.
    fn bend(&mut self, x: f64, y: f64) {
        let (from_x, from_y) = self.at;
        self.at = (x, y);
        if (from_x - x).abs() < 0.5 {
            return self.push(Part::Line(x, y));
        }
        let middle = f64::midpoint(from_y, y);
        self.push(Part::Bend((from_x, middle), (x, middle), (x, y)));
    }

    /// Out of a layer and into it again.
    fn turn(&mut self, x: f64, y: f64, far: f64) {
        let from = self.at;
        self.at = (x, y);
        self.push(Part::Bend((from.0, from.1 + far), (x, y + far), (x, y)));
    }

    fn push(&mut self, part: Part) {
        // Two straight parts in one direction are one.
        if let (Some(Part::Line(x, y)), Part::Line(next_x, next_y)) = (self.route.parts.last_mut(), part)
            && (*x - next_x).abs() < 0.05
        {
            *y = next_y;
            return;
        }
        self.route.parts.push(part);
    }
}
