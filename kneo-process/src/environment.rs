//! What may stand in a child's environment, of which nothing is inherited.

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

/// Why a variable may not have this name, if it may not.
#[must_use]
pub fn refuse_name(name: &str) -> Option<&'static str> {
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

/// Why a variable may not have this value, if it may not.
#[must_use]
pub fn refuse_value(value: &str) -> Option<&'static str> {
    value.contains('\0').then_some("a value cannot hold a NUL character")
}

/// Whether the value of a variable decides which code a program runs, so that nobody untrusted may choose it.
#[must_use]
pub fn steers_code(name: &str) -> bool {
    STEERING.contains(&name) || STEERING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_those_that_an_environment_can_hold() {
        for (name, allowed) in
            [("A", true), ("_a1", true), ("", false), ("1A", false), ("A=B", false), ("A B", false), ("KNEO_X", false)]
        {
            assert_eq!(refuse_name(name).is_none(), allowed, "{name:?}");
        }
        assert!(refuse_value("a\0b").is_some() && refuse_value("a b\n").is_none());
    }

    #[test]
    fn variables_that_choose_code_are_known() {
        for (name, steers) in
            [("PATH", true), ("LD_PRELOAD", true), ("GIT_SSH", true), ("HOME", false), ("TOKEN", false)]
        {
            assert_eq!(steers_code(name), steers, "{name}");
        }
    }
}
