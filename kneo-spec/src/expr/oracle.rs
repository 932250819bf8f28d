//! The evaluator against that of the `cel` crate, which parses for both.
//!
//! Where the two differ on purpose, the departure is in a table here and in the reference of expressions.

use cel::{Context, Program};
use kneo_core::expr::{ExprErrorCode, Meter};
use proptest::prelude::*;

use super::tests::{Workflow, compiled, parser, run, with_text};
use super::*;

/// What an expression comes to, such that an int differs from a double and the order of keys does not count.
#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    Value(String),
    Error,
}

fn ours(written: &str) -> Result<Outcome, String> {
    let Some((compiled, _)) = compiled(written) else {
        return Err(with_text(written, |text, _| {
            let mut sink = Diagnostics::default();
            assert!(one(Piece::whole(text), &Workflow, &mut parser(), &mut sink).is_none());
            sink.iter().map(|found| found.code.as_str()).collect::<Vec<_>>().join(" ")
        }));
    };
    match compiled.code.eval(&run(), &mut Meter::new()) {
        Ok(value) => Ok(Outcome::Value(shown(&value))),
        Err(_) => Ok(Outcome::Error),
    }
}

/// Our error's code.
fn our_error(written: &str) -> Option<ExprErrorCode> {
    compiled(written)?.0.code.eval(&run(), &mut Meter::new()).err().map(|error| error.code())
}

fn theirs(written: &str) -> Outcome {
    let Ok(program) = Program::compile(written) else { return Outcome::Error };
    let mut context = Context::default();
    let env = run();
    let value = |value: &Value| cel::to_value(value).unwrap();
    let root = |root| kneo_core::expr::Env::root(&env, root).unwrap().into_owned();
    let step = |step, field| kneo_core::expr::Env::step(&env, step, field).unwrap().into_owned();
    use kneo_core::expr::{Root, StepField};
    context.add_variable_from_value("input", value(&root(Root::Input)));
    let plan = [("output", step(0, StepField::Output)), ("status", step(0, StepField::Status))];
    let steps = Value::map([("plan", Value::map(plan).unwrap())]).unwrap();
    context.add_variable_from_value("steps", value(&steps));
    match program.execute(&context) {
        Ok(found) => Outcome::Value(shown_cel(&found)),
        Err(_) => Outcome::Error,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::List(list) => format!("[{}]", list.items().iter().map(shown).collect::<Vec<_>>().join(",")),
        Value::Map(map) => braced(map.iter().map(|(key, value)| format!("{key}:{}", shown(value))).collect()),
        Value::Number(number) => match number.as_i64() {
            Some(int) => format!("{int}"),
            None => format!("{:?}", number.as_f64()),
        },
        Value::Str(text) => format!("{text:?}"),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
    }
}

fn shown_cel(value: &cel::Value) -> String {
    match value {
        cel::Value::List(items) => format!("[{}]", items.iter().map(shown_cel).collect::<Vec<_>>().join(",")),
        cel::Value::Map(map) => {
            braced(map.map.iter().map(|(key, value)| format!("{key}:{}", shown_cel(value))).collect())
        }
        cel::Value::Int(int) => format!("{int}"),
        cel::Value::Float(double) => format!("{double:?}"),
        cel::Value::String(text) => format!("{text:?}"),
        cel::Value::Bool(value) => value.to_string(),
        cel::Value::Null => "null".to_owned(),
        other => format!("{other:?}"),
    }
}

fn braced(mut entries: Vec<String>) -> String {
    entries.sort();
    format!("{{{}}}", entries.join(","))
}

/// Expressions on which both agree, one a line.
const AGREED: &str = include_str!("agreed.txt");

#[test]
fn both_evaluators_agree() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for written in AGREED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        count += 1;
        match ours(written) {
            Ok(ours) if ours == theirs(written) => {}
            found => wrong.push(format!("{written}: ours {found:?}, theirs {:?}", theirs(written))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 150, "{count}");
}

