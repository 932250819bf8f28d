//! The page as an SVG document.
//!
//! Nothing is drawn on the page's background but lines and marks in colours of middle brightness, and all text stands
//! on a ground of its own, so that the picture reads on light and dark pages alike. Looks are attributes: a page whose
//! policy forbids styles shows the same.

use std::fmt::Write as _;

use super::page::{Area, Boxed, Drawn, Framed, Page};
use super::route::{Part, Route};
use super::shape::{Line, Shape, Style};
use crate::graph::{EdgeKind, End, Graph, NodeKind};

/// The fonts: widths are reckoned so that text fits in any of them.
const FONTS: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/// The colours of a kind of node: its ground, its border and its words.
struct Look {
    fill: &'static str,
    stroke: &'static str,
    line: f64,
}

const fn look(kind: NodeKind) -> Look {
    let (fill, stroke, line) = match kind {
        NodeKind::Agent => ("#dbeafe", "#1d4ed8", 1.3),
        NodeKind::Function => ("#f3f4f6", "#4b5563", 1.3),
        NodeKind::Human => ("#fef3c7", "#b45309", 2.2),
        NodeKind::Workflow(_) => ("#ede9fe", "#6d28d9", 1.3),
        NodeKind::Set => ("#d1fae5", "#047857", 1.3),
        NodeKind::Start | NodeKind::End | NodeKind::Fork | NodeKind::Join => ("#64748b", "#64748b", 1.3),
    };
    Look { fill, stroke, line }
}

/// The colour of an edge, its width, and how it is broken.
fn stroke(kind: EdgeKind, back: bool) -> (&'static str, f64, &'static str) {
    match (kind, back) {
        (EdgeKind::Flow, false) => ("#6b7280", 1.4, ""),
        (EdgeKind::Flow, true) => ("#c2610c", 2.4, ""),
        (EdgeKind::Fallback, _) => ("#dc3f3f", 1.6, "6 4"),
        (EdgeKind::Bound, _) => ("#c2610c", 1.6, "6 4"),
        (EdgeKind::Runs, _) => ("#8b5cf6", 1.6, "2 4"),
    }
}

pub(super) fn document(graph: &Graph, page: &Page) -> String {
    let legend = Legend::of(graph);
    let (width, height) = (page.width.max(legend.width()).ceil(), (page.height + legend.height()).ceil());
    let mut svg = Svg { graph, out: String::new() };
    svg.line(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"kneo-graph-title\" \
         aria-describedby=\"kneo-graph-desc\" font-family=\"{FONTS}\">"
    ));
    svg.line(format_args!("<title id=\"kneo-graph-title\">Workflow {}</title>", escape(graph.name())));
    svg.line(format_args!("<desc id=\"kneo-graph-desc\">{}</desc>", escape(&described(graph))));
    for framed in &page.frames {
        svg.frame(framed);
    }
    for drawn in &page.edges {
        svg.edge(drawn);
    }
    for boxed in &page.nodes {
        svg.node(boxed);
    }
    svg.legend(&legend, page.height);
    svg.out.push_str("</svg>\n");
    svg.out
}

/// The graph in words, for those who do not see it.
fn described(graph: &Graph) -> String {
    let mut text = String::new();
    let title = |end: End| match end {
        End::Node(at) => graph.node(at).map_or("", |node| node.title.full()),
        End::Frame(at) => graph.frame(at).map_or("", |frame| frame.name.full()),
    };
    for node in graph.nodes().iter().filter(|node| node.step.is_some()) {
        let told = node.told();
        // Writing to a String cannot fail.
        let _ = write!(text, "{}. ", told.replace('\n', "; "));
    }
    for edge in graph.edges() {
        let how = match (edge.kind, edge.back) {
            (EdgeKind::Flow | EdgeKind::Fallback | EdgeKind::Bound, false) => "leads to",
            (EdgeKind::Flow | EdgeKind::Fallback | EdgeKind::Bound, true) => "leads back to",
            (EdgeKind::Runs, _) => "runs",
        };
        let told = edge.told();
        let label = if told.is_empty() { told } else { format!(" ({told})") };
        let _ = write!(text, "{} {how} {}{label}. ", title(End::Node(edge.from)), title(edge.to));
    }
    text.trim_end().to_owned()
}

