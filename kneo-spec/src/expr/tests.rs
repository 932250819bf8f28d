//! What authors write, what it is lowered to, and what is said about what cannot be.

use std::borrow::Cow;

use kneo_core::expr::{Env, Meter, Root, StepField};
use kneo_core::value::Value;

use super::*;
use crate::source::{SourceFile, SourceMap};
use crate::syntax::{Limits, parse};
use crate::vocabulary::ComponentVocabulary;

/// The names of a workflow with four steps.
pub(super) struct Workflow;

const STEPS: [&str; 4] = ["plan", "write", "my-step", "my-other-step"];

impl Vocabulary for Workflow {
    fn sees(&self, root: Root) -> bool {
        matches!(root, Root::Input | Root::Prev | Root::RunId | Root::RunStartedAt)
    }

    fn step(&self, id: &str) -> Option<u32> {
        STEPS.iter().zip(0..).find(|(step, _)| **step == id).map(|(_, index)| index)
    }

    fn steps(&self) -> &[&str] {
        &STEPS
    }
}

/// A run in which `plan` and `my-step` have settled.
pub(super) struct Run(Value, Value);

impl Env for Run {
    fn root(&self, root: Root) -> Option<Cow<'_, Value>> {
        match root {
            Root::Input => Some(Cow::Borrowed(&self.0)),
            Root::RunId => Some(Cow::Owned(Value::from("r1"))),
            _ => None,
        }
    }

    fn step(&self, step: u32, field: StepField) -> Option<Cow<'_, Value>> {
        match (step, field) {
            (0, StepField::Output) => Some(Cow::Borrowed(&self.1)),
            (0 | 2, StepField::Status) => Some(Cow::Owned(Value::from("completed"))),
            (2, StepField::Output) => Some(Cow::Owned(Value::from("mine"))),
            _ => None,
        }
    }
}

pub(super) fn run() -> Run {
    let input = r#"{"n": 3, "x": 2.5, "text": "some text", "flag": true, "none": null, "list": [3, 1, 2], "map": {"b": 1, "a": 2}, "deep": {"er": {"still": "here"}}}"#;
    let plan = r#"{"n": 41, "items": [{"ok": true, "score": 0.5}, {"ok": false, "score": 0.9}]}"#;
    Run(Value::from_json_text(input).unwrap(), Value::from_json_text(plan).unwrap())
}