/// The intended departures: the expression, what it comes to here, and what it comes to in CEL.
const DEPARTURES: &[(&str, &str, &str)] = &[
    ("input.n + 1.5", "4.5", "an error"),
    ("7 / 2.0", "3.5", "an error"),
    ("1.0 / 0.0", "division_by_zero", "inf"),
    ("1e308 * 10.0", "number_overflow", "inf"),
    ("9007199254740991 + 1", "number_overflow", "9007199254740992"),
    ("9007199254740992", "E_EXPR_UNSUPPORTED", "9007199254740992"),
    ("string(2.0)", "\"2.0\"", "\"2\""),
    ("double('nan')", "invalid_argument", "NaN"),
    ("1 in input.map", "type_mismatch", "false"),
    ("has(input.no.such.key)", "false", "an error"),
    ("has(input.none.key)", "false", "an error"),
    ("has(input.list[9])", "false", "an error"),
    ("has(input)", "true", "an error"),
    ("has(steps.write)", "false", "false"),
    ("{1: 2}", "E_EXPR_TYPE", "{1:2}"),
    ("1 == '1'", "E_EXPR_TYPE", "false"),
    ("false && 1 + true > 1", "E_EXPR_TYPE", "false"),
    ("contains('abc', 'b')", "true", "an error"),
    ("1u", "E_EXPR_UNSUPPORTED", "UInt(1)"),
    ("b'a'", "E_EXPR_UNSUPPORTED", "Bytes([97])"),
    ("type(1)", "E_EXPR_UNSUPPORTED", "\"int\""),
    (
        "steps.plan",
        "E_EXPR_UNKNOWN_FIELD",
        "{output:{items:[{ok:true,score:0.5},{ok:false,score:0.9}],n:41},status:\"completed\"}",
    ),
    ("default(input.no, 1)", "1", "an error"),
    ("input.text.trim()", "\"some text\"", "an error"),
];

#[test]
fn departures_are_as_intended_and_in_the_reference() {
    let reference = include_str!("../../../docs/reference/expressions.md");
    for (written, expected, in_cel) in DEPARTURES {
        let found = match ours(written) {
            Ok(Outcome::Value(value)) => value,
            Ok(Outcome::Error) => our_error(written).map_or("", ExprErrorCode::as_str).to_owned(),
            Err(codes) => codes,
        };
        assert_eq!(found, *expected, "{written}");
        let found = match theirs(written) {
            Outcome::Value(value) => value,
            Outcome::Error => "an error".to_owned(),
        };
        assert_eq!(found, *in_cel, "{written} in CEL");
        assert!(reference.contains(&format!("`{written}`")), "the reference does not have `{written}`");
    }
    for function in kneo_core::expr::Function::ALL {
        let entry = format!("`{}`", function.signature());
        assert!(reference.contains(&entry), "the reference does not have {entry}");
    }
    for code in ["no_such_key", "index_out_of_range", "undefined_step", "undefined_root", "type_mismatch"] {
        assert!(reference.contains(&format!("`{code}`")), "the reference does not have `{code}`");
    }
}

/// The order of a map's keys is the author's; CEL leaves it open.
#[test]
fn maps_keep_the_order_of_their_keys() {
    assert_eq!(ours("{'z': 1, 'a': 2, 'm': 3}.map(k, k)"), Ok(Outcome::Value("[\"z\",\"a\",\"m\"]".to_owned())));
}

/// Expressions of one type each, with errors at run time among them.
mod generated {
    use proptest::prelude::*;

    type Written = BoxedStrategy<String>;

    pub(super) fn any(depth: u32) -> Written {
        prop_oneof![bool(depth), int(depth), double(depth), text(depth), list(depth)].boxed()
    }

