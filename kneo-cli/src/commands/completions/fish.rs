//! What the generator of completions leaves out for fish: words that stand without an option, and verbs of three words.

use std::fmt::Write as _;

use clap::{Arg, Command, ValueHint};

use super::PROGRAM;

/// The lines that the generator does not write for a command line that it has built.
pub(super) fn rest(command: &Command) -> String {
    let mut lines = String::new();
    write(&mut lines, command, &[]);
    lines
}

/// The deepest verbs that the generator knows.
const KNOWN: usize = 2;

fn write(lines: &mut String, command: &Command, path: &[&str]) {
    let seen = path.iter().map(|verb| format!("__fish_seen_subcommand_from {verb}")).collect::<Vec<_>>();
    // Whatever is called with a path has a verb in it, so that the condition is never empty.
    let start = format!("complete -c {PROGRAM} -n \"{}\"", seen.join("; and "));
    // Writing to a `String` cannot fail.
    for arg in command.get_positionals() {
        let words = words(arg);
        if !words.is_empty() {
            let _ = writeln!(lines, "{start} -f -a \"{words}\"");
        } else if path.len() > KNOWN && is_path(arg) {
            // The verb above has said that nothing here is a file.
            let _ = writeln!(lines, "{start} -F");
        }
    }
    if path.len() > KNOWN {
        for option in command.get_arguments().filter(|arg| !arg.is_positional()) {
            let short = option.get_short().map_or_else(String::new, |short| format!(" -s {short}"));
            let long = option.get_long().map_or_else(String::new, |long| format!(" -l {long}"));
            let help =
                option.get_help().map_or_else(String::new, |help| format!(" -d '{}'", quoted(&help.to_string())));
            let _ = writeln!(lines, "{start}{short}{long}{help}{}", value(option));
        }
    }
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        write(lines, verb, &[path, &[verb.get_name()]].concat());
    }
}

/// How the value of an option is completed.
fn value(option: &Arg) -> String {
    let words = words(option);
    match option.get_action().takes_values() {
        false => String::new(),
        true if !words.is_empty() => format!(" -r -f -a \"{words}\""),
        true if is_path(option) => " -r -F".to_owned(),
        true => " -r -f".to_owned(),
    }
}

fn words(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    arg.get_possible_values().iter().map(|word| word.get_name()).collect::<Vec<_>>().join(" ")
}

fn is_path(arg: &Arg) -> bool {
    matches!(arg.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath)
}

/// A text as it stands between single quotes.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', " ")
}
