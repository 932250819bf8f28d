//! What each code means outside the compiler, what to do about it, and how the program ends with it.

mod table;

use kneo::mcp;
use kneo::provider::openai;

use crate::exit::Exit;

/// What there is to know about a code that is not the compiler's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Remedy {
    pub(crate) code: &'static str,
    /// A sentence without its full stop.
    pub(crate) meaning: &'static str,
    /// What to do: a clause in the imperative.
    pub(crate) help: &'static str,
    /// How a command that fails with it ends.
    pub(crate) exit: Exit,
}

/// Finds a code.
pub(crate) fn of(code: &str) -> Option<Remedy> {
    all().find(|remedy| remedy.code == code)
}

/// Every code, in the order of the table. Those that models over HTTP and servers of tools explain themselves come last;
/// what this program says of one in other words stands in the table.
pub(crate) fn all() -> impl Iterator<Item = Remedy> {
    let own = || table::ALL.iter().copied().flatten().copied();
    let models = openai::ErrorCode::ALL.iter().map(|known| (known.code, known.meaning, known.remedy));
    let servers = mcp::ErrorCode::ALL.iter().map(|known| (known.code, known.meaning, known.remedy));
    let others = models.chain(servers).map(|(code, meaning, help)| Remedy { code, meaning, help, exit: Exit::Failed });
    own().chain(others.filter(move |other| own().all(|own| own.code != other.code)))
}

/// What to do about a failure, which its message may tell more exactly than its code.
pub(crate) fn help(code: &str, message: &str) -> Option<&'static str> {
    match code {
        "mcp_spawn_failed" if message.contains("search path") => {
            Some("`mcp.search_path` in `.kneo/config.yaml` says where programs are looked for")
        }
        "mcp_spawn_failed" if message.contains("before it answered") => {
            Some("run it by hand, with the arguments and variables of the spec, to see what keeps it from serving")
        }
        _ => of(code).map(|remedy| remedy.help),
    }
}

/// What the library says of a failure, in the words of this program: the library speaks to whoever writes a host, and this
/// program has settings in the place of a builder's methods.
pub(crate) fn worded(code: &str, message: &str) -> String {
    let models = openai::ErrorCode::of(code).map(|known| known.remedy);
    let theirs = models.or_else(|| mcp::ErrorCode::of(code).map(|known| known.remedy));
    let message = match (theirs, of(code)) {
        (Some(theirs), Some(ours)) => message.replace(theirs, ours.help),
        _ => message.to_owned(),
    };
    SETTINGS.iter().fold(message, |message, (method, setting)| message.replace(method, setting))
}

/// What messages advise whoever writes a host, and what this program has in its place.
const SETTINGS: [(&str, &str); 3] = [
    ("let the host allow it with `allow_plain_http`", "name it in `plain_http` in `.kneo/config.yaml`"),
    ("let the host allow it with `allow_host`", "name it in `mcp.hosts` in `.kneo/config.yaml`"),
    ("let the host allow it with `allow_command`", "name it in `mcp.commands` in `.kneo/config.yaml`"),
];

/// What there is to know beyond a few words.
pub(crate) fn details(code: &str) -> Option<&'static str> {
    match code {
        "models_invalid" => Some(include_str!("remedy/models.txt")),
        "config_invalid" => Some(include_str!("remedy/config.txt")),
        _ => None,
    }
}

/// Which of some codes a mistyped one most probably stands for, if any is near.
pub(crate) fn nearest<'a>(code: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let code = code.to_ascii_lowercase();
    // Short words are near to anything.
    let near = (code.len() / 3).min(3);
    let known = known.map(|known| (distance(&code, &known.to_ascii_lowercase()), known));
    known.filter(|(distance, _)| *distance <= near).min().map(|(_, code)| code)
}

/// How many letters must be added, taken away or changed.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, left) in (1..).zip(a.bytes()) {
        let mut diagonal = at - 1;
        let mut before = at;
        for (right, cell) in b.bytes().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = changed.min(diagonal + 1).min(before + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = at;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_worded_alike() {
        let mut codes: Vec<&str> = all().map(|remedy| remedy.code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for remedy in all() {
            let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            assert!(!remedy.meaning.ends_with('.') && !remedy.help.ends_with('.'), "{}", remedy.code);
            assert!(remedy.code.bytes().all(word), "{}", remedy.code);
        }
    }

    #[test]
    fn no_help_names_what_only_a_host_in_code_can_do() {
        for remedy in all() {
            for method in ["allow_base_url`", "allow_parameter`", "`deadline`", "`idle_timeout`", "`default_model`"] {
                assert!(!remedy.help.contains(method) && !remedy.meaning.contains(method), "{}", remedy.code);
            }
            for method in ["`allow_command`", "`allow_host`", "`allow_plain_http`", "the host's"] {
                assert!(!remedy.help.contains(method), "{}", remedy.code);
            }
        }
    }

    #[test]
    fn no_message_advises_a_builders_method() {
        let plain = "plain HTTP to `a.test`; use `https`, or let the host allow it with `allow_plain_http`";
        let host = "`a.test`; use one that it allows, or let the host allow it with `allow_host`";
        let command = "use one that it allows, or let the host allow it with `allow_command`";
        for (code, message, setting) in [
            ("openai_address_invalid", plain, "`plain_http`"),
            ("mcp_host_not_allowed", plain, "`plain_http`"),
            ("mcp_host_not_allowed", host, "`mcp.hosts`"),
            ("mcp_command_not_allowed", command, "`mcp.commands`"),
        ] {
            let said = worded(code, message);
            assert!(said.contains(setting) && !said.contains("allow_"), "{said}");
        }
    }

    #[test]
    fn a_message_has_the_remedy_of_this_program() {
        let theirs = openai::ErrorCode::of("provider_parameter_refused").unwrap().remedy;
        let said = worded("provider_parameter_refused", &format!("`top_k` is refused; {theirs}"));
        assert!(said.starts_with("`top_k` is refused; take it out") && said.contains("`allow_parameters`"), "{said}");
        assert_eq!(worded("tool_exit", "it exited with 1"), "it exited with 1");
    }

    #[test]
    fn distances_are_those_of_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("run_not_found", "run_not_found"), 0);
    }

    #[test]
    fn only_what_is_near_is_suggested() {
        let nearest = |code| nearest(code, all().map(|remedy| remedy.code));
        assert_eq!(nearest("run_notfound"), Some("run_not_found"));
        assert_eq!(nearest("Timout"), Some("timeout"));
        for far in ["something_else_entirely", "nope", "to", "x", ""] {
            assert_eq!(nearest(far), None, "{far}");
        }
    }
}