    fn bool(depth: u32) -> Written {
        let leaf = prop_oneof![
            Just("true".to_owned()),
            Just("false".to_owned()),
            Just("input.flag".to_owned()),
            Just("has(input.map.a)".to_owned()),
            Just("has(input.map.zz)".to_owned()),
            Just("input.missing".to_owned()),
        ];
        if depth == 0 {
            return leaf.boxed();
        }
        let below = depth - 1;
        let op = prop_oneof![Just("=="), Just("!="), Just("<"), Just("<="), Just(">"), Just(">=")];
        let mix = prop_oneof![Just("&&"), Just("||")];
        let number = prop_oneof![int(below), double(below)].boxed();
        prop_oneof![
            1 => leaf,
            3 => (bool(below), mix, bool(below)).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            1 => bool(below).prop_map(|a| format!("!({a})")),
            2 => (number.clone(), op.clone(), number).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            1 => (text(below), op, text(below)).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            1 => (list(below), list(below)).prop_map(|(a, b)| format!("{a} == {b}")),
            1 => (int(below), list(below)).prop_map(|(a, b)| format!("({a} in {b})")),
            1 => (list(below), int(below)).prop_map(|(a, b)| format!("{a}.all(x, x > {b})")),
            1 => (list(below), bool(below)).prop_map(|(a, b)| format!("{a}.exists(x, x == 2 || {b})")),
            1 => (list(below), int(below)).prop_map(|(a, b)| format!("{a}.exists_one(x, 6 / x > {b})")),
            1 => (text(below), text(below)).prop_map(|(a, b)| format!("{a}.contains({b})")),
            1 => (text(below), text(below)).prop_map(|(a, b)| format!("{a}.startsWith({b})")),
        ]
        .boxed()
    }

    fn int(depth: u32) -> Written {
        let leaf = prop_oneof![
            (0..20).prop_map(|n: i32| n.to_string()),
            Just("input.n".to_owned()),
            Just("steps.plan.output.n".to_owned()),
            Just("input.map.zz".to_owned()),
            (0..5).prop_map(|n| format!("input.list[{n}]")),
        ];
        if depth == 0 {
            return leaf.boxed();
        }
        let below = depth - 1;
        let op = prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%")];
        prop_oneof![
            2 => leaf,
            3 => (int(below), op, int(below)).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            1 => int(below).prop_map(|a| format!("(-{a})")),
            1 => (bool(below), int(below), int(below)).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
            1 => list(below).prop_map(|a| format!("size({a})")),
            1 => text(below).prop_map(|a| format!("{a}.size()")),
            1 => (list(below), int(below)).prop_map(|(a, b)| format!("{a}[{b}]")),
            1 => double(below).prop_map(|a| format!("int({a})")),
        ]
        .boxed()
    }

    fn double(depth: u32) -> Written {
        let leaf = prop_oneof![
            (0..20, 0..10).prop_map(|(n, tenth)| format!("{n}.{tenth}")),
            Just("input.x".to_owned()),
            Just("steps.plan.output.items[0].score".to_owned()),
        ];
        if depth == 0 {
            return leaf.boxed();
        }
        let below = depth - 1;
        let op = prop_oneof![Just("+"), Just("-"), Just("*")];
        prop_oneof![
            2 => leaf,
            2 => (double(below), op, double(below)).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            1 => int(below).prop_map(|a| format!("double({a})")),
        ]
        .boxed()
    }

    fn text(depth: u32) -> Written {
        let leaf = prop_oneof![
            "[a-c]{0,3}".prop_map(|text| format!("'{text}'")),
            Just("'é'".to_owned()),
            Just("input.text".to_owned()),
            Just("input.map.zz".to_owned()),
        ];
        if depth == 0 {
            return leaf.boxed();
        }
        let below = depth - 1;
        prop_oneof![
            2 => leaf,
            2 => (text(below), text(below)).prop_map(|(a, b)| format!("({a} + {b})")),
            1 => int(below).prop_map(|a| format!("string({a})")),
            1 => bool(below).prop_map(|a| format!("string({a})")),
            1 => (bool(below), text(below), text(below)).prop_map(|(c, a, b)| format!("({c} ? {a} : {b})")),
        ]
        .boxed()
    }

