//! Expressions of a plan in the words of the language.

use std::fmt::Write as _;

use kneo_core::expr::{Access, Each, EachKind, Expr, Function, StepRead, TextPart, TextTemplate};
use kneo_core::plan::{NodeIx, Plan};
use kneo_core::value::Value;

/// An expression as an author would write it: compiled again, it is the same.
pub(super) fn written(expr: &Expr, plan: &Plan) -> String {
    let mut printer = Printer { plan, locals: 0, out: String::new() };
    printer.expr(expr, Level::Conditional);
    printer.out
}

/// A text with its holes.
pub(super) fn written_text(template: &TextTemplate, plan: &Plan) -> String {
    let parts = template.parts().iter().map(|part| match part {
        TextPart::Text(text) => text.to_string(),
        TextPart::Hole(expr) => format!("{{{{ {} }}}}", written(expr, plan)),
    });
    parts.collect()
}

/// How tightly an expression binds, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Conditional,
    Or,
    And,
    Relation,
    Sum,
    Product,
    Unary,
    Member,
}

struct Printer<'a> {
    plan: &'a Plan,
    /// The macros around.
    locals: usize,
    out: String,
}

impl Printer<'_> {
    /// Writes an expression where at least so tight a one is wanted.
    fn expr(&mut self, expr: &Expr, wanted: Level) {
        let parens = level(expr) < wanted;
        if parens {
            self.out.push('(');
        }
        self.bare(expr);
        if parens {
            self.out.push(')');
        }
    }

    fn bare(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(value) => self.value(value),
            // A double keeps its point.
            Expr::Double(double) => self.write(format_args!("{double:?}")),
            Expr::Root(root) => self.out.push_str(root.as_str()),
            Expr::Step(read) => self.step(*read),
            Expr::Local(depth) => {
                let outermost = self.locals.saturating_sub(usize::from(*depth).saturating_add(1));
                self.out.push_str(&variable(outermost));
            }
            Expr::Path(base, accesses) => {
                self.expr(base, Level::Member);
                for access in accesses {
                    self.access(access);
                }
            }
            Expr::Has(path) => self.call("has", std::slice::from_ref(path)),
            Expr::Default(path, otherwise) => {
                self.out.push_str("default(");
                self.expr(path, Level::Conditional);
                self.out.push_str(", ");
                self.expr(otherwise, Level::Conditional);
                self.out.push(')');
            }
            Expr::List(items) => {
                self.out.push('[');
                self.all(items, ", ", Level::Conditional);
                self.out.push(']');
            }
            Expr::Map(entries) => {
                self.out.push('{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { "" });
                    self.expr(key, Level::Conditional);
                    self.out.push_str(": ");
                    self.expr(value, Level::Conditional);
                }
                self.out.push('}');
            }
            Expr::Not(part) => {
                self.out.push('!');
                self.expr(part, Level::Unary);
            }
            Expr::Negate(part) => {
                self.out.push('-');
                // Two signs in a row would be one token less.
                self.expr(part, Level::Member);
            }
            Expr::And(parts) => self.all(parts, " && ", Level::Relation),
            Expr::Or(parts) => self.all(parts, " || ", Level::And),
            Expr::If(test, then, otherwise) => {
                self.expr(test, Level::Or);
                self.out.push_str(" ? ");
                self.expr(then, Level::Or);
                self.out.push_str(" : ");
                self.expr(otherwise, Level::Conditional);
            }
            Expr::Arithmetic(op, parts) => {
                let (own, tighter) = match level(expr) {
                    Level::Sum => (Level::Sum, Level::Product),
                    _ => (Level::Product, Level::Unary),
                };
                for (at, part) in parts.iter().enumerate() {
                    if at == 0 {
                        self.expr(part, own);
                    } else {
                        self.write(format_args!(" {} ", op.as_str()));
                        self.expr(part, tighter);
                    }
                }
            }
            Expr::Compare(op, left, right) => {
                self.expr(left, Level::Sum);
                self.write(format_args!(" {} ", op.as_str()));
                self.expr(right, Level::Sum);
            }
            Expr::Matches(text, pattern) => {
                self.expr(text, Level::Member);
                self.out.push_str(".matches(");
                self.text(pattern.as_str());
                self.out.push(')');
            }
            Expr::Call(function, arguments) => match arguments.split_first() {
                Some((first, rest)) if is_method(*function) => {
                    self.expr(first, Level::Member);
                    self.write(format_args!(".{}(", function.as_str()));
                    self.all(rest, ", ", Level::Conditional);
                    self.out.push(')');
                }
                _ => self.call(function.as_str(), arguments),
            },
            Expr::Each(each) => self.each(each),
            _ => self.out.push('…'),
        }
    }

    fn call(&mut self, name: &str, arguments: &[impl std::borrow::Borrow<Expr>]) {
        self.out.push_str(name);
        self.out.push('(');
        for (at, argument) in arguments.iter().enumerate() {
            self.out.push_str(if at > 0 { ", " } else { "" });
            self.expr(argument.borrow(), Level::Conditional);
        }
        self.out.push(')');
    }

    fn all(&mut self, parts: &[Expr], between: &str, wanted: Level) {
        for (at, part) in parts.iter().enumerate() {
            self.out.push_str(if at > 0 { between } else { "" });
            self.expr(part, wanted);
        }
    }

    fn each(&mut self, each: &Each) {
        self.expr(&each.over, Level::Member);
        let name = match each.kind {
            EachKind::All => "all",
            EachKind::Exists => "exists",
            EachKind::ExistsOne => "exists_one",
            EachKind::Map => "map",
            EachKind::Filter => "filter",
            _ => "…",
        };
        let variable = variable(self.locals);
        self.write(format_args!(".{name}({variable}, "));
        self.locals = self.locals.saturating_add(1);
        if let Some(when) = &each.when {
            self.expr(when, Level::Conditional);
            self.out.push_str(", ");
        }
        self.expr(&each.body, Level::Conditional);
        self.locals = self.locals.saturating_sub(1);
        self.out.push(')');
    }

    fn step(&mut self, read: StepRead) {
        let id = self.plan.node(NodeIx::new(read.step)).map_or("?", |node| node.id.as_str());
        self.out.push_str("steps");
        self.key(id);
        self.write(format_args!(".{}", read.field.as_str()));
    }

    fn access(&mut self, access: &Access) {
        match access {
            Access::Key(key) => self.key(key),
            Access::At(index) => {
                self.out.push('[');
                self.expr(index, Level::Conditional);
                self.out.push(']');
            }
            _ => self.out.push('…'),
        }
    }

    fn key(&mut self, key: &str) {
        if is_identifier(key) {
            self.write(format_args!(".{key}"));
        } else {
            self.out.push('[');
            self.text(key);
            self.out.push(']');
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Str(text) => self.text(text),
            Value::List(list) => {
                self.out.push('[');
                for (at, item) in list.items().iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { "" });
                    self.value(item);
                }
                self.out.push(']');
            }
            Value::Map(map) => {
                self.out.push('{');
                for (at, (key, value)) in map.iter().enumerate() {
                    self.out.push_str(if at > 0 { ", " } else { "" });
                    self.text(key);
                    self.out.push_str(": ");
                    self.value(value);
                }
                self.out.push('}');
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.write(format_args!("{value}")),
        }
    }

    /// A text in single quotes, on one line.
    fn text(&mut self, text: &str) {
        self.out.push('\'');
        for c in text.chars() {
            match c {
                '\'' => self.out.push_str("\\'"),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c if c.is_control() => self.write(format_args!("\\u{:04x}", u32::from(c))),
                c => self.out.push(c),
            }
        }
        self.out.push('\'');
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.out.write_fmt(text);
    }
}

