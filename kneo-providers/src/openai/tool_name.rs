//! Tool names that the API takes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kneo_core::provider::ToolOffer;

/// The longest name that the API takes.
const LONGEST: usize = 64;

/// The names of the offered tools, as the host has them and as the API takes them: ASCII letters and digits, `_`, `-`,
/// at most 64 (<https://platform.openai.com/docs/api-reference/chat/create>).
///
/// A name that the API takes is sent as it is. Any other is sent with `_` in place of what the API does not take, and
/// with a number where that is the name of another tool; a model that asks for it gets the tool that it stands for.
#[derive(Debug)]
pub(super) struct ToolNames {
    /// By the host's name, where the API's is another.
    sent: BTreeMap<Arc<str>, String>,
    /// By the API's name, where the host's is another.
    meant: BTreeMap<String, Arc<str>>,
}

impl ToolNames {
    pub(super) fn of(tools: &[ToolOffer]) -> ToolNames {
        let mut taken: BTreeSet<String> =
            tools.iter().filter(|tool| is_taken_as_it_is(&tool.name)).map(|tool| tool.name.to_string()).collect();
        let mut names = ToolNames { sent: BTreeMap::new(), meant: BTreeMap::new() };
        for tool in tools.iter().filter(|tool| !is_taken_as_it_is(&tool.name)) {
            let plain = plain(&tool.name);
            let free = |name: &String| !taken.contains(name);
            let numbered = (2..).map(|number: u32| {
                let number = format!("_{number}");
                let kept = plain.get(..LONGEST - number.len()).unwrap_or(&plain);
                format!("{kept}{number}")
            });
            let Some(name) = std::iter::once(plain.clone()).chain(numbered).find(free) else { continue };
            taken.insert(name.clone());
            names.meant.insert(name.clone(), Arc::clone(&tool.name));
            names.sent.insert(Arc::clone(&tool.name), name);
        }
        names
    }

    /// The name under which the API knows a tool, also one that is offered no longer.
    pub(super) fn sent<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        match self.sent.get(name) {
            Some(sent) => Cow::Borrowed(sent),
            None if is_taken_as_it_is(name) => Cow::Borrowed(name),
            None => Cow::Owned(plain(name)),
        }
    }

    /// The name of the tool that a model means.
    pub(super) fn meant(&self, name: &str) -> Arc<str> {
        self.meant.get(name).map_or_else(|| Arc::from(name), Arc::clone)
    }
}

fn is_of_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '-')
}

fn is_taken_as_it_is(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && name.chars().all(is_of_name)
}

/// A name that the API takes: of a tool, or of a schema.
pub(super) fn plain(name: &str) -> String {
    let plain: String = name.chars().map(|char| if is_of_name(char) { char } else { '_' }).take(LONGEST).collect();
    if plain.is_empty() { "_".to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use kneo_core::Value;

    use super::*;

    #[test]
    fn every_tool_has_a_name_of_its_own_that_leads_back() {
        let long = "x".repeat(80);
        let wanted =
            ["search", "files.read", "files_read", "files/read", "größe", "", &long, &format!("{long}y"), "a b"];
        let tools: Vec<ToolOffer> = wanted.iter().map(|name| ToolOffer::new(*name, "", Value::Null)).collect();
        let names = ToolNames::of(&tools);
        let sent: Vec<String> = wanted.iter().map(|name| names.sent(name).into_owned()).collect();
        let (cut, second) = ("x".repeat(64), format!("{}_2", "x".repeat(62)));
        let expected = ["search", "files_read_2", "files_read", "files_read_3", "gr__e", "_", &cut, &second, "a_b"]
            .map(str::to_owned);
        assert_eq!(sent, expected);
        for (sent, wanted) in sent.iter().zip(wanted) {
            assert!(is_taken_as_it_is(sent));
            assert_eq!(&*names.meant(sent), wanted);
        }
        assert_eq!(&*names.meant("made_up"), "made_up");
        assert_eq!(names.sent("gone.tool"), "gone_tool");
    }
}
