//! How large a spec may be.

/// Limits on one source text, against hostile or broken input.
///
/// Nodes and bytes are counted as if every alias were replaced by a copy of what it stands for, so
/// that a small text cannot unfold into a large one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes of text.
    pub bytes: usize,
    /// The deepest nesting of lists and mappings.
    pub depth: usize,
    /// The most scalars, lists and mappings.
    pub nodes: usize,
    /// The most names, numbers, texts, signs and brackets in all expressions together; each expression counts two more,
    /// and each regular expression five hundred.
    pub expressions: usize,
    /// The most patterns in all JSON Schemas together; one of many repetitions counts forty times.
    pub patterns: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 8 * 1024 * 1024, depth: 64, nodes: 250_000, expressions: 200_000, patterns: 200 }
    }
}

impl Limits {
    /// The same limits with at most `bytes` bytes of text.
    #[must_use]
    pub fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// The same limits with at most `depth` levels; more than 255 count as 255.
    #[must_use]
    pub fn with_depth(mut self, depth: usize) -> Self {
        self.depth = depth.min(255);
        self
    }

    /// The same limits with at most `nodes` values.
    #[must_use]
    pub fn with_nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// The same limits with at most `expressions` parts of expressions.
    #[must_use]
    pub fn with_expressions(mut self, expressions: usize) -> Self {
        self.expressions = expressions;
        self
    }

    /// The same limits with at most `patterns` patterns of JSON Schemas.
    #[must_use]
    pub fn with_patterns(mut self, patterns: usize) -> Self {
        self.patterns = patterns;
        self
    }
}
