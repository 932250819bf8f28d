//! Where in a run something happens.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::plan::{NodeIx, ServerIx};

/// A place in a run: the way from the root workflow to a step, a turn or a tool call.
///
/// Contains every iteration — each segment that can repeat carries its own counter — so one path names one piece of
/// work, and `run/path` is its idempotency key across attempts. The text form joins the segments with `/`, as in
/// `3#1/b0/4#2/t1/c0`; the root is the empty text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Arc<[Segment]>);

/// One part of a [`Path`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Segment {
    /// The `visit`-th visit (from 1) of a node.
    Node {
        /// The node, by its place in the plan.
        node: NodeIx,
        /// Counts the visits of this node within its scope, from 1.
        visit: u32,
    },
    /// A branch of a fan-out, by its place in the fork.
    Branch(u32),
    /// An item of a map, by its place in the list.
    Item(u32),
    /// A turn of an agent, from 1.
    Turn(u32),
    /// A tool call of a turn, by its place in the model's answer.
    Call(u32),
    /// What an agent finds out about the tools of a server, before its first turn.
    Server(ServerIx),
}

impl Path {
    /// The path of the run itself.
    #[must_use]
    pub fn root() -> Path {
        Path(Arc::from([]))
    }

    /// The path one segment deeper.
    #[must_use]
    pub fn child(&self, segment: Segment) -> Path {
        Path(self.0.iter().copied().chain([segment]).collect())
    }

    /// The path of a visit of a node.
    #[must_use]
    pub fn step(&self, node: NodeIx, visit: u32) -> Path {
        self.child(Segment::Node { node, visit })
    }

    /// The path one segment up; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Path> {
        self.0.split_last().map(|(_, rest)| Path(Arc::from(rest)))
    }

    /// The last segment; `None` for the root.
    #[must_use]
    pub fn last(&self) -> Option<Segment> {
        self.0.last().copied()
    }

    /// The segments, outermost first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether this is the run itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this path is `other` or lies below it.
    #[must_use]
    pub fn is_within(&self, other: &Path) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The number of segments.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.len()
    }
}

/// Paths order like their segments, so a map keyed by paths may be asked for all below one.
impl Borrow<[Segment]> for Path {
    fn borrow(&self) -> &[Segment] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("/")?;
            }
            match segment {
                Segment::Node { node, visit } => write!(f, "{}#{visit}", node.as_u32())?,
                Segment::Branch(at) => write!(f, "b{at}")?,
                Segment::Item(at) => write!(f, "i{at}")?,
                Segment::Turn(turn) => write!(f, "t{turn}")?,
                Segment::Call(at) => write!(f, "c{at}")?,
                Segment::Server(at) => write!(f, "s{}", at.as_u32())?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// A text that is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a path: it looks like `3#1/b0/4#2/t1/c0`")]
pub struct ParsePathError(String);

impl FromStr for Path {
    type Err = ParsePathError;

    fn from_str(text: &str) -> Result<Path, ParsePathError> {
        if text.is_empty() {
            return Ok(Path::root());
        }
        let segments: Option<Arc<[Segment]>> = text.split('/').map(parse_segment).collect();
        segments.map(Path).ok_or_else(|| ParsePathError(text.to_owned()))
    }
}

fn parse_segment(text: &str) -> Option<Segment> {
    if let Some((node, visit)) = text.split_once('#') {
        return Some(Segment::Node { node: NodeIx::new(node.parse().ok()?), visit: visit.parse().ok()? });
    }
    let mut chars = text.chars();
    let kind = chars.next()?;
    let count = chars.as_str().parse().ok()?;
    match kind {
        'b' => Some(Segment::Branch(count)),
        'i' => Some(Segment::Item(count)),
        't' => Some(Segment::Turn(count)),
        'c' => Some(Segment::Call(count)),
        's' => Some(Segment::Server(ServerIx::new(count))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in ["", "3#1", "3#1/b0/4#2/t1/c0", "0#1/i7/9#12", "3#1/s2"] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
        for text in ["x", "3#", "/", "3#1/", "b", "é1"] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_is_within_itself_and_what_it_extends() {
        let outer: Path = "3#1".parse().unwrap();
        let inner: Path = "3#1/b0".parse().unwrap();
        let sibling: Path = "3#10".parse().unwrap();
        assert!(inner.is_within(&outer) && outer.is_within(&outer) && outer.is_within(&Path::root()));
        assert!(!outer.is_within(&inner) && !sibling.is_within(&outer));
        assert_eq!(inner.parent(), Some(outer));
    }
}