    fn list(depth: u32) -> Written {
        let leaf = prop_oneof![Just("[]".to_owned()), Just("[1, 2, 3]".to_owned()), Just("input.list".to_owned())];
        if depth == 0 {
            return leaf.boxed();
        }
        let below = depth - 1;
        prop_oneof![
            2 => leaf,
            1 => proptest::collection::vec(int(below), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            1 => (list(below), list(below)).prop_map(|(a, b)| format!("({a} + {b})")),
            1 => (list(below), int(below)).prop_map(|(a, b)| format!("{a}.map(x, x + {b})")),
            1 => (list(below), bool(below)).prop_map(|(a, b)| format!("{a}.filter(x, x > 1 && {b})")),
            1 => (list(below), int(below)).prop_map(|(a, b)| format!("{a}.map(x, x != 2, [x].map(y, x * y + {b})[0])")),
        ]
        .boxed()
    }
}

/// Pieces of expressions in any order: mostly errors, of all kinds.
fn soup() -> impl Strategy<Value = String> {
    let words = [
        "input", "steps", "plan", "my", "-", "step", ".", "output", "(", ")", "[", "]", "{", "}", "{{", "}}", "'",
        "\"", "a", "1", "2.5", "==", "=", "&&", "||", "&", "!", "?", ":", ",", "+", "*", "/", "%", "in", "has",
        "default", "size", "all", "x", "map", "true", "null", "\\", "`", ".?", "r'", "'''", "//", "\n", "é", "0x",
        "1e", "u", "b'", "if", "<", ">=",
    ];
    let word = (proptest::sample::select(words.to_vec()), prop_oneof![Just(""), Just(" ")]);
    proptest::collection::vec(word, 0..40)
        .prop_map(|words| words.into_iter().flat_map(|(word, gap)| [word, gap]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_evaluators_agree_on_generated_expressions(written in generated::any(3)) {
        let ours = match ours(&written) {
            Ok(ours) => ours,
            // Products of products leave the range of JSON's integers, and the bounds of length are ours.
            Err(code) => {
                prop_assert!(matches!(code.as_str(), "E_EXPR_TOO_LONG" | "E_EXPR_TOO_DEEP"), "{code}: {written}");
                return Ok(());
            }
        };
        let beyond = our_error(&written) == Some(ExprErrorCode::NumberOverflow);
        prop_assert!(beyond || ours == theirs(&written), "{written}: ours {ours:?}, theirs {:?}", theirs(&written));
    }

    #[test]
    fn no_text_makes_the_compiler_panic(written in prop_oneof![soup(), "\\PC{0,60}"]) {
        let written = written.replace('\t', " ");
        with_text(&written, |text, file| {
            for hole in [false, true] {
                let mut sink = Diagnostics::default();
                let whole = match hole {
                    true => template(text, &Workflow, &mut parser(), &mut sink).is_some(),
                    false => condition(text, &Workflow, &mut parser(), &mut sink).is_some(),
                };
                assert_eq!(whole, !sink.has_errors(), "{written}: {sink:?}");
                for found in &sink {
                    let span = found.primary.span;
                    assert!(file.text().get(span.range()).is_some(), "{written}: {found:?}");
                    assert!(found.help.is_some(), "{written}: no help: {found:?}");
                }
            }
        });
    }
}

/// The parser recurses with large frames; the deepest texts it is given must not overflow a small stack.
#[test]
fn deep_texts_do_not_overflow_the_stack() {
    let texts = [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{'a': ", "1", "}"),
        ("size(", "1", ")"),
        ("input[", "1", "]"),
        ("true ? ", "1", " : 2"),
        ("1 + ", "1", ""),
        ("!", "true", ""),
        ("-", "1", ""),
        ("a.", "b", ""),
        ("1 < ", "1", ""),
        ("(", "", ""),
    ];
    let worker = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
        for (open, middle, close) in texts {
            for count in [8, 31, 33, 200, 2_000] {
                let written = format!("{}{middle}{}", open.repeat(count), close.repeat(count));
                if written.len() <= parse::MAX_BYTES {
                    let _ = compiled(&written);
                }
            }
        }
    });
    worker.unwrap().join().unwrap();
}
