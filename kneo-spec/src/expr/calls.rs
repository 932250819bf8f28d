//! Calls: functions, the guards, and the macros over lists and maps.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr as Cel, LiteralValue};
use kneo_core::expr::{Each, EachKind, Expr, Function, Pattern};

use super::lower::{Asked, CONVERT, Lowering, Typed};
use super::types::{self, Type};
use crate::diagnostic::{Code, tick, tick_list};

const MACROS: [(&str, EachKind); 5] = [
    ("all", EachKind::All),
    ("exists", EachKind::Exists),
    ("exists_one", EachKind::ExistsOne),
    ("map", EachKind::Map),
    ("filter", EachKind::Filter),
];

/// CEL's functions on types that the language does not have.
const FOREIGN: [(&str, &str); 6] = [
    ("type", "compare the value itself, or ask for a key with `has()`"),
    ("dyn", "write the argument alone"),
    ("uint", "write `int(x)`"),
    ("bytes", "work on text"),
    ("timestamp", "times in the ISO form compare as text"),
    ("duration", "carry durations as numbers of seconds"),
];

const PATTERN: &str = "patterns are regular expressions, without look-around and back references";

/// What other languages call our functions.
const ALIASES: [(&str, &str); 16] = [
    ("len", "size"),
    ("length", "size"),
    ("count", "size"),
    ("lower", "lowerAscii"),
    ("toLowerCase", "lowerAscii"),
    ("upper", "upperAscii"),
    ("toUpperCase", "upperAscii"),
    ("str", "string"),
    ("toString", "string"),
    ("float", "double"),
    ("number", "double"),
    ("strip", "trim"),
    ("any", "exists"),
    ("some", "exists"),
    ("toJson", "json"),
    ("includes", "contains"),
];

