//! The command line itself.

use super::support::*;

/// A verb, as the program itself tells of it.
pub(super) struct Verb {
    pub(super) path: Vec<String>,
    help: String,
    /// The verbs below it.
    pub(super) below: Vec<String>,
    /// Its options, with their dashes.
    options: Vec<String>,
}

impl Verb {
    /// The verb as it is typed after the program's name.
    pub(super) fn spoken(&self) -> String {
        self.path.iter().map(|word| format!(" {word}")).collect()
    }
}

/// Every verb there is, the program itself first.
pub(super) fn verbs(project: &Project) -> Vec<Verb> {
    let mut found = Vec::new();
    let mut ahead = vec![Vec::new()];
    while let Some(path) = ahead.pop() {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let answer = project.kneo(&arguments);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{path:?}");
        let commands = answer.stdout.lines().skip_while(|line| *line != "Commands:").skip(1);
        let below = commands.map_while(|line| line.split_whitespace().next()).filter(|verb| *verb != "help");
        let below: Vec<String> = below.map(str::to_owned).collect();
        let options = answer.stdout.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let options = options.filter_map(|line| line.split([' ', ',']).find(|word| word.starts_with("--")));
        let options = options.map(str::to_owned).collect();
        ahead.extend(below.iter().rev().map(|verb| [path.as_slice(), std::slice::from_ref(verb)].concat()));
        found.push(Verb { path, help: answer.stdout, below, options });
    }
    // As many as the program had when this was written: a help that is read no longer would pass as well.
    assert!(found.len() >= 28, "{}", found.len());
    found
}

#[test]
fn every_verb_explains_itself() {
    let project = Project::new();
    let mut text = String::new();
    for verb in &verbs(&project) {
        text.push_str(&format!("$ kneo{} --help\n{}\n", verb.spoken(), verb.help));
    }
    snapshot(&project, "help", &text);
}

#[test]
fn wrong_usage_ends_with_2_and_writes_nothing() {
    let project = Project::with(APPROVAL);
    for arguments in [
        &[][..],
        &["fly"],
        &["run"],
        &["run", "flow.yaml", "--store", "postgres://x"],
        &["run", "flow.yaml", "--store", "sqlite:"],
        &["run", "flow.yaml", "--label", "no-equals-sign"],
        &["run", "flow.yaml", "--input", "x", "--input-json", "1"],
        &["run", "flow.yaml", "--detach", "--approve-as", "ana"],
        &["runs", "get", "not-a-run"],
        &["runs", "list", "--status", "sleeping"],
        &["runs", "prune"],
        &["runs", "prune", "--older-than", "-1"],
        &["human", "decide", "task_0198f2a7c0de7f00a1b2c3d4e5f60718"],
        &["human", "decide", "task_0198f2a7c0de7f00a1b2c3d4e5f60718", "--approve", "--reject"],
        &["human", "decide", "task_0198f2a7c0de7f00a1b2c3d4e5f60718", "--edit", "x", "--reason", "why not"],
        &["human", "decide", "task_0198f2a7c0de7f00a1b2c3d4e5f60718", "--retry", "--reason", "why not"],
        &["completions", "tcsh"],
    ] {
        let answer = project.kneo(arguments);
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(answer.stderr.contains("Usage:") || answer.stderr.contains("error:"), "{answer:?}");
        let (code, object) = project.json(arguments);
        assert_eq!((code, &object["error"]["code"]), (2, &"usage".into()), "{arguments:?}");
    }
    assert!(!project.path(".kneo").exists());
}

#[test]
fn wrong_usage_is_an_object_too_where_json_is_asked_for() {
    let project = Project::new();
    let mut text = String::new();
    for arguments in [
        &["--json"][..],
        &["fly", "--json"],
        &["run", "--json"],
        &["run", "flow.yaml", "--detatch", "--json"],
        &["--json", "run", "flow.yaml", "--store", "postgres://x"],
        &["run", "flow.yaml", "--detach", "--approve-as", "ana", "--json"],
    ] {
        let answer = project.kneo(arguments);
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.stderr.starts_with("error: "), "{answer:?}");
        text.push_str(&answer.stdout);
    }
    snapshot(&project, "usage_json", &text);
    // What comes after `--` is no option; help and version are no errors.
    assert_eq!(project.kneo(&["run", "flow.yaml", "--detatch", "--", "--json"]).stdout, "");
    for asked in ["--help", "--version"] {
        let answer = project.kneo(&[asked, "--json"]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
        assert!(!answer.stdout.starts_with('{'), "{answer:?}");
    }
}

#[test]
fn completions_know_every_verb_and_option() {
    let project = Project::new();
    let verbs = verbs(&project);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let answer = project.kneo(&["completions", shell]);
        assert_eq!(answer.code, 0);
        for verb in &verbs {
            let known = |word: &str| match (shell, word.strip_prefix("--")) {
                // Fish has a form of its own.
                ("fish", Some(option)) => {
                    [" ", "\n"].iter().any(|end| answer.stdout.contains(&format!(" -l {option}{end}")))
                }
                _ => answer.stdout.contains(word),
            };
            for word in verb.path.iter().chain(&verb.options) {
                assert!(known(word), "{shell} does not know {word} of{}", verb.spoken());
            }
        }
        let (code, object) = project.json(&["completions", shell]);
        assert_eq!((code, object["script"].as_str()), (0, Some(answer.stdout.as_str())));
    }
}

