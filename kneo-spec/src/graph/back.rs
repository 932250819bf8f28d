//! Which edges lead back.

use super::{Edge, End, Graph, NodeId};

/// Marks the edges that lead back to a node on the way to them: without those, there is no cycle.
///
/// Ways are followed from the first node on, in the order of the edges.
pub(super) fn mark(graph: &mut Graph) {
    let count = graph.nodes.len();
    let mut out: Vec<Vec<(usize, usize)>> = vec![Vec::new(); count];
    for (at, edge) in graph.edges.iter().enumerate() {
        if let (Some(out), Some(to)) = (out.get_mut(edge.from.0), within(edge)) {
            out.push((at, to.0));
        }
    }
    let mut state = vec![State::New; count];
    for start in 0..count {
        if state.get(start) == Some(&State::New) {
            follow(start, &out, &mut state, &mut graph.edges);
        }
    }
}

/// Where an edge leads within its frame.
fn within(edge: &Edge) -> Option<NodeId> {
    match edge.to {
        End::Node(to) => Some(to),
        End::Frame(_) => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

fn follow(start: usize, out: &[Vec<(usize, usize)>], state: &mut [State], edges: &mut [Edge]) {
    let mut set = |at: usize, to: State| {
        if let Some(state) = state.get_mut(at) {
            return std::mem::replace(state, to);
        }
        State::Done
    };
    set(start, State::Open);
    let mut path: Vec<(usize, usize)> = vec![(start, 0)];
    while let Some((node, next)) = path.pop() {
        let Some((edge, to)) = out.get(node).and_then(|out| out.get(next)).copied() else {
            set(node, State::Done);
            continue;
        };
        path.push((node, next.saturating_add(1)));
        match set(to, State::Open) {
            State::New => path.push((to, 0)),
            State::Open => {
                if let Some(edge) = edges.get_mut(edge) {
                    edge.back = true;
                }
            }
            State::Done => {
                set(to, State::Done);
            }
        }
    }
}