fn level(expr: &Expr) -> Level {
    use kneo_core::expr::ArithmeticOp::{Add, Divide, Multiply, Remainder, Subtract};
    match expr {
        Expr::If(..) => Level::Conditional,
        Expr::Or(_) => Level::Or,
        Expr::And(_) => Level::And,
        Expr::Compare(..) => Level::Relation,
        Expr::Arithmetic(op, _) => match op {
            Add | Subtract => Level::Sum,
            Multiply | Divide | Remainder => Level::Product,
            _ => Level::Sum,
        },
        Expr::Not(_) | Expr::Negate(_) => Level::Unary,
        // A sign before a number is an operator to what stands around it.
        Expr::Literal(Value::Number(number)) if number.as_f64() < 0.0 => Level::Unary,
        Expr::Double(double) if *double < 0.0 => Level::Unary,
        _ => Level::Member,
    }
}

/// Whether the call reads best behind its first argument.
fn is_method(function: Function) -> bool {
    matches!(
        function,
        Function::Contains
            | Function::StartsWith
            | Function::EndsWith
            | Function::Matches
            | Function::Split
            | Function::Replace
            | Function::LowerAscii
            | Function::UpperAscii
            | Function::Trim
    )
}

/// The variable of a macro, by how many macros are around it.
fn variable(outer: usize) -> String {
    match outer {
        0 => "x".to_owned(),
        1 => "y".to_owned(),
        2 => "z".to_owned(),
        more => format!("x{more}"),
    }
}

