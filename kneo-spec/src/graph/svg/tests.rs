//! The picture: well-formed, everything in its place, nothing upon anything else.

use std::collections::BTreeMap;

use kneo_core::plan::{Edge, EdgeIx, Node, NodeIx, Plan};
use proptest::prelude::*;
use roxmltree::Document;

use super::page::{Area, Page, page};
use super::route::{Part, Route};
use crate::graph::tests::plans::{any_plan, empty};
use crate::graph::{EdgeKind, FrameId, Graph, NodeId, NodeKind};

fn overlap(one: Area, two: Area) -> bool {
    let apart = one.right() <= two.x + 0.01
        || two.right() <= one.x + 0.01
        || one.bottom() <= two.y + 0.01
        || two.bottom() <= one.y + 0.01;
    !apart
}

fn within(inner: Area, outer: Area) -> bool {
    inner.x >= outer.x - 0.01
        && inner.y >= outer.y - 0.01
        && inner.right() <= outer.right() + 0.01
        && inner.bottom() <= outer.bottom() + 0.01
}

/// What stands in a frame: boxes, frames and labels, with the node that it is of.
fn contents(graph: &Graph, page: &Page, frame: FrameId) -> Vec<(Option<NodeId>, Area)> {
    let boxes = page.nodes.iter().filter(|boxed| graph.node(boxed.node).unwrap().frame == frame);
    let boxes = boxes.map(|boxed| (Some(boxed.node), boxed.area));
    let frames = page.frames.iter().filter_map(|framed| {
        let of = graph.frame(framed.frame)?.of?;
        (graph.node(of)?.frame == frame).then_some((Some(of), framed.area))
    });
    let labels = page.edges.iter().filter(|drawn| {
        let edge = &graph.edges()[drawn.edge];
        graph.node(edge.from).unwrap().frame == frame
    });
    let labels = labels.filter_map(|drawn| Some((None, drawn.label.as_ref()?.0)));
    boxes.chain(frames).chain(labels).collect()
}

/// The ground that a line covers: straight parts whole, bends in points near to each other.
fn ground(route: &Route) -> Vec<Area> {
    let mut from = route.start;
    let mut ground = Vec::new();
    for part in &route.parts {
        match *part {
            Part::Line(x, y) => {
                let (left, top) = (from.0.min(x), from.1.min(y));
                ground.push(Area { x: left, y: top, width: (from.0 - x).abs(), height: (from.1 - y).abs() });
                from = (x, y);
            }
            Part::Bend(a, b, c) => {
                for step in 1..=8 {
                    let t = f64::from(step) / 8.0;
                    let s = 1.0 - t;
                    let cubic = |p: f64, a: f64, b: f64, c: f64| {
                        s * s * s * p + 3.0 * s * s * t * a + 3.0 * s * t * t * b + t * t * t * c
                    };
                    let (x, y) = (cubic(from.0, a.0, b.0, c.0), cubic(from.1, a.1, b.1, c.1));
                    ground.push(Area { x, y, width: 0.0, height: 0.0 });
                }
                from = c;
            }
        }
    }
    ground
}

/// Whether a line goes through the inside of a box; it may end at its border.
fn crosses(line: Area, area: Area) -> bool {
    line.right() > area.x + 0.1
        && line.x < area.right() - 0.1
        && line.bottom() > area.y + 0.1
        && line.y < area.bottom() - 0.1
}

