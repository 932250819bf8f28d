//! How much the reader takes.

use super::{Reader, Size, Stop};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

impl Reader<'_> {
    pub(super) fn count(&mut self, size: Size, at: Span, code: Code) -> Result<(), Stop> {
        self.total.add(size);
        if self.total.nodes <= self.limits.nodes && self.total.bytes <= self.limits.bytes {
            return Ok(());
        }
        let diagnostic = if code == Code::YamlAliasBomb {
            Diagnostic::new(code, at, "the aliases of this spec unfold beyond its limits").help(format!(
                "unfolded, a spec has at most {} values and {} bytes of text; write fewer aliases",
                self.limits.nodes, self.limits.bytes
            ))
        } else {
            Diagnostic::new(code, at, format!("the spec has more than {} values", self.limits.nodes))
                .help("move data into files that steps read")
        };
        self.sink.push(diagnostic);
        Err(Stop::Broken)
    }

    pub(super) fn too_deep(&mut self, at: Span) -> Result<(), Stop> {
        self.sink.push(
            Diagnostic::new(
                Code::YamlTooDeep,
                Span::new(at.file(), at.start()..at.start() + usize::from(!at.is_empty())),
                format!("nested deeper than {} levels", self.limits.depth),
            )
            .help("move inner workflows to `components.workflows` and refer to them"),
        );
        Err(Stop::Broken)
    }
}