struct Svg<'a> {
    graph: &'a Graph,
    out: String,
}

impl Svg<'_> {
    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{text}");
    }

    fn frame(&mut self, framed: &Framed) {
        let Some(frame) = self.graph.frame(framed.frame) else { return };
        let of = frame.of.and_then(|of| self.graph.node(of));
        let is_root = framed.frame.index() == 0;
        let (ground, line, band) =
            if is_root { ("#94a3b8", "#94a3b8", "#e2e8f0") } else { ("#8b5cf6", "#8b5cf6", "#ede9fe") };
        let words = if is_root { "#334155" } else { "#6d28d9" };
        let told = of.map_or_else(|| frame.name.full().to_owned(), |node| node.told());
        let Area { x, y, width, height } = framed.area;
        self.line(format_args!("<g class=\"frame\"><title>{}</title>", escape(&told)));
        self.line(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"10\" fill=\"{ground}\" fill-opacity=\"0.06\" \
             stroke=\"{line}\" stroke-width=\"1.3\"/>",
            number(x),
            number(y),
            number(width),
            number(height)
        ));
        let low = number(y + framed.head.height);
        self.line(format_args!(
            "<path d=\"M{} {low}V{}a10 10 0 0 1 10 -10H{}a10 10 0 0 1 10 10V{low}Z\" fill=\"{band}\" stroke=\"{line}\" \
             stroke-width=\"1.3\"/>",
            number(x),
            number(y + 10.0),
            number(x + width - 10.0),
        ));
        self.text(&framed.head.lines, x + 14.0, y + 7.0, "start", words);
        self.out.push_str("</g>\n");
    }

    fn node(&mut self, boxed: &Boxed) {
        let Some(node) = self.graph.node(boxed.node) else { return };
        let Look { fill, stroke, line } = look(node.kind);
        let Area { x, y, width, height } = boxed.area;
        let (right, low, middle) = (x + width, y + height, y + height / 2.0);
        let class = match node.kind {
            NodeKind::Start => "start",
            NodeKind::End => "end",
            NodeKind::Fork => "fork",
            NodeKind::Join => "join",
            NodeKind::Agent => "agent",
            NodeKind::Function => "function",
            NodeKind::Human => "human",
            NodeKind::Workflow(_) => "workflow",
            NodeKind::Set => "set",
        };
        self.line(format_args!("<g class=\"node {class}\"><title>{}</title>", escape(&node.told())));
        let paint = format!("fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"{line}\" stroke-linejoin=\"round\"");
        let rect = |radius: f64, inset: f64| {
            format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{radius}\"",
                number(x + inset),
                number(y),
                number(width - 2.0 * inset),
                number(height)
            )
        };
        let path = |points: &[(f64, f64)]| {
            let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
            format!("<polygon points=\"{}\"", points.join(" "))
        };
        let (cx, cy) = (number(x + width / 2.0), number(middle));
        match node.kind {
            NodeKind::Start => {
                self.line(format_args!("<circle cx=\"{cx}\" cy=\"{cy}\" r=\"{}\" {paint}/>", width / 2.0))
            }
            NodeKind::End => {
                let outer = width / 2.0 - 1.0;
                self.line(format_args!(
                    "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"{outer}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"2\"/>"
                ));
                self.line(format_args!("<circle cx=\"{cx}\" cy=\"{cy}\" r=\"{}\" fill=\"{fill}\"/>", outer - 4.0));
            }
            NodeKind::Fork | NodeKind::Join | NodeKind::Function => {
                let radius = if node.kind == NodeKind::Function { 2.0 } else { 5.0 };
                self.line(format_args!("{} {paint}/>", rect(radius, 0.0)));
            }
            NodeKind::Agent => {
                self.line(format_args!("{} {paint}/>", rect(16.0, 0.0)));
            }
            NodeKind::Human => {
                let side = 16.0;
                let points = [
                    (x + side, y),
                    (right - side, y),
                    (right, middle),
                    (right - side, low),
                    (x + side, low),
                    (x, middle),
                ];
                self.line(format_args!("{} {paint}/>", path(&points)));
            }
            NodeKind::Set => {
                let side = 14.0;
                let points = [(x + side, y), (right, y), (right - side, low), (x, low)];
                self.line(format_args!("{} {paint}/>", path(&points)));
            }
            NodeKind::Workflow(_) => {
                self.line(format_args!("{} {paint}/>", rect(2.0, 0.0)));
                let (left, right) = (number(x + 7.0), number(right - 7.0));
                let (top, low) = (number(y), number(low));
                self.line(format_args!("<path d=\"M{left} {top}V{low}M{right} {top}V{low}\" {paint}/>"));
            }
        }
        let words = match node.kind {
            NodeKind::Fork | NodeKind::Join => "#ffffff",
            _ => stroke,
        };
        let top = y + (height - boxed.shape.lines.iter().map(|line| line.style.height()).sum::<f64>()) / 2.0;
        self.text(&boxed.shape.lines, x + width / 2.0, top, "middle", words);
        self.out.push_str("</g>\n");
    }

    fn text(&mut self, lines: &[Line], x: f64, top: f64, anchor: &str, words: &str) {
        if lines.is_empty() {
            return;
        }
        let mut y = top;
        self.line(format_args!("<g text-anchor=\"{anchor}\">"));
        for Line { text, style } in lines {
            // White words stand on dark ground and stay white.
            let colour = match style {
                _ if words == "#ffffff" => words,
                Style::Title | Style::Label => "#111827",
                Style::What => words,
                Style::Note => "#374151",
            };
            let weight = if *style == Style::Title { " font-weight=\"bold\"" } else { "" };
            let base = y + style.height() / 2.0 + style.size() * 0.36;
            self.line(format_args!(
                "<text x=\"{}\" y=\"{}\" font-size=\"{}\"{weight} fill=\"{colour}\">{}</text>",
                number(x),
                number(base),
                style.size(),
                escape(text)
            ));
            y += style.height();
        }
        self.out.push_str("</g>\n");
    }

    fn edge(&mut self, drawn: &Drawn) {
        let Some(edge) = self.graph.edges().get(drawn.edge) else { return };
        let from = self.graph.node(edge.from).map_or("", |node| node.title.full());
        let to = match edge.to {
            End::Node(at) => self.graph.node(at).map_or("", |node| node.title.full()),
            End::Frame(at) => self.graph.frame(at).map_or("", |frame| frame.name.full()),
        };
        let told = edge.told();
        let label = if told.is_empty() { told } else { format!(": {told}") };
        let class = match (edge.kind, edge.back) {
            (_, true) => "back",
            (EdgeKind::Flow, false) => "flow",
            (EdgeKind::Fallback, false) => "fallback",
            (EdgeKind::Bound, false) => "bound",
            (EdgeKind::Runs, false) => "runs",
        };
        self.line(format_args!(
            "<g class=\"edge {class}\"><title>{}</title>",
            escape(&format!("{from} → {to}{label}"))
        ));
        self.stroke(&drawn.route, edge.kind, edge.back);
        if let Some((area, Shape { lines, .. })) = &drawn.label {
            let (colour, _, _) = stroke(edge.kind, edge.back);
            self.line(format_args!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"#ffffff\" stroke=\"{colour}\" \
                 stroke-width=\"1\"/>",
                number(area.x),
                number(area.y),
                number(area.width),
                number(area.height)
            ));
            self.text(lines, area.x + area.width / 2.0, area.y + 3.0, "middle", colour);
        }
        self.out.push_str("</g>\n");
    }

    /// A line with its head. Lines come to their end downwards, or sideways where a workflow is meant.
    fn stroke(&mut self, route: &Route, kind: EdgeKind, back: bool) {
        let (colour, width, dashes) = stroke(kind, back);
        let dashes = if dashes.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dashes}\"") };
        let (mut path, mut at) = (format!("M{} {}", number(route.start.0), number(route.start.1)), route.start);
        for part in &route.parts {
            // Writing to a String cannot fail.
            let _ = match *part {
                Part::Line(x, y) if (x - at.0).abs() < 0.05 => write!(path, "V{}", number(y)),
                Part::Line(x, y) => write!(path, "L{} {}", number(x), number(y)),
                Part::Bend(a, b, c) => write!(
                    path,
                    "C{} {} {} {} {} {}",
                    number(a.0),
                    number(a.1),
                    number(b.0),
                    number(b.1),
                    number(c.0),
                    number(c.1)
                ),
            };
            at = match *part {
                Part::Line(x, y) => (x, y),
                Part::Bend(_, _, end) => end,
            };
        }
        self.line(format_args!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes}/>"
        ));
        let (x, y) = route.end();
        let (x, y) = (number(x), number(y));
        let head = match kind {
            EdgeKind::Flow | EdgeKind::Fallback | EdgeKind::Bound => {
                if back {
                    "l-6 -11q6 3 12 0z"
                } else {
                    "l-4.5 -9q4.5 2.5 9 0z"
                }
            }
            EdgeKind::Runs => "m0 -3.5a3.5 3.5 0 1 0 .01 0z",
        };
        self.line(format_args!("<path d=\"M{x} {y}{head}\" fill=\"{colour}\"/>"));
    }

    fn legend(&mut self, legend: &Legend, top: f64) {
        let y = top + Legend::HEIGHT / 2.0;
        let mut x = Legend::LEFT;
        if legend.entries.is_empty() {
            return;
        }
        self.line(format_args!("<g class=\"legend\">"));
        for (kind, back, words) in &legend.entries {
            let (colour, width, dashes) = stroke(*kind, *back);
            let dashes = if dashes.is_empty() { "none" } else { dashes };
            let plate = Legend::plate(words);
            let (left, right) = (number(x), number(x + Legend::STROKE));
            self.line(format_args!(
                "<path d=\"M{left} {0}H{right}\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-dasharray=\"{dashes}\"/>",
                number(y)
            ));
            x += Legend::STROKE + 6.0;
            self.line(format_args!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"20\" rx=\"4\" fill=\"#ffffff\" stroke=\"{colour}\"/>",
                number(x),
                number(y - 10.0),
                number(plate)
            ));
            let line = Line { text: (*words).to_owned(), style: Style::Label };
            self.text(&[line], x + plate / 2.0, y - 7.5, "middle", colour);
            x += plate + Legend::BETWEEN;
        }
        self.out.push_str("</g>\n");
    }
}

