//! Which vertices lie on every way to a vertex.

/// The numbers at which a walk of the tree enters and leaves a vertex.
pub(super) type Interval = (u32, u32);

/// The dominator tree of the vertices that can be reached from a start.
///
/// By the "semi-NCA" construction with explicit stacks; queries take constant time.
pub(super) struct Dominators {
    /// For each vertex its place in the tree; `None` where nothing leads.
    interval: Vec<Option<Interval>>,
}

impl Dominators {
    pub(super) fn of(successors: &[Vec<usize>], start: usize) -> Self {
        let numbered = Numbered::of(successors, start);
        let parents = numbered.immediate();
        let mut interval = vec![None; successors.len()];
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); numbered.order.len()];
        for (number, parent) in parents.iter().enumerate().skip(1) {
            if let Some(children) = children.get_mut(*parent) {
                children.push(number);
            }
        }
        let mut clock = 0;
        let mut path: Vec<(usize, u32, usize)> = Vec::new();
        if !numbered.order.is_empty() {
            path.push((0, 0, 0));
            clock = 1;
        }
        while let Some((number, entered, child)) = path.pop() {
            if let Some(next) = children.get(number).and_then(|list| list.get(child)) {
                path.push((number, entered, child + 1));
                path.push((*next, clock, 0));
                clock += 1;
                continue;
            }
            let vertex = numbered.order.get(number).copied();
            if let Some(slot) = vertex.and_then(|vertex| interval.get_mut(vertex)) {
                *slot = Some((entered, clock));
            }
            clock += 1;
        }
        Self { interval }
    }

    /// Where a vertex stands in the tree; `None` when no way leads to it. One lies in another exactly when every way to
    /// it passes the other.
    pub(super) fn interval(&self, vertex: usize) -> Option<Interval> {
        self.interval.get(vertex).copied().flatten()
    }

    /// Whether a way leads to the vertex at all.
    #[cfg(test)]
    pub(super) fn reached(&self, vertex: usize) -> bool {
        self.interval(vertex).is_some()
    }

    /// Whether every way to `vertex` passes `over`; a vertex passes itself.
    #[cfg(test)]
    pub(super) fn passes(&self, over: usize, vertex: usize) -> bool {
        match (self.interval(over), self.interval(vertex)) {
            (Some((enter, leave)), Some((from, to))) => enter <= from && to <= leave,
            _ => false,
        }
    }
}

/// Vertices numbered in the order in which a depth-first walk meets them.
struct Numbered {
    /// The vertex of each number.
    order: Vec<usize>,
    /// The number from which each was met.
    parent: Vec<usize>,
    /// The numbers of the predecessors of each.
    predecessors: Vec<Vec<usize>>,
}

impl Numbered {
    fn of(successors: &[Vec<usize>], start: usize) -> Self {
        let mut number: Vec<Option<usize>> = vec![None; successors.len()];
        let mut order = Vec::new();
        let mut parent = Vec::new();
        let mut waiting = vec![(start, 0)];
        while let Some((vertex, from)) = waiting.pop() {
            let Some(slot @ None) = number.get_mut(vertex) else {
                continue;
            };
            let own = order.len();
            *slot = Some(own);
            order.push(vertex);
            parent.push(from);
            let next = successors.get(vertex).into_iter().flatten();
            waiting.extend(next.map(|to| (*to, own)));
        }
        let mut predecessors = vec![Vec::new(); order.len()];
        for (from, vertex) in order.iter().enumerate() {
            for to in successors.get(*vertex).into_iter().flatten() {
                let to = number.get(*to).copied().flatten();
                if let Some(list) = to.and_then(|to| predecessors.get_mut(to)) {
                    list.push(from);
                }
            }
        }
        Self { order, parent, predecessors }
    }

    /// The immediate dominator of each number; the start's is itself.
    fn immediate(&self) -> Vec<usize> {
        let count = self.order.len();
        let at = |list: &[usize], index: usize| list.get(index).copied().unwrap_or(0);
        let mut forest = Forest { ancestor: vec![usize::MAX; count], label: (0..count).collect() };
        let mut semi: Vec<usize> = (0..count).collect();
        for vertex in (1..count).rev() {
            let mut least = at(&self.parent, vertex);
            for from in self.predecessors.get(vertex).into_iter().flatten() {
                least = least.min(at(&semi, forest.least(*from, &semi)));
            }
            if let Some(slot) = semi.get_mut(vertex) {
                *slot = least;
            }
            if let Some(slot) = forest.ancestor.get_mut(vertex) {
                *slot = at(&self.parent, vertex);
            }
        }
        let mut immediate = self.parent.clone();
        for vertex in 1..count {
            let mut dominator = at(&immediate, vertex);
            while dominator > at(&semi, vertex) {
                dominator = at(&immediate, dominator);
            }
            if let Some(slot) = immediate.get_mut(vertex) {
                *slot = dominator;
            }
        }
        immediate
    }
}

/// The part of the walk's tree that has been looked at, with compressed paths.
struct Forest {
    ancestor: Vec<usize>,
    /// On the compressed path above each, the number with the least `semi`.
    label: Vec<usize>,
}

impl Forest {
    /// The number with the least `semi` on the way from `from` up to the root of its tree, the root
    /// left out.
    fn least(&mut self, from: usize, semi: &[usize]) -> usize {
        let at = |list: &[usize], index: usize| list.get(index).copied().unwrap_or(usize::MAX);
        let mut path = vec![from];
        let mut top = from;
        while at(&self.ancestor, top) != usize::MAX {
            top = at(&self.ancestor, top);
            path.push(top);
        }
        // The root has no label to give; below its child each takes what is best above it.
        path.pop();
        if path.is_empty() {
            return from;
        }
        let mut best = usize::MAX;
        for vertex in path.into_iter().rev() {
            let own = at(&self.label, vertex);
            if best == usize::MAX || at(semi, own) < at(semi, best) {
                best = own;
            }
            if let Some(slot) = self.label.get_mut(vertex) {
                *slot = best;
            }
            if let Some(slot) = self.ancestor.get_mut(vertex) {
                *slot = top;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By definition: without `over`, nothing leads to `vertex`.
    fn passes_by_definition(successors: &[Vec<usize>], over: usize, vertex: usize) -> bool {
        if over == vertex || over == 0 {
            return true;
        }
        let mut seen = vec![false; successors.len()];
        let mut waiting = vec![0];
        while let Some(at) = waiting.pop() {
            if at != over && !std::mem::replace(&mut seen[at], true) {
                waiting.extend(&successors[at]);
            }
        }
        !seen[vertex]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn it_agrees_with_the_definition(
            graph in (1usize..12).prop_flat_map(|count| {
                proptest::collection::vec(proptest::collection::vec(0..count, 0..4), count)
            })
        ) {
            let dominators = Dominators::of(&graph, 0);
            for vertex in 0..graph.len() {
                if !dominators.reached(vertex) {
                    continue;
                }
                for over in 0..graph.len() {
                    let expected = dominators.reached(over) && passes_by_definition(&graph, over, vertex);
                    prop_assert_eq!(dominators.passes(over, vertex), expected, "{} {} {:?}", over, vertex, &graph);
                }
            }
        }
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let chain: Vec<Vec<usize>> = (0..200_000).map(|at| vec![at + 1]).chain([vec![]]).collect();
        let dominators = Dominators::of(&chain, 0);
        assert!(dominators.passes(1, 200_000));
        assert!(!dominators.passes(200_000, 1));
    }
}
