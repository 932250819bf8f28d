//! What remains of a text that stops being YAML.

use super::{Content, Reader};
use crate::syntax::tree::{Kind, Node};

impl Reader<'_> {
    /// Closes what is open where the text stops being YAML.
    ///
    /// Of the blocks that are open what they hold so far is kept; brackets that are open may hold anything, because
    /// what follows a bracket that was forgotten is read as part of it.
    pub(super) fn cut(&mut self, offset: usize) {
        let line = self.file.line_range(self.file.line_of(offset)).start;
        self.tree.cut_at(line);
        while let Some(frame) = self.stack.pop() {
            if self.expects_key() {
                // The beginning of a key.
                continue;
            }
            let (kind, last) = match frame.content {
                _ if frame.flow => (Kind::Error, None),
                Content::List(items) if items.is_empty() => (Kind::Error, None),
                Content::Map { misread: true, .. } => (Kind::Error, None),
                Content::Map { entries, .. } if entries.is_empty() => (Kind::Error, None),
                Content::List(items) => {
                    let last = items.last().copied();
                    (Kind::List(items), last)
                }
                Content::Map { entries, .. } => {
                    let last = entries.last().map(|entry| entry.value);
                    (Kind::Map(entries), last)
                }
            };
            let span = last.map_or(frame.start, |last| frame.start.to(self.tree.node(last).span));
            let id = self.tree.add(Node { span, kind });
            self.sizes.push(frame.size);
            self.tree.mark_open(id);
            self.attach(id, frame.size);
        }
    }
}