fn check(graph: &Graph) -> Result<(), TestCaseError> {
    let page = page(graph);
    let whole = Area { x: 0.0, y: 0.0, width: page.width, height: page.height };
    let frames: BTreeMap<FrameId, Area> = page.frames.iter().map(|framed| (framed.frame, framed.area)).collect();
    prop_assert_eq!(frames.len(), graph.frames().len());
    let framed = graph.nodes().iter().filter(|node| matches!(node.kind, NodeKind::Workflow(Some(_)))).count();
    prop_assert_eq!(page.nodes.len() + framed, graph.nodes().len());
    prop_assert_eq!(page.edges.len(), graph.edges().len());

    let alone: Vec<Area> = page
        .frames
        .iter()
        .filter(|framed| graph.frame(framed.frame).unwrap().of.is_none())
        .map(|framed| framed.area)
        .collect();
    for (at, one) in alone.iter().enumerate() {
        prop_assert!(within(*one, whole));
        prop_assert!(alone[at + 1..].iter().all(|two| !overlap(*one, *two)));
    }
    for framed in &page.frames {
        let contents = contents(graph, &page, framed.frame);
        let body = Area {
            y: framed.area.y + framed.head.height,
            height: framed.area.height - framed.head.height,
            ..framed.area
        };
        for (at, (_, one)) in contents.iter().enumerate() {
            prop_assert!(within(*one, body), "{:?} is not in {:?}", one, body);
            for (_, two) in &contents[at + 1..] {
                prop_assert!(!overlap(*one, *two), "{:?} and {:?}", one, two);
            }
        }
        let lines = page.edges.iter().filter(|drawn| {
            let edge = &graph.edges()[drawn.edge];
            edge.kind != EdgeKind::Runs && graph.node(edge.from).unwrap().frame == framed.frame
        });
        for drawn in lines {
            let edge = &graph.edges()[drawn.edge];
            for ground in ground(&drawn.route) {
                prop_assert!(within(ground, body), "a line leaves its frame: {:?}", ground);
                for (node, area) in contents.iter().filter(|(_, area)| crosses(ground, *area)) {
                    // Not even through the boxes at its ends.
                    prop_assert_eq!(*node, None, "the line {} crosses a box", edge.told());
                    let is_own = drawn.label.as_ref().is_some_and(|(label, _)| label == area);
                    prop_assert!(is_own, "the line {} crosses the label of another", edge.told());
                }
            }
        }
    }
    for boxed in &page.nodes {
        fits(
            &boxed.shape.lines.iter().map(|line| (line.width(), line.style.height())).collect::<Vec<_>>(),
            boxed.area,
        )?;
    }
    for framed in &page.frames {
        fits(
            &framed.head.lines.iter().map(|line| (line.width(), line.style.height())).collect::<Vec<_>>(),
            Area { height: framed.head.height, ..framed.area },
        )?;
    }
    for (area, shape) in page.edges.iter().filter_map(|drawn| drawn.label.as_ref()) {
        fits(&shape.lines.iter().map(|line| (line.width(), line.style.height())).collect::<Vec<_>>(), *area)?;
    }
    Ok(())
}

fn fits(lines: &[(f64, f64)], area: Area) -> Result<(), TestCaseError> {
    prop_assert!(lines.iter().all(|(width, _)| *width + 8.0 <= area.width), "{:?} {:?}", lines, area);
    prop_assert!(lines.iter().map(|(_, height)| height).sum::<f64>() <= area.height);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 150, ..ProptestConfig::default() })]

    #[test]
    fn nothing_stands_on_anything_else(plan in any_plan()) {
        check(&Graph::of(&plan))?;
    }

    #[test]
    fn the_document_is_well_formed_and_says_everything(plan in any_plan()) {
        let graph = Graph::of(&plan);
        let svg = graph.svg();
        let document = Document::parse(&svg).map_err(|error| TestCaseError::fail(format!("{error}\n{svg}")))?;
        let groups = |class: &str| -> Vec<String> {
            let is = |node: &roxmltree::Node<'_, '_>| {
                node.attribute("class").is_some_and(|own| own.split(' ').any(|own| own == class))
            };
            let groups = document.descendants().filter(is);
            groups.map(|group| group.children().find(|c| c.has_tag_name("title")).unwrap().text().unwrap_or("").to_owned()).collect()
        };
        let mut expected: Vec<String> = Vec::new();
        for node in graph.nodes().iter().filter(|node| !matches!(node.kind, NodeKind::Workflow(Some(_)))) {
            expected.push(node.told());
        }
        let sorted = |mut list: Vec<String>| { list.sort(); list };
        prop_assert_eq!(sorted(groups("node")), sorted(expected));
        prop_assert_eq!(groups("frame").len(), graph.frames().len());
        prop_assert_eq!(groups("edge").len(), graph.edges().len());
        // Nothing runs and nothing is loaded.
        for node in document.descendants().filter(|node| node.is_element()) {
            let known = ["svg", "title", "desc", "g", "rect", "path", "circle", "polygon", "text"];
            prop_assert!(known.contains(&node.tag_name().name()), "{}", node.tag_name().name());
            for attribute in node.attributes() {
                prop_assert!(!attribute.name().starts_with("on") && !attribute.name().contains("href"));
                prop_assert!(!attribute.value().contains("url("));
            }
        }
        prop_assert_eq!(graph.svg(), svg, "the same graph gives the same bytes");
    }
}