/// What a shell is asked to complete, and words that it must offer and that it must not.
fn questions(project: &Project) -> Vec<(String, Vec<String>, Vec<&'static str>)> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let shells = owned(&["bash", "elvish", "fish", "powershell", "zsh"]);
    let mut asked = vec![
        ("kneo ru".to_owned(), owned(&["run", "runs"]), vec!["spec"]),
        ("kneo completions ".to_owned(), shells, vec!["flow.yaml"]),
        ("kneo spec graph --format ".to_owned(), owned(&["mermaid", "dot", "svg"]), vec!["flow.yaml"]),
        ("kneo runs list --status ".to_owned(), owned(&["queued", "blocked", "timed_out"]), vec!["flow.yaml"]),
        ("kneo run flo".to_owned(), owned(&["flow.yaml"]), vec!["folder"]),
        ("kneo spec bundle sign flo".to_owned(), owned(&["flow.yaml"]), vec!["folder", "verify"]),
        ("kneo run --models flo".to_owned(), owned(&["flow.yaml"]), vec!["folder"]),
        ("kneo run --by flo".to_owned(), Vec::new(), vec!["flow.yaml"]),
    ];
    for verb in verbs(project) {
        let below: Vec<String> = verb.below.clone();
        asked.push((format!("kneo{} ", verb.spoken()), below, Vec::new()));
        asked.push((format!("kneo{} --", verb.spoken()), verb.options, Vec::new()));
    }
    asked
}

#[test]
fn completions_load_and_complete() {
    let project = Project::with(APPROVAL);
    std::fs::create_dir(project.path("folder")).unwrap();
    let questions = questions(&project);
    for (shell, options) in [("bash", &["--norc"][..]), ("fish", &["--no-config"])] {
        std::fs::write(project.path("script.kneo"), project.kneo(&["completions", shell]).stdout).unwrap();
        // One line for each question. Bash itself looks for files where a script offers nothing.
        let asked: String = match shell {
            "bash" => questions
                .iter()
                .map(|(line, ..)| format!("ask {line}{}\n", if line.ends_with(' ') { "''" } else { "" }))
                .collect(),
            _ => questions
                .iter()
                .map(|(line, ..)| format!("echo (complete -C '{line}' | string split -f 1 \\t)\n"))
                .collect(),
        };
        let ask = "compopt() { :; }
        ask() {
            COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _kneo kneo \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"
            test ${#COMPREPLY[@]} -gt 0 || COMPREPLY=($(compgen -f \"${COMP_WORDS[COMP_CWORD]}\"))
            echo \"${COMPREPLY[*]}\"
        }";
        let script = if shell == "bash" {
            format!(". ./script.kneo\n{ask}\n{asked}")
        } else {
            format!("source script.kneo\n{asked}")
        };
        let Some(output) = in_shell(&project, shell, options, &script) else { continue };
        let answers: Vec<&str> = output.stdout.lines().collect();
        assert_eq!(answers.len(), questions.len(), "{shell}: {output:?}");
        for ((line, offered, others), answer) in questions.iter().zip(answers) {
            let words: Vec<&str> = answer.split(' ').collect();
            for word in offered {
                assert!(words.contains(&word.as_str()), "{shell} offers no {word} after `{line}`: {answer}");
            }
            for word in others {
                assert!(!words.contains(word), "{shell} offers {word} after `{line}`: {answer}");
            }
        }
    }
}

/// Zsh completes only at a terminal: at one of its own, which is asked until it answers.
#[test]
fn completions_complete_in_zsh() {
    let project = Project::with(APPROVAL);
    std::fs::create_dir(project.path("folder")).unwrap();
    std::fs::write(project.path("script.kneo"), project.kneo(&["completions", "zsh"]).stdout).unwrap();
    let mut script = "zmodload zsh/zpty\n".to_owned();
    for (line, shown) in [
        ("kneo ru", "*run*runs*"),
        ("kneo spec graph --format ", "*dot*mermaid*svg*"),
        ("kneo runs list --status ", "*blocked*queued*timed_out*"),
        ("kneo completions ", "*bash*elvish*fish*powershell*zsh*"),
        ("kneo run flo", "*flow.yaml*"),
        ("kneo run --workdir ", "*folder*"),
        ("kneo spec bundle ", "*sign*verify*"),
    ] {
        script.push_str(&format!(
            "zpty z zsh -f -i
            zpty -w z 'autoload -Uz compinit; compinit -u -D; . ./script.kneo; print $_comps[kneo] is-there'
            zpty -r z out '*_kneo is-there*'
            zpty -w -n z '{line}'$'\\t\\t'
            zpty -r z out '{shown}' && print -r -- '{line}: offered'
            zpty -d z\n"
        ));
    }
    let Some(output) = in_shell(&project, "zsh", &["-f"], &script) else { return };
    assert_eq!(output.stdout.matches(": offered\n").count(), 7, "{output:?}");
}

/// Runs a script in a shell, where that is installed.
fn in_shell(project: &Project, shell: &str, options: &[&str], script: &str) -> Option<Answer> {
    let is_there = std::process::Command::new(shell).args(["-c", "exit"]).status();
    if let Err(error) = is_there {
        // Past the test harness, which keeps what a passing test prints to itself.
        let said = format!("SKIPPED: completions of {shell}: {error}\n");
        std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).unwrap();
        return None;
    }
    let mut command = std::process::Command::new("timeout");
    command.arg("60").arg(shell).args(options).args(["-c", script]);
    let output = command.current_dir(project.path("")).env("HOME", project.path("")).output().unwrap();
    let output = Answer::from(output);
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{shell}: {output:?}");
    Some(output)
}