impl Lowering<'_> {
    pub(super) fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Option<Typed> {
        let name = call.func_name.as_str();
        if let Some((_, kind)) = MACROS.iter().find(|(word, _)| *word == name) {
            return self.each(node, call, *kind);
        }
        let arguments: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        match (name, arguments.as_slice()) {
            ("has", [path]) => {
                let (asked, _) = self.asked(path, Asked::Whether)?;
                Some((Expr::Has(Box::new(asked)), Type::Bool))
            }
            ("default", [path, otherwise]) => {
                let lowered = (self.asked(path, Asked::WithDefault), self.expr(otherwise));
                let ((path, found), (otherwise, other)) = (lowered.0?, lowered.1?);
                Some((Expr::Default(Box::new(path), Box::new(otherwise)), found.or(other)))
            }
            ("has", _) => self.arguments(node, "has", "has(path)", 1..=1, arguments.len()),
            ("default", _) => self.arguments(node, "default", "default(path, otherwise)", 2..=2, arguments.len()),
            _ => match Function::from_name(name) {
                Some(function) => self.function(node, function, &arguments),
                None => self.unknown(node, name),
            },
        }
    }

    /// The path whose absence a call takes care of.
    fn asked(&mut self, path: &IdedExpr, asked: Asked) -> Option<Typed> {
        let (expr, found) = match &path.expr {
            Cel::Ident(_) | Cel::Select(_) | Cel::Call(_) => self.path(path, asked)?,
            _ => self.expr(path)?,
        };
        if matches!(expr, Expr::Root(_) | Expr::Step(_) | Expr::Path(..)) {
            return Some((expr, found));
        }
        let text = "only a path can be absent";
        self.report(path, Code::ExprArguments, text, "ask for a path, such as `has(steps.x.output.key)`")
    }

    fn function(&mut self, node: &IdedExpr, function: Function, arguments: &[&IdedExpr]) -> Option<Typed> {
        if !function.arity().contains(&arguments.len()) {
            let (name, signature) = (function.as_str(), function.signature());
            return self.arguments(node, name, signature, function.arity(), arguments.len());
        }
        let lowered = self.all(arguments.iter().copied())?;
        let found: Vec<Type> = lowered.iter().map(|(_, found)| *found).collect();
        let mut whole = true;
        for (index, (argument, given)) in arguments.iter().zip(&found).enumerate() {
            let (accepted, words) = types::parameter(function, index);
            if !given.is_a(accepted) {
                let text = format!("`{}` takes {words}, and this is {}", function.as_str(), given.with_article());
                let help = if function == Function::String { "write it as JSON: `json(x)`" } else { CONVERT };
                self.report::<()>(argument, Code::ExprType, text, help);
                whole = false;
            }
        }
        if !whole {
            return None;
        }
        let result = types::result(function, &found);
        let mut parts: Vec<Expr> = lowered.into_iter().map(|(expr, _)| expr).collect();
        if let (Function::Matches, [_, pattern]) = (function, arguments)
            && let Cel::Literal(LiteralValue::String(source)) = &pattern.expr
        {
            return match Pattern::new(source.inner()) {
                Ok(compiled) => Some((Expr::Matches(Box::new(parts.swap_remove(0)), compiled), result)),
                Err(error) => self.report(pattern, Code::ExprArguments, error.to_string(), PATTERN),
            };
        }
        Some((Expr::Call(function, parts), result))
    }

    /// A macro binds its variable around the condition and the new item.
    fn each(&mut self, node: &IdedExpr, call: &CallExpr, kind: EachKind) -> Option<Typed> {
        let name = call.func_name.as_str();
        let usage = if kind == EachKind::Map { "list.map(x, new)" } else { "list.{}(x, condition)" };
        let usage = usage.replace("{}", name);
        let (Some(over), [variable, parts @ ..]) = (&call.target, call.args.as_slice()) else {
            let text = format!("`{name}` is called on a list or a map");
            return self.report(node, Code::ExprArguments, text, format!("write `{usage}`"));
        };
        let (when, body) = match parts {
            [body] => (None, body),
            [when, body] if kind == EachKind::Map => (Some(when), body),
            _ => {
                let text = format!(
                    "`{name}` takes a variable and a {}",
                    if kind == EachKind::Map { "value" } else { "condition" }
                );
                return self.report(node, Code::ExprArguments, text, format!("write `{usage}`"));
            }
        };
        let over_node: &IdedExpr = over;
        let over = self.expr(over_node).and_then(|(expr, found)| {
            if found.is_a(&[Type::List, Type::Map]) {
                return Some(expr);
            }
            let text = format!("`{name}` goes through a list or a map, and this is {}", found.with_article());
            self.report(over_node, Code::ExprType, text, "read a list or a map before the dot")
        });
        let Cel::Ident(variable) = &variable.expr else {
            let text = format!("the first argument of `{name}` is the name of a variable");
            return self.report(variable, Code::ExprArguments, text, format!("write `{usage}`"));
        };
        self.locals.push(variable.clone());
        let when = when.map(|when| self.truth(when, "the condition of `map` is a bool"));
        let body = match kind {
            EachKind::Map => self.expr(body).map(|(expr, _)| expr),
            _ => self.truth(body, &format!("the condition of `{name}` is a bool")),
        };
        self.locals.pop();
        let when = match when {
            Some(when) => Some(when?),
            None => None,
        };
        let found = if matches!(kind, EachKind::Map | EachKind::Filter) { Type::List } else { Type::Bool };
        Some((Expr::Each(Box::new(Each { kind, over: over?, when, body: body? })), found))
    }

    fn arguments(
        &mut self,
        node: &IdedExpr,
        name: &str,
        signature: &str,
        wanted: std::ops::RangeInclusive<usize>,
        given: usize,
    ) -> Option<Typed> {
        let wanted = match (*wanted.start(), *wanted.end()) {
            (1, 1) => "1 argument".to_owned(),
            (least, most) if least == most => format!("{most} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let text = format!("`{name}` takes {wanted}, not {given}");
        self.report(node, Code::ExprArguments, text, format!("write `{signature}`"))
    }

    fn unknown(&mut self, node: &IdedExpr, name: &str) -> Option<Typed> {
        if let Some((_, help)) = FOREIGN.iter().find(|(foreign, _)| *foreign == name) {
            let text = format!("`{name}` of CEL is not part of the language");
            return self.report(node, Code::ExprUnsupported, text, *help);
        }
        let functions = Function::ALL.iter().map(|function| function.as_str());
        let known: Vec<&str> =
            functions.chain(MACROS.iter().map(|(word, _)| *word)).chain(["has", "default"]).collect();
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, ours)| *ours);
        let help = match alias.or_else(|| self.sink.nearest(name, known.iter().copied())) {
            Some(near) => format!("did you mean {}?", tick(near)),
            None => format!("the functions are {}", tick_list(known)),
        };
        self.report(node, Code::ExprUnknownFunction, format!("there is no function {}", tick(name)), help)
    }
}
