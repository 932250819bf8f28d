//! Words as a POSIX shell takes them.

use crate::visible::line;

/// A word that stays one word, and what it is, when it is pasted.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if line(word) == word {
        format!("'{}'", word.replace('\'', r"'\''"))
    } else {
        printed(word)
    }
}

/// A word that has more than one line or acts on a terminal, as something that prints it. Only line feeds at its end are
/// lost: a shell takes them away.
fn printed(word: &str) -> String {
    let mut format = String::new();
    for c in word.chars() {
        match c {
            '%' => format.push_str("%%"),
            '\'' | '\\' => format.push_str(&format!("\\{:03o}", u32::from(c))),
            c if line(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8() => format.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| format.push_str(&format!("\\{byte:03o}"))),
        }
    }
    format!("\"$(printf '{format}')\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_gives_back_what_was_quoted() {
        for word in [
            "plain",
            "",
            "release as it is",
            "it's",
            "a\nb",
            "$HOME `x` \"y\" \\",
            "~",
            "*",
            "é",
            "-x",
            "a=b",
            "\u{1b}[2J\r it's 100% `\\n` \"$HOME\" é\t\u{9b}\u{202e}\u{7f}1",
        ] {
            let script = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word, "{script}");
        }
    }
}