/// Words that stand behind no dot.
const RESERVED: [&str; 24] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
    "struct",
    "type",
    "with",
];

fn is_identifier(key: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    key.starts_with(starts) && key.chars().all(|c| starts(c) || c.is_ascii_digit()) && !RESERVED.contains(&key)
}

#[cfg(test)]
mod tests {
    use kneo_core::plan::{Condition, Plan};

    use super::*;
    use crate::compile_str;

    fn plan(condition: &str) -> Plan {
        let quoted = format!("\"{}\"", condition.replace('\\', "\\\\").replace('"', "\\\""));
        let spec = format!(
            "version: v1
workflow:
  type: graph
  start: a
  nodes:
    a: {{id: a, kind: set, set: {{x: 1}}}}
    my-step: {{id: my-step, kind: set, set: {{x: 1}}}}
    b: {{id: b, kind: set, set: {{x: 1}}}}
  edges:
    - {{from: a, to: my-step}}
    - {{from: my-step, to: b, when: {quoted}}}
"
        );
        let plan = compile_str("t.yaml", &spec).unwrap_or_else(|error| panic!("{condition}\n{error}"));
        plan.plan().as_ref().clone()
    }

    fn condition(plan: &Plan) -> &Expr {
        plan.edges
            .iter()
            .find_map(|edge| match &edge.when {
                Some(Condition::Expr(expr)) => Some(expr),
                _ => None,
            })
            .unwrap()
    }

    /// What is written compiles to the same tree again.
    #[test]
    fn it_means_what_the_author_wrote() {
        let all = [
            "input.amount > 100",
            "steps.a.output.x == 1 && (input.a || input.b) || !input.c",
            "steps['my-step'].output.x != -1",
            "-input.n < -2 - -3",
            "!(input.a && input.b)",
            "(input.a ? input.b : input.c) ? input.d : (input.e ? true : false)",
            "1 + 2 * 3 - (4 - 5) * (6 + 7) / 8 % 9 == 2.0",
            "(1 - 2) + 3 == 1 - (2 + 3)",
            "input.list.all(i, i > 1 && input.other.exists(j, j == i))",
            "input.list.map(i, i.ok, i.name).filter(n, n != 'x').exists_one(n, n == 'y')",
            "default(input.text, '').contains('it\\'s \\\\ \\n\\t\\u0007') && has(steps.a.output.x)",
            "input.text.matches('^[a-z]+\\\\.md$') || matches(input.text, input.pattern)",
            "input['a key'][0]['in'].b[input.n + 1] in ['a', 'b']",
            "size(input.list) >= 2 && join(input.list, ', ').startsWith('a')",
            "{'a': 1, 'b c': [1, 2.5, null, true]}.a == 1",
            "input.text.trim().lowerAscii().split(',').exists(p, p.replace('a', 'b') == 'c')",
            "prev == 'é ✓ \"quoted\"'",
        ];
        for text in all {
            let first = plan(text);
            let printed = written(condition(&first), &first);
            let second = plan(&printed);
            assert_eq!(condition(&first), condition(&second), "{text}\n{printed}");
        }
    }

    #[test]
    fn it_reads_well() {
        for text in [
            "input.amount > 100",
            "steps.a.output.x == 1 && (input.a || input.b) || !input.c",
            "steps['my-step'].output.x != -1",
            "input.list.all(x, x > 1)",
            "input.text.contains('REVISE')",
            "1 + 2 * 3 - (4 - 5) == 2.0",
        ] {
            let plan = plan(text);
            assert_eq!(written(condition(&plan), &plan), text);
        }
    }
}
