//! What may stand in a command's environment.

/// Variables that decide which code a program runs, so that no model may choose their values.
#[cfg(unix)]
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

#[cfg(unix)]
const STEERING_PREFIXES: [&str; 4] = ["LD_", "DYLD_", "GIT_", "BASH_FUNC_"];

/// Why a variable may not have this name, if it may not.
pub(super) fn refuse_name(name: &str) -> Option<&'static str> {
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
pub(super) fn refuse_value(value: &str) -> Option<&'static str> {
    value.contains('\0').then_some("a value cannot hold a NUL character")
}

/// Whether the value of a variable decides which code a program runs.
#[cfg(unix)]
pub(super) fn steers_code(name: &str) -> bool {
    STEERING.contains(&name) || STEERING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
