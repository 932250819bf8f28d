//! What is certain of a value before anything runs.
//!
//! An expression that reads what can never be there, or compares a word with one that it can never be, is a mistake
//! that needs no run to be seen. Only what is certain is said here: of everything else nothing is known.

mod schema;

use kneo_core::expr::{Root, StepField};
use kneo_core::failure::FailureKind;
use kneo_core::name::Name;
use kneo_core::plan::StepStatus;

use crate::expr::{Type, is_text};
use crate::source::Spanned;
use crate::syntax::{Kind, NodeId, Tree};

pub(crate) use schema::Schema;

/// What is certain of a value.
#[derive(Clone, Copy, Default)]
pub(crate) enum Known<'a> {
    #[default]
    Nothing,
    /// It has this type.
    Plain(Type),
    /// It is one of these words.
    Word(Words<'a>),
    /// What a person decided: one of these kinds.
    Decision(&'static [&'static str]),
    /// Why a step failed.
    Failure,
    /// What a `set` step computed.
    Set(&'a [(Spanned<Name>, NodeId)], &'a Tree),
    /// A value as written, its holes aside.
    Written(NodeId, &'a Tree),
    /// A map whose keys are among these.
    Among(&'a [Name]),
    /// It fits a JSON Schema.
    Fits(Schema<'a>),
}

/// A text that is one of a few.
#[derive(Clone, Copy)]
pub(crate) enum Words<'a> {
    These(&'static [&'static str]),
    Statuses,
    Failures,
    Texts(&'a kneo_core::value::List),
}

/// What is under a key.
pub(crate) enum Child<'a> {
    /// Something of which this is certain.
    Is(Known<'a>),
    /// Nothing, ever: the map has these keys and no others.
    Never(Vec<&'a str>),
}

/// Maps of more keys are not looked into: each read would cost all of them.
const MOST_KEYS: usize = 1_000;

impl<'a> Known<'a> {
    pub(crate) fn found(self) -> Type {
        match self {
            Known::Nothing => Type::Any,
            Known::Plain(found) => found,
            Known::Word(_) => Type::Text,
            Known::Decision(_) | Known::Failure | Known::Set(..) | Known::Among(_) => Type::Map,
            Known::Written(node, tree) => written(node, tree),
            Known::Fits(schema) => schema.found(),
        }
    }

    /// The words that it is one of, if it is.
    pub(crate) fn words(self) -> Option<Words<'a>> {
        match self {
            Known::Word(words) => Some(words),
            Known::Fits(schema) => schema.words(),
            Known::Nothing
            | Known::Plain(_)
            | Known::Decision(_)
            | Known::Failure
            | Known::Set(..)
            | Known::Written(..)
            | Known::Among(_) => None,
        }
    }

    /// What is under a key of it, where it is a map.
    pub(crate) fn key(self, key: &str) -> Child<'a> {
        match self {
            Known::Nothing | Known::Plain(_) | Known::Word(_) => Child::Is(Known::Nothing),
            Known::Decision(kinds) => match key {
                "kind" => Child::Is(Known::Word(Words::These(kinds))),
                "at" => Child::Is(Known::Plain(Type::Text)),
                "content" | "option" | "by" => Child::Is(Known::Nothing),
                _ => Child::Never(vec!["kind", "content", "option", "by", "at"]),
            },
            Known::Failure => match key {
                "kind" => Child::Is(Known::Word(Words::Failures)),
                "message" => Child::Is(Known::Plain(Type::Text)),
                "retryable" => Child::Is(Known::Plain(Type::Bool)),
                "code" => Child::Is(Known::Nothing),
                _ => Child::Never(vec!["kind", "code", "message", "retryable"]),
            },
            Known::Set(entries, tree) => {
                if entries.len() > MOST_KEYS {
                    return Child::Is(Known::Nothing);
                }
                match entries.iter().find(|(name, _)| name.value.as_str() == key) {
                    Some((_, node)) => Child::Is(Known::Written(*node, tree)),
                    None => Child::Never(entries.iter().map(|(name, _)| name.value.as_str()).collect()),
                }
            }
            Known::Among(names) if names.len() > MOST_KEYS || names.iter().any(|name| name.as_str() == key) => {
                Child::Is(Known::Nothing)
            }
            Known::Among(names) => Child::Never(names.iter().map(Name::as_str).collect()),
            Known::Written(node, tree) => under(node, tree, key),
            Known::Fits(schema) => schema.key(key),
        }
    }

    /// What is certain of each item of it, where it is a list.
    pub(crate) fn item(self) -> Known<'a> {
        match self {
            Known::Fits(schema) => schema.item(),
            Known::Nothing
            | Known::Plain(_)
            | Known::Word(_)
            | Known::Decision(_)
            | Known::Failure
            | Known::Set(..)
            | Known::Written(..)
            | Known::Among(_) => Known::Nothing,
        }
    }
}

impl<'a> Words<'a> {
    pub(crate) fn all(self) -> Vec<&'a str> {
        match self {
            Words::These(words) => words.to_vec(),
            Words::Statuses => {
                [StepStatus::Completed, StepStatus::Failed, StepStatus::Skipped].map(StepStatus::as_str).to_vec()
            }
            Words::Failures => FailureKind::ALL.iter().map(|kind| kind.as_str()).collect(),
            Words::Texts(list) => list.items().iter().filter_map(|item| item.as_str()).collect(),
        }
    }
}

/// What is certain of a root of which nothing is known but, perhaps, of the input.
pub(crate) fn root(root: Root, input: Known<'_>) -> Known<'_> {
    match root {
        Root::Input => input,
        Root::Index | Root::RoundIndex => Known::Plain(Type::Int),
        Root::RunId | Root::RunStartedAt | Root::RunEnvironment => Known::Plain(Type::Text),
        Root::Branches => Known::Plain(Type::Map),
        Root::Prev | Root::Item | Root::RoundFeedback => Known::Nothing,
        _ => Known::Nothing,
    }
}

/// What is certain of what any step left behind.
pub(crate) fn step_field(field: StepField) -> Known<'static> {
    match field {
        StepField::Status => Known::Word(Words::Statuses),
        StepField::Attempts => Known::Plain(Type::Int),
        StepField::Error => Known::Failure,
        StepField::Output | StepField::Decision => Known::Nothing,
        _ => Known::Nothing,
    }
}

/// The type of a value as written; of one that is a hole nothing is certain.
fn written(node: NodeId, tree: &Tree) -> Type {
    match &tree.node(node).kind {
        Kind::Null => Type::Null,
        Kind::Bool(_) => Type::Bool,
        Kind::Int(_) => Type::Int,
        // It may be stored as an integer.
        Kind::Float(_) => Type::Number,
        Kind::Text(text, _) if is_text(text) => Type::Text,
        Kind::Text(..) | Kind::Error => Type::Any,
        Kind::List(_) => Type::List,
        Kind::Map(_) => Type::Map,
    }
}

fn under<'a>(node: NodeId, tree: &'a Tree, key: &str) -> Child<'a> {
    let Kind::Map(entries) = &tree.node(node).kind else {
        return Child::Is(Known::Nothing);
    };
    if entries.len() > MOST_KEYS || !tree.is_whole(node) {
        return Child::Is(Known::Nothing);
    }
    match entries.iter().find(|entry| *entry.key.text == *key) {
        Some(entry) => Child::Is(Known::Written(entry.value, tree)),
        None => Child::Never(entries.iter().map(|entry| &*entry.key.text).collect()),
    }
}