/// What lines mean that are not the usual ones, as far as they are there.
struct Legend {
    entries: Vec<(EdgeKind, bool, &'static str)>,
}

impl Legend {
    const HEIGHT: f64 = 40.0;
    const LEFT: f64 = 16.0;
    const STROKE: f64 = 34.0;
    const BETWEEN: f64 = 26.0;

    fn of(graph: &Graph) -> Legend {
        let all = [
            (EdgeKind::Flow, true, "leads back: a loop"),
            (EdgeKind::Bound, false, "once a bound is reached"),
            (EdgeKind::Fallback, false, "runs in the place of a step that failed"),
            (EdgeKind::Runs, false, "runs that workflow"),
        ];
        let is_there = |kind, back| {
            graph.edges().iter().any(|edge| edge.kind == kind && (edge.back == back || kind != EdgeKind::Flow))
        };
        Legend { entries: all.into_iter().filter(|(kind, back, _)| is_there(*kind, *back)).collect() }
    }

    fn plate(words: &str) -> f64 {
        Line { text: words.to_owned(), style: Style::Label }.width() + 12.0
    }

    fn width(&self) -> f64 {
        let entry =
            |(_, _, words): &(EdgeKind, bool, &str)| Legend::STROKE + 6.0 + Legend::plate(words) + Legend::BETWEEN;
        self.entries.iter().map(entry).sum::<f64>() + Legend::LEFT
    }

    fn height(&self) -> f64 {
        if self.entries.is_empty() { 0.0 } else { Legend::HEIGHT }
    }
}

/// A number with one digit behind the point at most.
fn number(number: f64) -> String {
    let rounded = (number * 10.0).round() / 10.0;
    // A zero has no sign.
    if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() }
}

/// Text between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