/// A graph with `count` steps, each with ways to others, some of them back.
fn large(count: u32) -> Plan {
    let mut plan = empty("large");
    plan.scopes.push(kneo_core::plan::Scope {
        name: "large".parse().unwrap(),
        kind: kneo_core::plan::ScopeKind::Graph,
        start: NodeIx::new(0),
        first: NodeIx::new(0),
        len: count,
        max_steps: None,
    });
    for at in 0..count {
        let mut out = Vec::new();
        let far = at + 2 + at * 7 % 11;
        for to in [at + 1, far, (at * 5 / 6).saturating_sub(3)] {
            let wanted = to < count && (to > at || at % 9 == 8);
            if wanted {
                let when = (to != at + 1).then(|| kneo_core::plan::Condition::OutputContains("on with it".into()));
                plan.edges.push(Edge {
                    from: NodeIx::new(at),
                    to: NodeIx::new(to),
                    when,
                    max_visits: None,
                    ends: false,
                });
                out.push(EdgeIx::new(plan.edges.len() as u32 - 1));
            }
        }
        plan.nodes.push(Node {
            id: format!("step {at}").parse().unwrap(),
            scope: kneo_core::plan::ScopeIx::new(0),
            when: None,
            input: None,
            output: None,
            idempotency_key: None,
            policy: kneo_core::plan::StepPolicy::default(),
            kind: kneo_core::plan::NodeKind::Set(Vec::new()),
            out,
        });
    }
    plan
}

#[test]
fn two_hundred_steps_with_ways_everywhere_are_drawn_in_time() {
    let graph = Graph::of(&large(200));
    let took = || std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse::<u64>().ok();
    let before = took();
    let svg = graph.svg();
    assert!(svg.matches("class=\"node ").count() > 200);
    if let (Some(before), Some(after)) = (before, took()) {
        let most = if cfg!(debug_assertions) { 5_000_000_000 } else { 500_000_000 };
        assert!(after - before < most, "{} ms", (after - before) / 1_000_000);
    }
}

/// Many steps in a row end neither the stack nor the patience of anybody.
#[test]
fn a_long_row_is_drawn() {
    let mut plan = large(3_000);
    for (at, node) in plan.nodes.iter_mut().enumerate() {
        node.out.retain(|edge| plan.edges[edge.as_usize()].to.as_usize() == at + 1);
    }
    assert!(Graph::of(&plan).svg().matches("class=\"node ").count() > 3_000);
}

/// More lines than anybody could follow take neither all memory nor all time.
#[test]
fn a_graph_beyond_all_reason_is_drawn() {
    let mut plan = large(900);
    for at in 0..900 {
        for to in [0, 899] {
            let edge = Edge { from: NodeIx::new(at), to: NodeIx::new(to), when: None, max_visits: None, ends: false };
            plan.edges.push(edge);
            plan.nodes[at as usize].out.push(EdgeIx::new(plan.edges.len() as u32 - 1));
        }
    }
    let graph = Graph::of(&plan);
    let svg = graph.svg();
    assert_eq!(svg.matches("class=\"edge ").count(), graph.edges().len());
    Document::parse(&svg).unwrap();
}
