//! Tables of trees and what they come to; the surface syntax has its own tests where it is parsed.

use std::collections::HashMap;

use proptest::prelude::*;

use super::ExprErrorCode::{
    Cost, DivisionByZero, IndexOutOfRange, InvalidArgument, NoSuchKey, NumberOverflow, TypeMismatch, UndefinedRoot,
    UndefinedStep,
};
use super::*;

/// Steps by index, each with an output.
#[derive(Default)]
struct Steps {
    input: Option<Value>,
    outputs: HashMap<u32, Value>,
}

impl Env for Steps {
    fn root(&self, root: Root) -> Option<Cow<'_, Value>> {
        match root {
            Root::Input => self.input.as_ref().map(Cow::Borrowed),
            Root::RunId => Some(Cow::Owned(Value::from("r1"))),
            _ => None,
        }
    }

    fn step(&self, step: u32, field: StepField) -> Option<Cow<'_, Value>> {
        let output = self.outputs.get(&step)?;
        match field {
            StepField::Output => Some(Cow::Borrowed(output)),
            StepField::Attempts => Some(Cow::Owned(Value::from(1))),
            _ => None,
        }
    }

    fn step_id(&self, step: u32) -> Option<&str> {
        (step == 7).then_some("later")
    }
}

fn env() -> Steps {
    let input = Value::from_json_text(r#"{"n":3,"t":"text","none":null,"list":[1,2,3],"deep":{"a":{"b":true}}}"#);
    Steps { input: input.ok(), outputs: HashMap::from([(0, Value::from_json_text(r#"{"n":41}"#).unwrap())]) }
}

/// Reads a tree from its stored form, so that the tables check that too.
fn tree(stored: &str) -> Expr {
    let tree: Expr = serde_json::from_str(stored).unwrap_or_else(|error| panic!("{stored}: {error}"));
    assert_eq!(serde_json::to_string(&tree).unwrap(), stored, "the stored form is compact and stable");
    tree
}

fn outcome(stored: &str) -> Result<String, ExprErrorCode> {
    tree(stored).eval(&env(), &mut Meter::new()).map(|value| value.to_string()).map_err(|error| error.code())
}

#[test]
fn every_kind_of_node_has_its_stored_form_and_its_value() {
    for (stored, expected) in [
        (r#"{"v":null}"#, Ok("null")),
        (r#"{"d":2.0}"#, Ok("2.0")),
        (r#"{"root":"run.id"}"#, Ok(r#""r1""#)),
        (r#"{"root":"prev"}"#, Err(UndefinedRoot)),
        (r#"{"step":{"n":0,"f":"output"}}"#, Ok(r#"{"n":41}"#)),
        (r#"{"step":{"n":0,"f":"attempts"}}"#, Ok("1")),
        (r#"{"step":{"n":0,"f":"decision"}}"#, Err(UndefinedStep)),
        (r#"{"step":{"n":7,"f":"output"}}"#, Err(UndefinedStep)),
        (r#"{"path":[{"root":"input"},[{"k":"n"}]]}"#, Ok("3")),
        (r#"{"path":[{"root":"input"},[{"k":"list"},{"i":{"v":2}}]]}"#, Ok("3")),
        (r#"{"path":[{"root":"input"},[{"k":"list"},{"i":{"d":2.0}}]]}"#, Ok("3")),
        (r#"{"path":[{"root":"input"},[{"k":"list"},{"i":{"v":3}}]]}"#, Err(IndexOutOfRange)),
        (r#"{"path":[{"root":"input"},[{"k":"list"},{"i":{"v":-1}}]]}"#, Err(IndexOutOfRange)),
        (r#"{"path":[{"root":"input"},[{"k":"list"},{"i":{"v":"0"}}]]}"#, Err(TypeMismatch)),
        (r#"{"path":[{"root":"input"},[{"k":"absent"}]]}"#, Err(NoSuchKey)),
        (r#"{"path":[{"root":"input"},[{"k":"none"},{"k":"x"}]]}"#, Err(NoSuchKey)),
        (r#"{"path":[{"root":"input"},[{"k":"n"},{"k":"x"}]]}"#, Err(TypeMismatch)),
        (r#"{"path":[{"list":[{"v":5}]},[{"i":{"v":0}}]]}"#, Ok("5")),
        (r#"{"has":{"path":[{"root":"input"},[{"k":"deep"},{"k":"a"}]]}}"#, Ok("true")),
        (r#"{"has":{"path":[{"root":"input"},[{"k":"no"},{"k":"a"},{"k":"b"}]]}}"#, Ok("false")),
        (r#"{"has":{"path":[{"root":"input"},[{"k":"none"},{"k":"a"}]]}}"#, Ok("false")),
        (r#"{"has":{"path":[{"root":"input"},[{"k":"list"},{"i":{"v":9}}]]}}"#, Ok("false")),
        (r#"{"has":{"step":{"n":7,"f":"output"}}}"#, Ok("false")),
        (r#"{"has":{"path":[{"root":"input"},[{"k":"n"},{"k":"a"}]]}}"#, Err(TypeMismatch)),
        (r#"{"default":[{"path":[{"root":"prev"},[{"k":"a"}]]},{"v":"d"}]}"#, Ok(r#""d""#)),
        (r#"{"default":[{"path":[{"root":"input"},[{"k":"n"}]]},{"v":"d"}]}"#, Ok("3")),
        (r#"{"default":[{"path":[{"root":"input"},[{"k":"none"}]]},{"v":"d"}]}"#, Ok("null")),
        // The index is not part of the path that is asked for.
        (r#"{"has":{"path":[{"root":"input"},[{"i":{"root":"prev"}}]]}}"#, Err(UndefinedRoot)),
        (r#"{"list":[{"v":1},{"root":"run.id"}]}"#, Ok(r#"[1,"r1"]"#)),
        (r#"{"map":[[{"v":"z"},{"v":1}],[{"v":"a"},{"v":2}]]}"#, Ok(r#"{"z":1,"a":2}"#)),
        (r#"{"map":[[{"v":"z"},{"v":1}],[{"v":"z"},{"v":2}]]}"#, Err(InvalidArgument)),
        (r#"{"map":[[{"v":1},{"v":1}]]}"#, Err(TypeMismatch)),
        (r#"{"!":{"v":true}}"#, Ok("false")),
        (r#"{"!":{"v":1}}"#, Err(TypeMismatch)),
        (r#"{"neg":{"v":2}}"#, Ok("-2")),
        (r#"{"if":[{"v":true},{"v":1},{"root":"prev"}]}"#, Ok("1")),
        (r#"{"if":[{"v":1},{"v":1},{"v":2}]}"#, Err(TypeMismatch)),
        (r#"{"op":["-",[{"v":9},{"v":2},{"v":3}]]}"#, Ok("4")),
        (r#"{"op":["/",[{"v":7},{"v":2}]]}"#, Ok("3")),
        (r#"{"op":["/",[{"v":7},{"d":2.0}]]}"#, Ok("3.5")),
        (r#"{"op":["/",[{"v":7},{"v":0}]]}"#, Err(DivisionByZero)),
        (r#"{"op":["/",[{"v":7},{"d":0.0}]]}"#, Err(DivisionByZero)),
        (r#"{"op":["%",[{"v":-7},{"v":2}]]}"#, Ok("-1")),
        (r#"{"op":["%",[{"d":7.5},{"v":2}]]}"#, Err(TypeMismatch)),
        (r#"{"op":["+",[{"v":9007199254740991},{"v":1}]]}"#, Err(NumberOverflow)),
        (r#"{"op":["*",[{"v":9007199254740991},{"v":9007199254740991}]]}"#, Err(NumberOverflow)),
        (r#"{"op":["*",[{"d":1e+300},{"d":1e+300}]]}"#, Err(NumberOverflow)),
        (r#"{"op":["+",[{"v":"a"},{"v":"b"},{"v":"c"}]]}"#, Ok(r#""abc""#)),
        (r#"{"op":["+",[{"v":[1]},{"v":[2]}]]}"#, Ok("[1,2]")),
        (r#"{"op":["+",[{"v":"a"},{"v":1}]]}"#, Err(TypeMismatch)),
        (r#"{"op":["-",[{"v":"a"},{"v":"b"}]]}"#, Err(TypeMismatch)),
        (r#"{"op":["+",[]]}"#, Err(InvalidArgument)),
        (r#"{"cmp":["==",{"v":1},{"d":1.0}]}"#, Ok("true")),
        (r#"{"cmp":["==",{"v":1},{"v":"1"}]}"#, Ok("false")),
        (r#"{"cmp":["!=",{"v":1},{"v":null}]}"#, Ok("true")),
        (r#"{"cmp":["<",{"v":"a"},{"v":"b"}]}"#, Ok("true")),
        (r#"{"cmp":[">=",{"v":2},{"d":1.5}]}"#, Ok("true")),
        (r#"{"cmp":["<",{"v":"a"},{"v":1}]}"#, Err(TypeMismatch)),
        (r#"{"cmp":["in",{"v":2},{"v":[1,2]}]}"#, Ok("true")),
        (r#"{"cmp":["in",{"v":"n"},{"root":"input"}]}"#, Ok("true")),
        (r#"{"cmp":["in",{"v":1},{"root":"input"}]}"#, Err(TypeMismatch)),
        (r#"{"matches":[{"v":"abc"},"b+"]}"#, Ok("true")),
        (r#"{"matches":[{"v":"abc"},"("]}"#, Err(InvalidArgument)),
        (r#"{"call":["size",[{"v":"é"}]]}"#, Ok("1")),
        (r#"{"call":["size",[]]}"#, Err(InvalidArgument)),
        (r#"{"each":{"k":"all","o":{"v":[1,2]},"b":{"cmp":[">",{"local":0},{"v":0}]}}}"#, Ok("true")),
        (r#"{"each":{"k":"exists_one","o":{"v":[1,1]},"b":{"cmp":[">",{"local":0},{"v":0}]}}}"#, Ok("false")),
        (r#"{"each":{"k":"filter","o":{"v":{"b":1,"a":2}},"b":{"v":true}}}"#, Ok(r#"["b","a"]"#)),
        (r#"{"each":{"k":"map","o":{"v":[1,2]},"w":{"v":false},"b":{"local":0}}}"#, Ok("[]")),
        (
            r#"{"each":{"k":"map","o":{"v":[1,2]},"b":{"each":{"k":"map","o":{"v":[10]},"b":{"op":["+",[{"local":0},{"local":1}]]}}}}}"#,
            Ok("[[11],[12]]"),
        ),
        (r#"{"local":0}"#, Err(UndefinedRoot)),
    ] {
        assert_eq!(outcome(stored), expected.map(str::to_owned), "{stored}");
    }
}

#[test]
fn a_deciding_operand_wins_over_errors_on_either_side() {
    let error = r#"{"root":"prev"}"#;
    for (stored, expected) in [
        (format!(r#"{{"&&":[{{"v":false}},{error}]}}"#), Ok("false")),
        (format!(r#"{{"&&":[{error},{{"v":true}},{{"v":false}}]}}"#), Ok("false")),
        (format!(r#"{{"&&":[{error},{{"v":true}}]}}"#), Err(UndefinedRoot)),
        (format!(r#"{{"||":[{error},{{"v":true}}]}}"#), Ok("true")),
        (format!(r#"{{"||":[{error},{{"v":false}}]}}"#), Err(UndefinedRoot)),
        (r#"{"&&":[{"v":1},{"v":false}]}"#.to_owned(), Ok("false")),
        (r#"{"&&":[{"v":1},{"v":true}]}"#.to_owned(), Err(TypeMismatch)),
        (r#"{"each":{"k":"exists","o":{"v":["a",1]},"b":{"cmp":[">",{"local":0},{"v":0}]}}}"#.to_owned(), Ok("true")),
        (
            r#"{"each":{"k":"all","o":{"v":["a",1]},"b":{"cmp":[">",{"local":0},{"v":0}]}}}"#.to_owned(),
            Err(TypeMismatch),
        ),
    ] {
        assert_eq!(outcome(&stored), expected.map(str::to_owned), "{stored}");
    }
}

#[test]
fn functions_do_what_the_reference_says() {
    for (call, expected) in [
        (r#"["size",[{"v":[1,2]}]]"#, Ok("2")),
        (r#"["size",[{"v":{"a":1}}]]"#, Ok("1")),
        (r#"["size",[{"v":1}]]"#, Err(TypeMismatch)),
        (r#"["join",[{"v":["a",1,null,[2]]},{"v":", "}]]"#, Ok(r#""a, 1, null, [2]""#)),
        (r#"["join",[{"v":["a","b"]}]]"#, Ok(r#""ab""#)),
        (r#"["json",[{"v":{"a":["x"]}}]]"#, Ok(r#""{\"a\":[\"x\"]}""#)),
        (r#"["lines",[{"v":["a","b"]}]]"#, Ok(r#""a\nb""#)),
        (r#"["lines",[{"v":"a\r\nb\n"}]]"#, Ok(r#"["a","b"]"#)),
        (r#"["lines",[{"v":1}]]"#, Err(TypeMismatch)),
        (r#"["truncate",[{"v":"grün"},{"v":4}]]"#, Ok(r#""grün""#)),
        (r#"["truncate",[{"v":"grün"},{"v":3}]]"#, Ok(r#""gr…""#)),
        (r#"["truncate",[{"v":"grün"},{"v":0}]]"#, Ok(r#""""#)),
        (r#"["truncate",[{"v":"x"},{"v":-1}]]"#, Err(InvalidArgument)),
        (r#"["truncate",[{"v":"x"},{"v":"1"}]]"#, Err(TypeMismatch)),
        (r#"["bullets",[{"v":["a","b\nc"]}]]"#, Ok(r#""- a\n- b\n  c""#)),
        (r#"["matches",[{"v":"abc"},{"v":"^b"}]]"#, Ok("false")),
        (r#"["matches",[{"v":"abc"},{"v":"("}]]"#, Err(InvalidArgument)),
        (r#"["contains",[{"v":"abc"},{"v":"b"}]]"#, Ok("true")),
        (r#"["contains",[{"v":["b"]},{"v":"b"}]]"#, Err(TypeMismatch)),
        (r#"["startsWith",[{"v":"abc"},{"v":"ab"}]]"#, Ok("true")),
        (r#"["endsWith",[{"v":"abc"},{"v":"ab"}]]"#, Ok("false")),
        (r#"["string",[{"v":1.5}]]"#, Ok(r#""1.5""#)),
        (r#"["string",[{"v":true}]]"#, Ok(r#""true""#)),
        (r#"["string",[{"v":null}]]"#, Err(TypeMismatch)),
        (r#"["int",[{"v":-1.9}]]"#, Ok("-1")),
        (r#"["int",[{"v":"12"}]]"#, Ok("12")),
        (r#"["int",[{"v":"1.5"}]]"#, Err(InvalidArgument)),
        (r#"["int",[{"v":"9007199254740992"}]]"#, Err(NumberOverflow)),
        (r#"["int",[{"v":1e+300}]]"#, Err(NumberOverflow)),
        (r#"["double",[{"v":2}]]"#, Ok("2.0")),
        (r#"["double",[{"v":"inf"}]]"#, Err(InvalidArgument)),
        (r#"["lowerAscii",[{"v":"ABÇ"}]]"#, Ok(r#""abÇ""#)),
        (r#"["upperAscii",[{"v":"abç"}]]"#, Ok(r#""ABç""#)),
        (r#"["trim",[{"v":" a \n"}]]"#, Ok(r#""a""#)),
        (r#"["split",[{"v":"a,b,"},{"v":","}]]"#, Ok(r#"["a","b",""]"#)),
        (r#"["split",[{"v":"añ"},{"v":""}]]"#, Ok(r#"["a","ñ"]"#)),
        (r#"["replace",[{"v":"aXbX"},{"v":"X"},{"v":"-"}]]"#, Ok(r#""a-b-""#)),
        (r#"["replace",[{"v":"ab"},{"v":""},{"v":"-"}]]"#, Ok(r#""-a-b-""#)),
    ] {
        assert_eq!(outcome(&format!(r#"{{"call":{call}}}"#)), expected.map(str::to_owned), "{call}");
    }
}

#[test]
fn work_and_size_are_bounded() {
    let numbers = || Value::list((0..200u32).map(Value::from)).unwrap();
    let nested = |body: Expr| {
        let each =
            |body| Expr::Each(Box::new(Each { kind: EachKind::Map, over: Expr::Literal(numbers()), when: None, body }));
        each(each(body))
    };
    let megabyte = || Expr::Literal(Value::from("x".repeat(1 << 20)));
    let half = Expr::Literal(Value::from("x".repeat(600 << 10)));
    let call = |function, arguments| Expr::Call(function, arguments);
    let mut deep = Expr::Literal(Value::Null);
    for _ in 0..MAX_EXPR_DEPTH {
        deep = Expr::List(vec![deep]);
    }
    for (name, expr) in [
        ("nested macros", nested(Expr::Local(0))),
        ("a sum of texts", Expr::Arithmetic(ArithmeticOp::Add, vec![half.clone(), half.clone()])),
        ("a list of shared texts", Expr::List(vec![half.clone(), half])),
        (
            "an exploding replacement",
            call(Function::Replace, vec![megabyte(), "x".into_literal(), "xx".into_literal()]),
        ),
        ("a split into characters", call(Function::Split, vec![megabyte(), "".into_literal()])),
        ("too deep", deep),
    ] {
        let error = expr.eval(&(), &mut Meter::new()).unwrap_err();
        assert_eq!(error.code(), Cost, "{name}: {error}");
    }
    // A spent meter is never taken for an operand's error.
    let absorbed = Expr::Or(vec![
        Expr::Compare(CompareOp::Equal, Box::new(nested(Expr::Local(0))), Box::new(Expr::Literal(Value::Null))),
        Expr::Literal(Value::Bool(true)),
    ]);
    assert_eq!(absorbed.eval(&(), &mut Meter::new()).unwrap_err().code(), Cost);
}

trait IntoLiteral {
    fn into_literal(self) -> Expr;
}

impl IntoLiteral for &str {
    fn into_literal(self) -> Expr {
        Expr::Literal(Value::from(self))
    }
}

#[test]
fn what_is_only_read_is_lent_and_may_be_large() {
    let large = Value::from("x".repeat(4 << 20));
    let env = Steps { input: Some(Value::map([("big", large)]).unwrap()), ..Steps::default() };
    let path = Expr::Path(Box::new(Expr::Root(Root::Input)), vec![Access::Key("big".into())]);
    let mut meter = Meter::new();
    assert!(matches!(path.eval_ref(&env, &mut meter), Ok(Cow::Borrowed(Value::Str(_)))));
    assert_eq!(meter.steps(), 2);
}

#[test]
fn errors_name_the_step_and_say_what_to_do() {
    let error = tree(r#"{"step":{"n":7,"f":"output"}}"#).eval(&env(), &mut Meter::new()).unwrap_err();
    assert_eq!(error.to_string(), "step `later` has no `output`; guard the read with has() or default()");
    assert_eq!(error.code().as_str(), "undefined_step");
    let error = tree(r#"{"v":1}"#).eval_bool(&env(), &mut Meter::new()).unwrap_err();
    assert_eq!(error.to_string(), "a condition is a bool, not int");
}

#[test]
fn templates_fill_their_holes_and_keep_types_and_order() {
    let hole = |stored: &str| TextPart::Hole(tree(stored));
    let n = r#"{"path":[{"root":"input"},[{"k":"n"}]]}"#;
    let list = r#"{"path":[{"root":"input"},[{"k":"list"}]]}"#;
    let text = TextTemplate::new([
        TextPart::Text("n=".into()),
        TextPart::Text("".into()),
        TextPart::Text("(".into()),
        hole(n),
        TextPart::Text(") ".into()),
        hole(list),
    ]);
    assert_eq!(text.parts().len(), 4, "texts in a row are one");
    assert_eq!(&*text.eval(&env(), &mut Meter::new()).unwrap(), "n=(3) [1,2,3]");

    let value = ValueTemplate::map(vec![
        ("z".into(), ValueTemplate::Expr(tree(list))),
        ("a".into(), ValueTemplate::list(vec![ValueTemplate::Text(text), ValueTemplate::literal(&Value::Null)])),
    ]);
    let expected = r#"{"z":[1,2,3],"a":["n=(3) [1,2,3]",null]}"#;
    assert_eq!(value.eval(&env(), &mut Meter::new()).unwrap().to_string(), expected);
    let stored = serde_json::to_string(&value).unwrap();
    assert_eq!(serde_json::from_str::<ValueTemplate>(&stored).unwrap(), value);

    let literal = TextTemplate::new([TextPart::Text("a".into()), TextPart::Text("b".into())]);
    assert_eq!(literal.as_literal(), Some("ab"));
    assert_eq!(TextTemplate::default().as_literal(), Some(""));
}

#[test]
fn constants_read_back_from_the_canonical_form_as_they_were() {
    let text = r#"{"z":1,"a":[2.0,{"y":1e16,"b":-0.5}],"m":{"k":[]}}"#;
    let value = Value::from_json_text(text).unwrap();
    let template = ValueTemplate::literal(&value);
    let read: ValueTemplate = serde_json::from_str(&canonical(&template)).unwrap();
    assert_eq!(read.eval(&(), &mut Meter::new()).unwrap().to_string(), value.to_string());
    let expr = Expr::literal(&value);
    let read: Expr = serde_json::from_str(&canonical(&expr)).unwrap();
    assert_eq!(read.eval(&(), &mut Meter::new()).unwrap().to_string(), value.to_string());
}

fn canonical(value: &impl Serialize) -> String {
    serde_json_canonicalizer::to_string(value).unwrap()
}

#[test]
fn a_damaged_stored_form_is_refused() {
    for stored in [
        "{}",
        r#"{"unknown":1}"#,
        r#"{"v":1,"d":2}"#,
        r#"{"root":"environment"}"#,
        r#"{"step":{"n":0,"f":"output","x":1}}"#,
        r#"{"step":{"n":-1,"f":"output"}}"#,
        r#"{"each":{"k":"all","o":{"v":[]},"b":{"v":true},"z":1}}"#,
        r#"{"call":["exec",[]]}"#,
        r#"{"op":["^",[]]}"#,
    ] {
        assert!(serde_json::from_str::<Expr>(stored).is_err(), "{stored}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::from),
        prop_oneof![Just((1i64 << 53) - 1), Just(-(1i64 << 53) + 1), Just(0)].prop_map(|n| Value::int(n).unwrap()),
        prop_oneof![any::<f64>(), Just(1e308), Just(-0.0)].prop_filter_map("finite", |n| Value::float(n).ok()),
        prop_oneof!["[a-c]{0,3}", "\\PC{0,8}", "[0-9]{1,20}"].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| Value::list(items).unwrap()),
            proptest::collection::vec(("[a-c]", inner), 0..4).prop_map(|entries| Value::map(entries).unwrap()),
        ]
    })
}

fn any_expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        4 => any_value().prop_map(|value| Expr::literal(&value)),
        1 => Just(Expr::Root(Root::Input)),
        1 => Just(Expr::Root(Root::Prev)),
        1 => (0u32..2).prop_map(|step| Expr::Step(StepRead { step, field: StepField::Output })),
        2 => (0u16..3).prop_map(Expr::Local),
    ];
    leaf.prop_recursive(6, 64, 4, |inner| {
        let many = proptest::collection::vec(inner.clone(), 0..4);
        let access = prop_oneof!["[a-d]".prop_map(|key| Access::Key(key.into())), inner.clone().prop_map(Access::At)];
        let path = (inner.clone().prop_map(Box::new), proptest::collection::vec(access, 1..3))
            .prop_map(|(base, accesses)| Expr::Path(base, accesses));
        let op = prop_oneof![
            Just(ArithmeticOp::Add),
            Just(ArithmeticOp::Subtract),
            Just(ArithmeticOp::Multiply),
            Just(ArithmeticOp::Divide),
            Just(ArithmeticOp::Remainder)
        ];
        let cmp = prop_oneof![
            Just(CompareOp::Equal),
            Just(CompareOp::NotEqual),
            Just(CompareOp::Less),
            Just(CompareOp::GreaterEqual),
            Just(CompareOp::In)
        ];
        let kind = prop_oneof![
            Just(EachKind::All),
            Just(EachKind::Exists),
            Just(EachKind::ExistsOne),
            Just(EachKind::Map),
            Just(EachKind::Filter)
        ];
        let two = (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        prop_oneof![
            path.clone(),
            path.clone().prop_map(|path| Expr::Has(Box::new(path))),
            (path.prop_map(Box::new), inner.clone().prop_map(Box::new)).prop_map(|(a, b)| Expr::Default(a, b)),
            many.clone().prop_map(Expr::List),
            proptest::collection::vec((inner.clone(), inner.clone()), 0..3).prop_map(Expr::Map),
            inner.clone().prop_map(|part| Expr::Not(Box::new(part))),
            inner.clone().prop_map(|part| Expr::Negate(Box::new(part))),
            many.clone().prop_map(Expr::And),
            many.clone().prop_map(Expr::Or),
            (inner.clone().prop_map(Box::new), two.clone()).prop_map(|(test, (a, b))| Expr::If(test, a, b)),
            (op, many.clone()).prop_map(|(op, parts)| Expr::Arithmetic(op, parts)),
            (cmp, two).prop_map(|(op, (a, b))| Expr::Compare(op, a, b)),
            (proptest::sample::select(&Function::ALL[..]), many).prop_map(|(f, parts)| Expr::Call(f, parts)),
            (kind, inner.clone(), inner).prop_map(|(kind, over, body)| Expr::Each(Box::new(Each {
                kind,
                over,
                when: None,
                body
            }))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn evaluation_never_panics_and_stays_within_its_bounds(expr in any_expr(), input in any_value()) {
        let env = Steps { input: Some(input.clone()), outputs: HashMap::from([(0, input)]) };
        let mut meter = Meter::new();
        if let Ok(Cow::Owned(value)) = expr.eval_ref(&env, &mut meter) {
            prop_assert!(value.size() <= MAX_BUILT_BYTES);
        }
        prop_assert!(meter.steps() <= MAX_STEPS);
    }

    #[test]
    fn evaluation_is_deterministic_and_survives_the_stored_form(expr in any_expr(), input in any_value()) {
        let env = Steps { input: Some(input), ..Steps::default() };
        let stored = canonical(&expr);
        let read: Expr = serde_json::from_str(&stored).unwrap();
        let show = |expr: &Expr| expr.eval(&env, &mut Meter::new()).map(|value| value.to_string());
        prop_assert_eq!(show(&expr), show(&read));
    }
}
