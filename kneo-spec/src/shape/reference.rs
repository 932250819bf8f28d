//! The page of the reference about the fields of the language, made from the tables.

use super::{Field, FieldKind, Presence, SEATS, Shape, Since, Support, Word};

const HEAD: &str = "\
# The fields of specs

Everything that a spec of `version: v1` may hold, construct by construct, as this version compiles it. Made from the tables that the compiler reads specs by; how things work together is told in the [guides](../guide). In an editor the same stands where it is needed: see [specs in editors](../guide/editor.md).

Fields marked ⁺ are Kneo's own: the published v1 does not have them. What else differs is in [departures from the published v1](v1-departures.md). A field that is listed as not supported yet is part of the language, and this version refuses it with `E_NOT_SUPPORTED_YET`. Every construct may have keys of the author's own that begin with `x-`; they have no effect.

| What a field holds | |
| --- | --- |
| name | text of 1 to 256 bytes without control characters, and without white space at its ends |
| text | text as it stands |
| text with holes | text in which `{{ expression }}` is replaced: see [expressions](expressions.md) |
| expression | a bare expression, or `true` or `false` |
| value with holes | any value, whose texts may have holes; a text that is exactly one hole keeps the type |
| seconds | a number of seconds, from 0.001 to 315,360,000 (ten years) |
| JSON Schema | a mapping, or `true` or `false`; draft 2020-12 unless it says otherwise |
";

/// The page.
pub(super) fn page(shapes: &[&'static Shape]) -> String {
    let mut page = format!("{HEAD}\n## Constructs\n\n");
    for shape in shapes {
        page.push_str(&format!("- {}: {}\n", link(shape), escaped(shape.doc)));
    }
    for shape in shapes {
        page.push_str(&construct(shape));
    }
    page
}

fn construct(shape: &Shape) -> String {
    let mut text = format!("\n## {}\n\n{}. In short: `{}`.\n\n", heading(shape), capital(shape.doc), shape.example);
    let kinds = shape.kinds();
    let of = |field: &Field| match (kinds, field.only) {
        (None, _) => String::new(),
        (Some(_), []) => " all |".to_owned(),
        (Some(_), only) => format!(" {} |", ticked(only.iter().copied())),
    };
    text.push_str("| Field | Holds | |");
    if let Some(kinds) = kinds {
        text.push_str(&format!(" Of `{}` |", kinds.name));
    }
    text.push_str(" What it is for |\n| --- | --- | --- |");
    text.push_str(if kinds.is_some() { " --- | --- |\n" } else { " --- |\n" });
    for field in shape.supported() {
        text.push_str(&format!(
            "| {} | {} | {} |{} {} |\n",
            name(field),
            held(field),
            presence(shape, field),
            of(field),
            escaped(field.doc)
        ));
    }
    text.push_str(&words(shape));
    let later: Vec<String> = shape
        .fields
        .iter()
        .filter(|field| field.support == Support::NotYet)
        .map(|field| {
            let of = ticked(field.only.iter().copied());
            let of = if of.is_empty() { of } else { format!(" (of {of})") };
            format!("- {}{of}: {}\n", name(field), escaped(field.doc))
        })
        .collect();
    if !later.is_empty() {
        text.push_str(&format!("\nNot supported yet:\n\n{}", later.concat()));
    }
    text
}

/// The words of the construct's fields and what they mean; of fields with the same words once.
fn words(shape: &Shape) -> String {
    let rows = |field: &Field| -> String {
        let of = |word: &Word| {
            let meaning = shape.meaning(field.name, word.text).unwrap_or_default();
            let later = if word.support == Support::NotYet { "; not supported yet" } else { "" };
            format!("| `{}` | {}{later} |\n", word.text, escaped(meaning))
        };
        field.words().iter().map(of).collect()
    };
    let mut tables: Vec<(String, String)> = Vec::new();
    for field in shape.supported().filter(|field| !field.words().is_empty()) {
        let (name, rows) = (format!("`{}:`", field.name), rows(field));
        match tables.iter_mut().find(|(_, known)| *known == rows) {
            Some((names, _)) => names.push_str(&format!(", {name}")),
            None => tables.push((name, rows)),
        }
    }
    tables.iter().map(|(names, rows)| format!("\n| {names} | |\n| --- | --- |\n{rows}")).collect()
}

fn name(field: &Field) -> String {
    let own = if field.since == Since::Kneo { "⁺" } else { "" };
    format!("`{}`{own}", field.name)
}

fn presence(shape: &Shape, field: &Field) -> String {
    let told = match field.presence {
        Presence::Required | Presence::RequiredThere => "required".to_owned(),
        Presence::OneOf => "one of these".to_owned(),
        Presence::SomeOf => "at least one of these".to_owned(),
        Presence::Optional => String::new(),
        Presence::Default(default) => format!("default `{default}`"),
    };
    let seats = SEATS.iter().filter(|seat| seat.of == shape.name);
    let except = seats.filter_map(|seat| {
        let place = format!("under `{}:` of {}", seat.field, seat.shape);
        if seat.required == field.name {
            Some(format!("required {place}"))
        } else if seat.spared == field.name {
            Some(format!("may be left out {place}"))
        } else if seat.own.contains(&field.name) {
            Some(format!("only {place}"))
        } else {
            None
        }
    });
    let beside = field.needs.map(|other| format!("only beside `{other}`"));
    let told = [told].into_iter().filter(|told| !told.is_empty());
    let all: Vec<String> = told.chain(beside).chain(except).collect();
    all.join("; ")
}

/// What a field holds.
fn held(field: &Field) -> String {
    let held = kind(&field.kind);
    if field.filled { format!("{held}, at least one") } else { held }
}

fn kind(of: &FieldKind) -> String {
    match of {
        FieldKind::Name => "name".to_owned(),
        FieldKind::Plain => "text".to_owned(),
        FieldKind::Text => "text with holes".to_owned(),
        FieldKind::Expr => "expression".to_owned(),
        FieldKind::Value => "value with holes".to_owned(),
        FieldKind::Any => "any value".to_owned(),
        FieldKind::Bool => "`true` or `false`".to_owned(),
        FieldKind::Integer { min, max } => format!("integer from {} to {}", grouped(*min), grouped(*max)),
        FieldKind::Number { min } => format!("number, {min} or more"),
        FieldKind::Seconds => "seconds".to_owned(),
        FieldKind::Words(_) => "a word".to_owned(),
        FieldKind::Schema => "JSON Schema".to_owned(),
        FieldKind::Shape(shape) => link(shape),
        FieldKind::List(item) => format!("list: {}", kind(item)),
        FieldKind::Map(item) => format!("mapping from names: {}", kind(item)),
        FieldKind::Either(kinds) => kinds.iter().map(kind).collect::<Vec<_>>().join(", or "),
    }
}

fn link(shape: &Shape) -> String {
    format!("[{}](#{})", shape.noun(), shape.id())
}

fn heading(shape: &Shape) -> String {
    if shape.name.starts_with('`') { shape.name.to_owned() } else { capital(shape.noun()) }
}

fn ticked<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A text that may stand in a table.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
