//! The model: everything of a plan is in it, and its edges without those that lead back have no cycle.

use std::collections::{BTreeMap, BTreeSet};

use kneo_core::plan::{self, NodeIx, OnError, OnMax, Plan, ToolBackingDef};
use proptest::prelude::*;

use super::plans::any_plan;
use crate::graph::{EdgeKind, End, Graph, Label, NodeId, NodeKind};

/// Where each step is, and where the flow leaves it.
fn steps(graph: &Graph) -> BTreeMap<NodeIx, NodeId> {
    let steps = graph.nodes().iter().enumerate().filter_map(|(at, node)| Some((node.step?, NodeId(at))));
    steps.collect()
}

fn joins(plan: &Plan, graph: &Graph) -> BTreeMap<NodeIx, NodeId> {
    let forks =
        steps(graph).into_iter().filter(|(step, _)| matches!(plan.node(*step).unwrap().kind, plan::NodeKind::Fork(_)));
    forks.map(|(step, fork)| (step, NodeId(fork.0 + 1))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_step_and_every_way_is_seen(plan in any_plan()) {
        let graph = Graph::of(&plan);
        let (steps, joins) = (steps(&graph), joins(&plan, &graph));
        prop_assert_eq!(steps.len(), plan.nodes.len());
        prop_assert_eq!(graph.nodes().iter().filter(|node| node.step.is_some()).count(), plan.nodes.len());
        prop_assert!(joins.values().all(|join| graph.node(*join).unwrap().kind == NodeKind::Join));
        let has = |from: NodeId, to: NodeId, kind: EdgeKind, words: &str| {
            graph.edges().iter().any(|edge| {
                edge.from == from && edge.to == End::Node(to) && edge.kind == kind && edge.told().contains(words)
            })
        };
        let leaves = |step: &NodeIx| joins.get(step).copied().unwrap_or(steps[step]);
        for (at, node) in plan.nodes.iter().enumerate() {
            let at = NodeIx::new(at as u32);
            for edge in node.out.iter().map(|edge| plan.edge(*edge).unwrap()) {
                let bound = edge.max_visits.as_ref().map_or(String::new(), |bound| format!("at most {}", bound.max));
                prop_assert!(edge.ends || has(leaves(&at), steps[&edge.to], EdgeKind::Flow, &bound));
                if let Some(OnMax::To { node, mark }) = edge.max_visits.as_ref().map(|bound| &bound.on_max) {
                    let mark = mark.as_ref().map_or(String::new(), |mark| Label::new(mark).full().to_owned());
                    prop_assert!(has(leaves(&at), steps[node], EdgeKind::Bound, &mark));
                }
            }
            if let OnError::Fallback(to) = node.policy.on_error {
                prop_assert!(has(leaves(&at), steps[&to], EdgeKind::Fallback, "if it fails"));
            }
            match &node.kind {
                plan::NodeKind::Fork(fork) => {
                    for branch in &fork.branches {
                        prop_assert!(has(steps[&at], steps[&branch.start], EdgeKind::Flow, ""));
                    }
                }
                plan::NodeKind::Workflow(scope) => {
                    let NodeKind::Workflow(inner) = graph.node(steps[&at]).unwrap().kind else { panic!() };
                    let frame = graph.frames().iter().position(|frame| frame.scope == *scope).unwrap();
                    let runs = graph.edges().iter().any(|edge| {
                        edge.from == steps[&at] && edge.kind == EdgeKind::Runs && matches!(edge.to, End::Frame(to) if to.0 == frame)
                    });
                    // Either the frame stands there, or a way leads to where it stands.
                    prop_assert_eq!(inner.map(|inner| inner.0), (!runs).then_some(frame));
                }
                plan::NodeKind::Agent(agent) => {
                    let agent = plan.agent(*agent).unwrap();
                    let told = graph.node(steps[&at]).unwrap().told();
                    for tool in agent.tools.iter().map(|tool| plan.tool(*tool).unwrap()) {
                        let words = Label::new(&format!("tool {}", tool.name)).full().to_owned();
                        prop_assert!(told.contains(&words), "{} lacks {}", told, words);
                        let runs = matches!(tool.backing, ToolBackingDef::Workflow(_));
                        let led = graph.edges().iter().any(|edge| edge.from == steps[&at] && edge.kind == EdgeKind::Runs);
                        prop_assert!(led || !runs);
                    }
                    for server in agent.servers.iter().map(|server| plan.server(*server).unwrap()) {
                        let words = Label::new(&format!("tools of server {}", server.name)).full().to_owned();
                        prop_assert!(told.contains(&words));
                    }
                }
                _ => {}
            }
        }
    }

    /// Where no edge may hold, something leads to an end or a join.
    #[test]
    fn every_step_that_is_reached_leads_on(plan in any_plan()) {
        let graph = Graph::of(&plan);
        let mut reached: BTreeSet<NodeId> = BTreeSet::new();
        let mut open: Vec<NodeId> =
            graph.nodes().iter().enumerate().filter(|(_, node)| node.kind == NodeKind::Start).map(|(at, _)| NodeId(at)).collect();
        while let Some(at) = open.pop() {
            if reached.insert(at) {
                let ways = graph.edges().iter().filter(|edge| edge.from == at && edge.kind != EdgeKind::Fallback);
                open.extend(ways.filter_map(|edge| match edge.to {
                    End::Node(to) => Some(to),
                    End::Frame(_) => None,
                }));
            }
        }
        let stuck = reached.iter().find(|at| {
            let leads = graph.edges().iter().any(|edge| edge.from == **at && edge.kind == EdgeKind::Flow);
            !leads && graph.node(**at).unwrap().kind != NodeKind::End
        });
        prop_assert_eq!(stuck, None);
    }

    #[test]
    fn without_the_edges_that_lead_back_there_is_no_cycle(plan in any_plan()) {
        let graph = Graph::of(&plan);
        let count = graph.nodes().len();
        let mut order: Vec<usize> = Vec::new();
        let mut comes = vec![0; count];
        let onwards = || graph.edges().iter().filter(|edge| !edge.back).filter_map(|edge| match edge.to {
            End::Node(to) => Some((edge.from.0, to.0)),
            End::Frame(_) => None,
        });
        onwards().for_each(|(_, to)| comes[to] += 1);
        let mut ready: Vec<usize> = (0..count).filter(|at| comes[*at] == 0).collect();
        while let Some(at) = ready.pop() {
            order.push(at);
            for (_, to) in onwards().filter(|(from, _)| *from == at) {
                comes[to] -= 1;
                if comes[to] == 0 {
                    ready.push(to);
                }
            }
        }
        prop_assert_eq!(order.len(), count);
    }

    #[test]
    fn frames_stand_in_one_another_or_by_themselves(plan in any_plan()) {
        let graph = Graph::of(&plan);
        prop_assert_eq!(graph.frames().len(), plan.scopes.len());
        for frame in graph.frames() {
            let mut at = frame;
            for _ in 0..=graph.frames().len() {
                let Some(of) = at.of else { break };
                prop_assert!(matches!(graph.node(of).unwrap().kind, NodeKind::Workflow(Some(_))));
                at = graph.frame(graph.node(of).unwrap().frame).unwrap();
            }
            prop_assert_eq!(at.of, None, "frames in a circle");
        }
    }
}

#[test]
fn what_is_not_seen_is_a_blank_and_what_is_long_is_cut() {
    assert_eq!(Label::new(" a\u{202e}\u{0}b\n\n c\u{200b}").full(), "a b c");
    let long = Label::new(&"x".repeat(100));
    assert_eq!((long.full().len(), long.short().chars().count()), (100, 72));
    assert!(long.short().ends_with('…'));
}
