//! What a plan may say of a program that is started for it: rules that need no machine to be checked.
//!
//! The compiler refuses what breaks them. Whatever starts programs checks again, with what its machine knows beside it.

/// Variables that decide which code a program runs.
const STEERING: [&str; 18] = [
    "PATH",
    "ENV",
    "BASH_ENV",
    "IFS",
    "SHELL",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "LESSOPEN",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "NODE_OPTIONS",
    "PERL5LIB",
    "PERL5OPT",
    "RUBYOPT",
    "RUSTC_WRAPPER",
    "JAVA_TOOL_OPTIONS",
    "CLASSPATH",
];

const STEERING_PREFIXES: [&str; 4] = ["LD_", "DYLD_", "GIT_", "BASH_FUNC_"];

/// Why a variable of the environment may not have this name, if it may not.
#[must_use]
pub fn refuse_variable(name: &str) -> Option<&'static str> {
    let mut characters = name.chars();
    let well_formed = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|rest| rest.is_ascii_alphanumeric() || rest == '_');
    if !well_formed {
        Some("a name has letters, digits and `_`, and begins with no digit")
    } else if name.starts_with("KNEO_") {
        Some("names that begin with `KNEO_` are set by Kneo; choose another")
    } else {
        None
    }
}

/// Whether the value of a variable decides which code a program runs, so that nobody untrusted may choose it.
#[must_use]
pub fn steers_code(name: &str) -> bool {
    STEERING.contains(&name) || STEERING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a path stays within the folder that it is relative to, as far as its text tells: links are for the machine.
#[must_use]
pub fn stays_within(path: &str) -> bool {
    let is_absolute = path.starts_with(['/', '\\']) || path.chars().nth(1) == Some(':');
    !is_absolute && !path.contains('\0') && !path.split(['/', '\\']).any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_an_environment_can_hold() {
        for (name, allowed) in
            [("A", true), ("_a1", true), ("", false), ("1A", false), ("A=B", false), ("A B", false), ("KNEO_X", false)]
        {
            assert_eq!(refuse_variable(name).is_none(), allowed, "{name:?}");
        }
    }

    #[test]
    fn variables_that_choose_code_are_known() {
        for (name, steers) in
            [("PATH", true), ("LD_PRELOAD", true), ("GIT_SSH", true), ("HOME", false), ("TOKEN", false)]
        {
            assert_eq!(steers_code(name), steers, "{name}");
        }
    }

    #[test]
    fn a_path_that_climbs_or_is_absolute_does_not_stay() {
        for (path, stays) in [
            ("reports", true),
            ("./a/b", true),
            (".", true),
            ("a..b/..c", true),
            ("..", false),
            ("a/../../b", false),
            ("a/..", false),
            ("/etc", false),
            ("\\etc", false),
            ("c:\\", false),
            ("a\0b", false),
        ] {
            assert_eq!(stays_within(path), stays, "{path:?}");
        }
    }
}
