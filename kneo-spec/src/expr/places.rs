//! Where a node was written.
//!
//! The parser keeps one token per node: the literal or name itself, an operator, a dot or an opening bracket. The rest
//! follows from the node's parts and the text.

use std::ops::Range;

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr as Cel, SourceInfo};

/// The bytes of the expression `cel` that a node covers.
pub(super) fn range(node: &IdedExpr, info: &SourceInfo, cel: &str) -> Range<usize> {
    start(node, info, cel)..end(node, info, cel)
}

fn token(node: &IdedExpr, info: &SourceInfo) -> Range<usize> {
    // The parser's offsets are of bytes, the last one included.
    info.offset_for(node.id).map_or(0..0, |(start, last)| start as usize..last as usize + 1)
}

fn start(node: &IdedExpr, info: &SourceInfo, cel: &str) -> usize {
    let mut node = node;
    loop {
        let own = token(node, info).start;
        let left = match &node.expr {
            Cel::Select(select) => Some(&*select.operand),
            Cel::Call(call) => match (&call.target, call.args.as_slice()) {
                (Some(target), _) => Some(&**target),
                // A function's name stands before its bracket, an operator's first operand before the operator.
                (None, _) if cel.get(own..).is_some_and(|rest| rest.starts_with('(')) => {
                    let name = cel.get(..own).unwrap_or_default().trim_end();
                    return name.strip_suffix(call.func_name.as_str()).map_or(own, str::len);
                }
                (None, [first, _, ..]) => Some(first),
                (None, _) => None,
            },
            Cel::Struct(message) => {
                let name = cel.get(..own).unwrap_or_default().trim_end();
                return name.strip_suffix(message.type_name.as_str()).map_or(own, str::len);
            }
            Cel::Literal(_) if cel.get(..own).is_some_and(|before| before.ends_with('-')) => {
                // A negative number's token is its digits; a subtraction's right operand looks the same.
                return own;
            }
            _ => None,
        };
        match left {
            Some(left) => node = left,
            None => return own,
        }
    }
}

fn end(node: &IdedExpr, info: &SourceInfo, cel: &str) -> usize {
    let own = token(node, info).end;
    let last = |nodes: &[IdedExpr]| nodes.last().map_or(own, |last| end(last, info, cel));
    match &node.expr {
        Cel::Select(select) => {
            let rest = cel.get(own..).unwrap_or_default();
            let blank = rest.len() - rest.trim_start().len();
            let named = rest.trim_start().starts_with(select.field.as_str());
            if named { own + blank + select.field.len() } else { own }
        }
        Cel::Call(call) => {
            let opener = own.checked_sub(1).and_then(|at| cel.as_bytes().get(at));
            match opener {
                Some(b'(') => closed(last(&call.args).max(own), ')', cel),
                Some(b'[') => closed(last(&call.args).max(own), ']', cel),
                _ => last(&call.args).max(own),
            }
        }
        Cel::List(list) => closed(last(&list.elements).max(own), ']', cel),
        Cel::Map(map) => {
            let inside = map.entries.last().map_or(own, |entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => end(&entry.value, info, cel),
                EntryExpr::StructField(field) => end(&field.value, info, cel),
            });
            closed(inside, '}', cel)
        }
        _ => own,
    }
}

/// Just after the closing bracket, if it follows at once.
fn closed(at: usize, bracket: char, cel: &str) -> usize {
    let rest = cel.get(at..).unwrap_or_default();
    let blank = rest.len() - rest.trim_start().len();
    if rest.trim_start().starts_with(bracket) { at + blank + 1 } else { at }
}