/// A text as a YAML value, so that its places are those of a real file.
pub(super) fn with_text<T>(written: &str, use_it: impl FnOnce(&Text, &SourceFile) -> T) -> T {
    let mut sources = SourceMap::new();
    let spec = format!("x: \"{}\"\n", written.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
    let id = sources.add("spec", spec);
    let mut sink = Diagnostics::default();
    let file = sources.file(id).unwrap();
    let tree = parse(file, Limits::default(), &mut sink).unwrap();
    assert!(sink.is_empty(), "{written}: {sink:?}");
    let Kind::Map(entries) = &tree.node(tree.root().unwrap()).kind else { panic!("no mapping") };
    use_it(&tree.text(entries[0].value).unwrap(), file)
}

pub(super) fn parser() -> Parser {
    Parser::new(Limits::default().expressions)
}

pub(super) fn compiled(written: &str) -> Option<(Compiled<Expr>, types::Type)> {
    with_text(written, |text, _| one(Piece::whole(text), &Workflow, &mut parser(), &mut Diagnostics::default()))
}

/// The value, or the code of the error.
fn value_of(written: &str) -> String {
    let Some((compiled, _)) = compiled(written) else { return "no expression".to_owned() };
    match compiled.code.eval(&run(), &mut Meter::new()) {
        Ok(value) => value.to_string(),
        Err(error) => error.code().as_str().to_owned(),
    }
}

#[test]
fn expressions_come_to_their_values() {
    for (written, expected) in [
        ("input.n + 1", "4"),
        ("steps.plan.output.n", "41"),
        ("nodes.plan.output.n", "41"),
        ("steps['plan'].output['n']", "41"),
        ("steps[\"my-step\"].output", "\"mine\""),
        ("steps.plan.output.items[1].score > 0.6 && input.flag", "true"),
        ("steps.plan.output.items.filter(i, i.ok).map(i, i.score)", "[0.5]"),
        ("steps.plan.output.items.exists(i, i.score > input.n)", "false"),
        ("steps.plan.status == 'completed'", "true"),
        ("run.id", "\"r1\""),
        ("run.started_at", "undefined_root"),
        ("prev", "undefined_root"),
        ("steps.write.output", "undefined_step"),
        ("has(steps.write)", "false"),
        ("has(steps.plan)", "true"),
        ("has(steps.write.output.text)", "false"),
        ("has(input.deep.er.still)", "true"),
        ("has(input.no.such.thing)", "false"),
        ("has(input.list[7])", "false"),
        ("default(steps.write.output.text, 'nothing')", "\"nothing\""),
        ("steps.write.output.text.default('nothing')", "\"nothing\""),
        ("default(input.none, 1)", "null"),
        ("input.missing", "no_such_key"),
        ("input.list[3]", "index_out_of_range"),
        ("input.text.n", "type_mismatch"),
        ("input.list.map(x, [10].map(y, x + y))", "[[13],[11],[12]]"),
        ("input.list.map(input, input + 1)", "[4,2,3]"),
        ("{'z': 1, 'a': input.n}", r#"{"z":1,"a":3}"#),
        ("join(input.list, ', ')", "\"3, 1, 2\""),
        ("input.list.join('-')", "\"3-1-2\""),
        ("bullets(['a', 'b'])", r#""- a\n- b""#),
        ("lines(input.text)", r#"["some text"]"#),
        ("json(input.map)", r#""{\"b\":1,\"a\":2}""#),
        ("truncate(input.text, 5)", "\"some…\""),
        ("input.text.matches('^s.*t$')", "true"),
        ("'a' + 'b' + 'c' + input.text", "\"abcsome text\""),
        ("1 + 2 - 3 * 4 / 5 % 6", "1"),
        ("(1 + 2) * 3", "9"),
        ("10 - 2 - 3", "5"),
        ("10 - (2 - 3)", "11"),
        ("-input.n", "-3"),
        ("!input.flag || input.n in input.list", "true"),
        ("input.flag ? 'yes' : 'no'", "\"yes\""),
        ("'it\\'s' + r'\\d'", r#""it's\\d""#),
        ("input.n == 3 // three", "true"),
    ] {
        assert_eq!(value_of(written), expected, "{written}");
    }
}

/// The diagnostics as `CODE place: message (help)`, where the place is what is underlined.
fn complaints(written: &str, vocabulary: &dyn Vocabulary) -> Vec<String> {
    with_text(written, |text, file| {
        let mut sink = Diagnostics::default();
        let compiled = condition(text, vocabulary, &mut parser(), &mut sink);
        assert_eq!(compiled.is_none(), sink.has_errors(), "{written}: {sink:?}");
        sink.iter()
            .map(|found| {
                let help = found.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
                format!("{} {}: {}{help}", found.code, file.slice(found.primary.span), found.message)
            })
            .collect()
    })
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    let deep = format!("{}true{}", "(".repeat(40), ")".repeat(40));
    let sum = format!("{}1 > 0", "1 + 1 * ".repeat(30));
    for (written, expected) in [
        ("", "E_EXPR_SYNTAX \"\": the expression is empty (write an expression, such as `input.ok`)"),
        (
            "1 +",
            "E_EXPR_SYNTAX +: the expression ends too early (an operand or a closing bracket is missing at its end)",
        ),
        ("input.n = 1", "E_EXPR_SYNTAX =: `=` is not an operator (to compare, write `==`)"),
        ("input.flag and true", "E_EXPR_SYNTAX and: `and` is not an operator (write `&&`)"),
        ("input.flag or true", "E_EXPR_SYNTAX or: `or` is not an operator (write `||`)"),
        ("input.n == 'a", "E_EXPR_SYNTAX 'a: the string is not closed (close it with the quote that it begins with)"),
        (
            "input.n ) 1",
            "E_EXPR_SYNTAX ): `)` is not expected here (check the operators, commas and brackets before it)",
        ),
        (
            "'é' == 'é' x",
            "E_EXPR_SYNTAX x: `x` is not expected here (check the operators, commas and brackets before it)",
        ),
        (
            "'\\q' == ''",
            "E_EXPR_SYNTAX '\\\\q: the string has an escape that does not exist (write a backslash as `\\\\`, or the string as `r'…'`)",
        ),
        (
            "{{ input.flag }}",
            "E_EXPR_SYNTAX {{ input.flag }}: an expression is written without `{{ }}` (write it bare: `input.flag`)",
        ),
        ("if", "E_EXPR_SYNTAX if: `if` is a reserved word (read it as a key: `x[\"…\"]`)"),
        (
            "input.?flag",
            "E_EXPR_UNSUPPORTED .?: this syntax of CEL is not part of the language (guard the read with `has()` or `default()`)",
        ),
        (
            "input[?'a']",
            "E_EXPR_UNSUPPORTED [?: this syntax of CEL is not part of the language (guard the read with `has()` or `default()`)",
        ),
        (
            "input.`a-b`",
            "E_EXPR_UNSUPPORTED .: this syntax of CEL is not part of the language (write the key in brackets: `x[\"…\"]`)",
        ),
        (
            "b'x' == 'y'",
            "E_EXPR_UNSUPPORTED b'x': bytes are not part of the language (write a string, without the `b`)",
        ),
        ("1u == 1", "E_EXPR_UNSUPPORTED 1u: there are no unsigned integers (write `1`)"),
        (
            "9007199254740992 > 1",
            "E_EXPR_UNSUPPORTED 9007199254740992: integers lie within plus and minus 2^53 − 1 (carry longer numbers as text)",
        ),
        (
            "99999999999999999999 > 1",
            "E_EXPR_UNSUPPORTED 9: integers lie within plus and minus 2^53 − 1 (carry longer numbers as text)",
        ),
        (
            "Point{x: 1} == input",
            "E_EXPR_UNSUPPORTED Point{: `Point` is a message of CEL, which is not part of the language (write a map: `{'key': value}`)",
        ),
        (
            "timestamp('2020') > 1",
            "E_EXPR_UNSUPPORTED timestamp('2020'): `timestamp` of CEL is not part of the language (times in the ISO form compare as text)",
        ),
        (
            "type(input) == 1",
            "E_EXPR_UNSUPPORTED type(input): `type` of CEL is not part of the language (compare the value itself, or ask for a key with `has()`)",
        ),
        (
            "steps.my-step.output == 'x'",
            "E_EXPR_HYPHEN steps.my-step: `my-step` is not an identifier, so that it cannot follow a dot (write `steps[\"my-step\"]`)",
        ),
        (
            "has(nodes.my-other-step.output)",
            "E_EXPR_HYPHEN nodes.my-other-step: `my-other-step` is not an identifier, so that it cannot follow a dot (write `nodes[\"my-other-step\"]`)",
        ),
        ("inputs.flag", "E_EXPR_UNKNOWN_ROOT inputs: there is no `inputs` (did you mean `input`?)"),
        (
            "plan.output.ok",
            "E_EXPR_UNKNOWN_ROOT plan: there is no `plan` (to read the step, write `steps.plan.output`)",
        ),
        (
            "input.text == done",
            "E_EXPR_UNKNOWN_ROOT done: there is no `done` (to mean the text, quote it: `'done'`; what can be read here is `input`, `prev`, `steps` or `run`)",
        ),
        (
            "item.ok",
            "E_EXPR_UNKNOWN_ROOT item: `item` cannot be read here (what can be read here is `input`, `prev`, `steps` or `run`)",
        ),
        (".input.ok", "E_EXPR_UNKNOWN_ROOT input: there is no `.input` (did you mean `input`?)"),
        ("steps.plam.output.ok", "E_EXPR_UNKNOWN_STEP steps.plam: there is no step `plam` (did you mean `plan`?)"),
        (
            "steps.zebra.output.ok",
            "E_EXPR_UNKNOWN_STEP steps.zebra: there is no step `zebra` (the steps that can be read here are `plan`, `write`, `my-step` or `my-other-step`)",
        ),
        (
            "steps[input.text].output.ok",
            "E_EXPR_UNKNOWN_STEP steps: the id of a step is written, never computed (write `steps[\"id\"]`; to choose, use `condition ? steps.a.output : steps.b.output`)",
        ),
        ("steps == 1", "E_EXPR_UNKNOWN_STEP steps: this names no step (write `steps.<id>.output`)"),
        (
            "steps.plan == 1",
            "E_EXPR_UNKNOWN_FIELD steps.plan: step `plan` is not a value by itself (add one of `output`, `status`, `error`, `decision` or `attempts`)",
        ),
        (
            "steps.plan.outptu.ok",
            "E_EXPR_UNKNOWN_FIELD steps.plan.outptu: step `plan` has no `outptu` (did you mean `output`?)",
        ),
        ("run.name == ''", "E_EXPR_UNKNOWN_FIELD run.name: `run` has no `name` (it has `id` or `started_at`)"),
        ("run == ''", "E_EXPR_UNKNOWN_FIELD run: `run` is not a value by itself (add one of `id` or `started_at`)"),
        (
            "len(input.list) > 1",
            "E_EXPR_UNKNOWN_FUNCTION len(input.list): there is no function `len` (did you mean `size`?)",
        ),
        (
            "input.text.startswith('a')",
            "E_EXPR_UNKNOWN_FUNCTION input.text.startswith('a'): there is no function `startswith` (did you mean `startsWith`?)",
        ),
        (
            "math.greatest(1, 2) > 1",
            "E_EXPR_UNKNOWN_FUNCTION math.greatest(1, 2): there is no function `greatest` (the functions are `size`, `join`, `json`, `lines`, `truncate`, `bullets`, `matches`, `contains`, `startsWith`, `endsWith`, `string`, `int`, `double`, `lowerAscii`, `upperAscii`, `trim`, `split`, `replace`, `all`, `exists`, `exists_one`, `map`, `filter`, `has` or `default`)",
        ),
        ("size() > 1", "E_EXPR_ARGUMENTS size(): `size` takes 1 argument, not 0 (write `size(x)`)"),
        (
            "join(input.list, '', 1) == ''",
            "E_EXPR_ARGUMENTS join(input.list, '', 1): `join` takes 1 to 2 arguments, not 3 (write `join(list[, separator])`)",
        ),
        ("has(input.n, 1)", "E_EXPR_ARGUMENTS has(input.n, 1): `has` takes 1 argument, not 2 (write `has(path)`)"),
        (
            "has(size(input.list))",
            "E_EXPR_ARGUMENTS size(input.list): only a path can be absent (ask for a path, such as `has(steps.x.output.key)`)",
        ),
        (
            "has('x')",
            "E_EXPR_ARGUMENTS 'x': only a path can be absent (ask for a path, such as `has(steps.x.output.key)`)",
        ),
        (
            "input.list.all(x > 1)",
            "E_EXPR_ARGUMENTS input.list.all(x > 1): `all` takes a variable and a condition (write `list.all(x, condition)`)",
        ),
        (
            "all(input.list, x, x)",
            "E_EXPR_ARGUMENTS all(input.list, x, x): `all` is called on a list or a map (write `list.all(x, condition)`)",
        ),
        (
            "input.list.exists(x.y, true)",
            "E_EXPR_ARGUMENTS x.y: the first argument of `exists` is the name of a variable (write `list.exists(x, condition)`)",
        ),
        (
            "input.text.matches('(')",
            "E_EXPR_ARGUMENTS '(': not a pattern: unclosed group (patterns are regular expressions, without look-around and back references)",
        ),
        (
            "1 + true > 1",
            "E_EXPR_TYPE 1 + true: `+` cannot join an int and a bool (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "'n: ' + 1 == ''",
            "E_EXPR_TYPE 'n: ' + 1: `+` cannot join a string and an int (write the right side as text: `string(…)`)",
        ),
        (
            "'a' < 1",
            "E_EXPR_TYPE 'a' < 1: `<` cannot compare a string with an int (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "size(input.list) == '3'",
            "E_EXPR_TYPE size(input.list) == '3': `==` cannot compare an int with a string (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "'a' in 'abc'",
            "E_EXPR_TYPE 'a' in 'abc': `in` cannot compare a string with a string (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "size(3) > 1",
            "E_EXPR_TYPE 3: `size` takes a string, a list or a map, and this is an int (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "string([1]) == ''",
            "E_EXPR_TYPE [1]: `string` takes a string, a number or a bool, and this is a list (write it as JSON: `json(x)`)",
        ),
        (
            "run.id.x == ''",
            "E_EXPR_TYPE run.id.x: `x` is read from a map, and this is a string (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "steps.plan.status[0] == ''",
            "E_EXPR_TYPE 0: `[ ]` takes a list or a map, and this is an int (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "{1: 2} == input",
            "E_EXPR_TYPE 1: the key of a map is a string, and this is an int (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        ("{'a': 1, 'a': 2} == input", "E_EXPR_SYNTAX 'a': the map has the key `a` twice (write each key once)"),
        (
            "-'a' == ''",
            "E_EXPR_TYPE 'a': `-` takes a number, and this is a string (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "!input.n && 'a'",
            "E_EXPR_TYPE 'a': `&&` takes bools, and this is a string (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "1 ? true : false",
            "E_EXPR_TYPE 1: the condition of `? :` is a bool, and this is an int (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "'abc'.all(x, true)",
            "E_EXPR_TYPE 'abc': `all` goes through a list or a map, and this is a string (read a list or a map before the dot)",
        ),
        (
            "[1].all(x, 'a')",
            "E_EXPR_TYPE 'a': the condition of `all` is a bool, and this is a string (nothing is converted silently: use `string(x)`, `int(x)`, `double(x)`, or another value)",
        ),
        (
            "'yes'",
            "E_EXPR_TYPE \"'yes'\": a condition is a bool, and this is a string (compare it with something, such as `x == 'done'`, or read a value that is true or false)",
        ),
        (
            &deep,
            "E_EXPR_TOO_DEEP (: the expression nests deeper than 32 levels (compute parts of it in `set` steps and read those)",
        ),
        (&sum, ""),
    ] {
        assert_eq!(complaints(written, &Workflow).join("\n"), expected, "{written}");
    }
}

#[test]
fn bounds_come_before_the_parser() {
    let long = format!("'{}' == ''", "x".repeat(parse::MAX_BYTES));
    assert!(complaints(&long, &Workflow)[0].starts_with("E_EXPR_TOO_LONG"), "{long}");
    let mixed = format!("{}1 > 0", "1 + 1 - ".repeat(40));
    assert!(complaints(&format!("{}1 > 0", "(1 - 2) + 1 * ".repeat(5)), &Workflow).is_empty());
    assert!(complaints(&mixed, &Workflow)[0].starts_with("E_EXPR_TOO_DEEP"), "{mixed}");
}

#[test]
fn all_that_is_wrong_with_an_expression_is_said_at_once() {
    let found = complaints("inputs.a == steps.plam.output && len(input.list) > 'a' + 1", &Workflow);
    let codes: Vec<_> = found.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(codes, ["E_EXPR_UNKNOWN_ROOT", "E_EXPR_UNKNOWN_STEP", "E_EXPR_UNKNOWN_FUNCTION", "E_EXPR_TYPE"]);
}

#[test]
fn a_component_sees_its_input_and_the_run_only() {
    assert!(complaints("input.ok && run.id != ''", &ComponentVocabulary::default()).is_empty());
    let found = complaints("steps.plan.output.ok", &ComponentVocabulary::default());
    let expected = "E_EXPR_UNKNOWN_ROOT steps: `steps` cannot be read here (what can be read here is `input` or `run`)";
    assert_eq!(found, [expected]);
}

/// The reads of steps, as `id.field`, with a question mark where absence is taken care of.
fn reads(written: &str) -> String {
    let (compiled, _) = compiled(written).unwrap_or_else(|| panic!("no expression: {written}"));
    let shown = compiled.reads.iter().filter_map(|read| match read {
        Read::Step { step, field, guarded, .. } => {
            Some(format!("{}.{}{}", STEPS[*step as usize], field.as_str(), if *guarded { "?" } else { "" }))
        }
        Read::Root { .. } => None,
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn reads_are_guarded_by_has_and_default_around_them() {
    for (written, expected) in [
        ("steps.plan.output.n > steps.write.attempts", "plan.output write.attempts"),
        ("has(steps.plan.output.n)", "plan.output?"),
        ("has(steps.plan)", "plan.status?"),
        ("default(steps.plan.output, steps.write.output)", "plan.output? write.output"),
        ("has(steps.plan.output) && steps.plan.output.n > 1", "plan.output? plan.output?"),
        ("steps.plan.output.n > 1 && has(steps.plan.output)", "plan.output? plan.output?"),
        ("has(steps.plan.output.n) && steps.plan.output.m > 1", "plan.output? plan.output?"),
        ("has(steps.plan.status) && steps.plan.output.m > 1", "plan.status? plan.output"),
        ("has(steps.plan.output) || steps.plan.output.n > 1", "plan.output? plan.output"),
        ("!has(steps.plan.output) || steps.plan.output.n > 1", "plan.output? plan.output?"),
        ("has(steps.plan.output) ? steps.plan.output : steps.write.output", "plan.output? plan.output? write.output"),
        ("!has(steps.plan.output) ? 1 : steps.plan.output.n", "plan.output? plan.output?"),
        ("has(steps.plan.output) ? 1 : steps.plan.output.n", "plan.output? plan.output"),
        ("(has(steps.plan.output) && true) ? steps.plan.output.n : 1", "plan.output? plan.output?"),
        ("(has(steps.plan.output) || true) ? steps.plan.output.n : 1", "plan.output? plan.output"),
        ("has(steps.plan.output) && input.list.all(x, x < steps.plan.output.n)", "plan.output? plan.output?"),
        ("has(input.list[steps.plan.output.n])", "plan.output"),
        ("default(steps.plan.output.items[steps.write.output.at], 1)", "plan.output? write.output"),
        ("steps['my-step'].output", "my-step.output"),
    ] {
        assert_eq!(reads(written), expected, "{written}");
    }
}

fn template_of(written: &str) -> Result<String, Vec<String>> {
    with_text(written, |text, file| {
        let mut sink = Diagnostics::default();
        match template(text, &Workflow, &mut parser(), &mut sink) {
            Some(compiled) => Ok(compiled.code.eval(&run(), &mut Meter::new()).unwrap().to_string()),
            None => Err(sink.iter().map(|d| format!("{} {}", d.code, file.slice(d.primary.span))).collect()),
        }
    })
}

#[test]
fn templates_are_text_with_holes() {
    for (written, expected) in [
        ("plain", "plain"),
        ("n={{ input.n }}, x={{input.x}}; {{ input.list }} {{ input.none }}", "n=3, x=2.5; [3,1,2] null"),
        ("{{ '{{' }} and {{ '}}' }}", "{{ and }}"),
        ("{{ {'a': {'b': input.n}} }}", r#"{"a":{"b":3}}"#),
        ("}} alone", "}} alone"),
    ] {
        assert_eq!(template_of(written).as_deref(), Ok(expected), "{written}");
    }
    for (written, expected) in [
        ("a {{ input.n", &["E_TEMPLATE_UNCLOSED {{"][..]),
        ("{{}} {{ x }} {{ 1 + }}", &["E_EXPR_SYNTAX {{}}", "E_EXPR_UNKNOWN_ROOT x", "E_EXPR_SYNTAX +"]),
        ("{{ it's }} here", &["E_EXPR_SYNTAX 's"]),
    ] {
        assert_eq!(template_of(written).unwrap_err(), expected, "{written}");
    }
}

/// A value node's template in its stored form, or the codes about it.
fn value_template(yaml: &str) -> Result<String, Vec<String>> {
    let mut sources = SourceMap::new();
    let id = sources.add("spec", yaml);
    let mut sink = Diagnostics::default();
    let tree = parse(sources.file(id).unwrap(), Limits::default(), &mut sink).unwrap();
    let compiled = value(&tree, tree.root().unwrap(), &Workflow, &mut parser(), &mut sink);
    let codes: Vec<String> = sink.iter().map(|found| found.code.to_string()).collect();
    match compiled {
        Some(compiled) if codes.is_empty() => Ok(serde_json::to_string(&compiled.code).unwrap()),
        _ => Err(codes),
    }
}

#[test]
fn values_keep_types_and_order() {
    for (yaml, expected) in [
        ("\"{{ input }}\"", r#"{"e":{"root":"input"}}"#),
        ("\"a {{ input }}\"", r#"{"t":[{"t":"a "},{"e":{"root":"input"}}]}"#),
        ("\"{{ '{{' }}\"", r#"{"v":"{{"}"#),
        ("\"{{ 5 }}\"", r#"{"v":5}"#),
        ("[1, 2.5, null, true, text]", r#"{"v":[1,2.5,null,true,"text"]}"#),
        ("[1, 2.0]", r#"{"l":[{"v":1},{"e":{"d":2.0}}]}"#),
        ("{z: 1, a: \"{{ input }}\"}", r#"{"m":[["z",{"v":1}],["a",{"e":{"root":"input"}}]]}"#),
    ] {
        assert_eq!(value_template(yaml).as_deref(), Ok(expected), "{yaml}");
    }
    for (yaml, expected) in [
        ("steps.plan.output.n", &["W_LOOKS_LIKE_EXPRESSION"][..]),
        ("[nodes.my-step.output]", &["W_LOOKS_LIKE_EXPRESSION"]),
        ("{a: \"{{ x }}\", b: \"{{ y }}\"}", &["E_EXPR_UNKNOWN_ROOT", "E_EXPR_UNKNOWN_ROOT"]),
    ] {
        assert_eq!(value_template(yaml), Err(expected.iter().map(|code| (*code).to_owned()).collect()), "{yaml}");
    }
    for prose in ["steps.unknown.output", "steps.plan is done", "input.n", "steps"] {
        assert!(value_template(prose).is_ok(), "{prose}");
    }
    let deep = format!("{}1{}", "{a: ".repeat(40), "}".repeat(40));
    assert_eq!(value_template(&deep), Ok(format!("{{\"v\":{}1{}}}", "{\"a\":".repeat(40), "}".repeat(40))));
    let deep = format!("{}\"{{{{ input }}}}\"{}", "{a: ".repeat(40), "}".repeat(40));
    assert_eq!(value_template(&deep), Err(vec!["E_EXPR_TOO_DEEP".to_owned()]));
}
