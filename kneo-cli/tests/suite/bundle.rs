//! `kneo spec bundle`, and runs of bundles: what is refused, and that nothing is executed or written then.

use std::process::Command;

use kneo::Digest;
use kneo::seal::{MacDomain, SealKey};
use kneo::secret::Secret;
use serde_json::{Value, json};

use super::support::*;

/// Asks Ana, then leaves a file behind.
const SPEC: &str = "
version: v1
name: report
workflow:
  type: sequential
  steps:
    - {id: agree, kind: human, ref: {description: 'Go on?', assignee: ana}}
    - {id: mark, kind: function, ref: {effect: read, command: {argv: [touch, ran]}}}
";

/// Leaves a file behind at once.
const HOSTILE: &str = "
version: v1
name: report
workflow:
  type: sequential
  steps:
    - {id: mark, kind: function, ref: {effect: read, command: {argv: [touch, ran]}}}
";

/// Keys as programs make them, which must never be seen.
const KEY: &str = "canary0123456789abcdefcanary0123456789abcdef";
const OTHER_KEY: &str = "canary9876543210fedcbacanary9876543210fedcba";

const TRUSTED: [&str; 4] = ["--key-id", "release-1=env:RELEASE_KEY", "--env", "production"];

/// The program, with keys in its environment.
fn keyed(project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.command(arguments);
    command.env("RELEASE_KEY", KEY).env("OTHER_KEY", OTHER_KEY);
    command
}

/// For a snapshot, with a word for the version.
fn whole(answer: &Answer) -> String {
    answer.whole().replace(env!("CARGO_PKG_VERSION"), "[version]")
}

/// Runs the program, and sees that no key is told.
fn answer(project: &Project, arguments: &[&str]) -> Answer {
    told(keyed(project, arguments))
}

fn told(mut command: impl std::borrow::BorrowMut<Command>) -> Answer {
    let answer = Answer::from(command.borrow_mut().output().unwrap());
    assert!(!answer.whole().contains("canary"), "{answer:?}");
    answer
}

fn object(project: &Project, arguments: &[&str]) -> (i32, Value) {
    let answer = answer(project, &[arguments, &["--json"]].concat());
    (answer.code, answer.object())
}

/// A folder with a spec `report.yaml`.
fn project() -> Project {
    Project::new().file("report.yaml", SPEC)
}

/// Signs `report.yaml`, with other options than the usual ones.
fn sign_with(project: &Project, output: &str, options: &[(&str, &str)]) -> Answer {
    let mut usual = vec![
        ("--key-id", "release-1"),
        ("--key-env", "RELEASE_KEY"),
        ("--approved-by", "ana"),
        ("--env", "production"),
        ("--sequence", "3"),
    ];
    for (option, value) in options {
        match usual.iter_mut().find(|(usual, _)| usual == option) {
            Some((_, usual)) => *usual = value,
            None => usual.push((option, value)),
        }
    }
    let options = usual.iter().flat_map(|(option, value)| [*option, *value]);
    let arguments: Vec<&str> =
        ["spec", "bundle", "sign", "report.yaml", "-o", output].into_iter().chain(options).collect();
    answer(project, &arguments)
}

fn sign(project: &Project, output: &str, options: &[(&str, &str)]) {
    let answer = sign_with(project, output, options);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{answer:?}");
}

fn bytes(project: &Project, name: &str) -> Vec<u8> {
    std::fs::read(project.path(name)).unwrap()
}

fn trusting<'a>(command: &[&'a str]) -> Vec<&'a str> {
    [command, &TRUSTED].concat()
}

/// Nothing of a file that is refused is executed or written: no store, no effect.
fn refused(project: &Project, name: &str, code: &str) -> Answer {
    for command in [&["spec", "bundle", "verify", name][..], &["run", name], &["run", name, "--detach"]] {
        let answer = answer(project, &trusting(command));
        assert_eq!((answer.code, answer.stdout.as_str()), (1, ""), "{command:?}: {answer:?}");
        assert!(answer.stderr.starts_with(&format!("error[{code}]: `{name}`: ")), "{command:?}: {answer:?}");
        assert!(answer.stderr.contains("\n  help: "), "{answer:?}");
        let (exit, object) = object(project, &trusting(command));
        assert_eq!((exit, &object["error"]["code"]), (1, &json!(code)), "{command:?}");
    }
    assert!(!project.path("ran").exists() && !project.path(".kneo").exists(), "{name} did something");
    answer(project, &trusting(&["spec", "bundle", "verify", name]))
}

#[test]
fn what_is_signed_is_verified_and_told() {
    let project = project();
    let signed = sign_with(&project, "report.bundle", &[]);
    snapshot(&project, "bundle_sign", &whole(&signed));
    let verified = answer(&project, &trusting(&["spec", "bundle", "verify", "report.bundle"]));
    snapshot(&project, "bundle_verify", &whole(&verified));
    let (code, object) = object(&project, &trusting(&["spec", "bundle", "verify", "report.bundle"]));
    let pretty = serde_json::to_string_pretty(&object).unwrap();
    snapshot(&project, "bundle_verify_json", &pretty.replace(env!("CARGO_PKG_VERSION"), "[version]"));
    let (_, compiled) = project.json(&["spec", "compile", "report.yaml"]);
    assert_eq!((code, &object["plan"]), (0, &compiled["digest"]));
    assert_eq!(object["files"]["report.yaml"], object["spec"]);
    // What sign says as JSON is what verify says.
    let arguments = "spec bundle sign report.yaml -o other.bundle --key-id release-1 --key-env RELEASE_KEY \
                     --approved-by ana --env production --sequence 3 --json";
    let mut signed = answer(&project, &arguments.split_whitespace().collect::<Vec<_>>()).object();
    signed["signed_at"] = object["signed_at"].clone();
    signed["bundle"] = object["bundle"].clone();
    assert_eq!(signed, object);
}

#[test]
fn a_key_is_taken_from_a_file_too() {
    let project = project().file("key", &format!("{KEY}\n"));
    let answer = sign_with(&project, "report.bundle", &[("--key-env", "X")]);
    assert_eq!(answer.code, 4);
    let arguments = "spec bundle sign report.yaml -o report.bundle --key-id release-1 --key-file key --approved-by ana \
                     --env production --sequence 3";
    assert_eq!(self::answer(&project, &arguments.split_whitespace().collect::<Vec<_>>()).code, 0);
    for key in ["release-1=file:key", "release-1=env:RELEASE_KEY"] {
        let verify = ["spec", "bundle", "verify", "report.bundle", "--key-id", key];
        assert_eq!(self::answer(&project, &verify).code, 0, "{key}");
    }
}

#[test]
fn a_bundle_runs_where_its_key_counts_and_goes_on_where_it_counts() {
    let project = project();
    sign(&project, "report.bundle", &[]);
    let run = answer(&project, &trusting(&["run", "report.bundle"]));
    assert_eq!(run.code, 3, "{run:?}");
    let task = project.tasks()[0]["task_id"].as_str().unwrap().to_owned();
    let id = project.tasks()[0]["run_id"].as_str().unwrap().to_owned();
    // Without the key, with another key of that id, and elsewhere it does not go on.
    let decide = ["human", "decide", &task, "--approve", "--by", "ana"];
    let refused = answer(&project, &decide);
    snapshot(&project, "bundle_decide_without_key", &refused.whole());
    assert_eq!(refused.code, 1);
    let resume = ["runs", "resume", &id];
    for (options, code) in [
        (&[][..], "bundle_key_unknown"),
        (&["--key-id", "release-1=env:RELEASE_KEY"], "bundle_environment_unsaid"),
        (&["--key-id", "release-1=env:RELEASE_KEY", "--env", "staging"], "plan_unverified"),
        (&["--key-id", "release-1=env:OTHER_KEY", "--env", "production"], "plan_unverified"),
        (&["--key-id", "release-2=env:RELEASE_KEY", "--env", "production"], "plan_unverified"),
    ] {
        let (exit, object) = object(&project, &[&resume, options].concat());
        assert_eq!((exit, &object["error"]["code"]), (1, &json!(code)), "{options:?}");
    }
    assert!(!project.path("ran").exists());
    let resumed = answer(&project, &trusting(&resume));
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(project.path("ran").exists());
}

#[test]
fn whatever_was_done_to_a_bundle_is_told_and_nothing_is_done_by_it() {
    let project = project();
    sign(&project, "good.bundle", &[]);
    let good = bytes(&project, "good.bundle");
    let text = String::from_utf8(good.clone()).unwrap();
    let written = |name: &str, bytes: &[u8]| std::fs::write(project.path(name), bytes).unwrap();
    let mut told = String::new();
    let mut check = |name: &str, code: &str| told += &format!("{}\n", refused(&project, name, code).stderr);

    let mut flipped = good.clone();
    flipped[200] ^= 1;
    written("flipped", &flipped);
    check("flipped", "bundle_altered");
    written("renamed", text.replace("touch", "teach").as_bytes());
    check("renamed", "bundle_altered");
    written("cut", &good[..good.len() / 2]);
    check("cut", "bundle_truncated");
    written("empty", b"");
    check("empty", "bundle_truncated");
    written("trailing", format!("{text}{{}}").as_bytes());
    check("trailing", "bundle_trailing");
    let value: Value = serde_json::from_str(&text).unwrap();
    written("pretty", serde_json::to_string_pretty(&value).unwrap().as_bytes());
    check("pretty", "bundle_not_canonical");
    let mac = value["mac"].as_str().unwrap();
    written("twice", text.replace("\"}", &format!("\",\"mac\":\"{mac}\"}}")).as_bytes());
    check("twice", "bundle_duplicate_key");
    written("none", text.replace(mac, "none").as_bytes());
    check("none", "bundle_malformed");
    let seal = value["body"]["seal"]["mac"].as_str().unwrap();
    written("cross", text.replace(mac, seal).as_bytes());
    check("cross", "bundle_altered");
    written("spec", HOSTILE.as_bytes());
    check("spec", "bundle_malformed");

    for (name, options, code) in [
        ("wrong-key", &[("--key-env", "OTHER_KEY")][..], "bundle_altered"),
        ("unknown-id", &[("--key-id", "release-9")], "bundle_key_unknown"),
        ("elsewhere", &[("--env", "staging")], "bundle_other_environment"),
    ] {
        sign(&project, name, options);
        check(name, code);
    }
    // Parts of two.
    std::fs::write(project.path("report.yaml"), HOSTILE).unwrap();
    sign(&project, "other.bundle", &[]);
    let other: Value = serde_json::from_slice(&bytes(&project, "other.bundle")).unwrap();
    for part in ["plan", "spec", "seal"] {
        let (ours, theirs) = (&value["body"][part], &other["body"][part]);
        let swapped = text.replace(&ours.to_string(), &theirs.to_string());
        assert_ne!(swapped, text, "{part}");
        written(part, swapped.as_bytes());
        check(part, "bundle_altered");
    }
    // How long plans are is not what is tested.
    let told: String = told.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    let told = (0..3).fold(told, |told, _| told.replace("##", "#"));
    snapshot(&project, "bundle_refused", &told);
}

/// Whoever has the key can put another spec beside a plan. Runs ask for the plan, which is what was vouched for;
/// reviewers read the spec, and are told.
#[test]
fn a_spec_beside_another_plan_is_found_by_who_verifies() {
    let project = project();
    sign(&project, "report.bundle", &[]);
    let text = String::from_utf8(bytes(&project, "report.bundle")).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let digest = Digest::of(HOSTILE.as_bytes()).to_string();
    let text = text.replace(&value["body"]["spec"].to_string(), &json!(HOSTILE).to_string());
    let text = text.replace(value["body"]["spec_digest"].as_str().unwrap(), &digest);
    let body = text.strip_prefix("{\"body\":").unwrap().rsplit_once(",\"key\":").unwrap().0;
    let key = SealKey::new(&Secret::new(KEY.to_owned())).unwrap();
    let mac = key.mac(MacDomain::Bundle, body.as_bytes());
    let forged = format!("{{\"body\":{body},\"key\":\"release-1\",\"mac\":\"{mac}\"}}");
    std::fs::write(project.path("report.bundle"), forged).unwrap();
    let (exit, object) = object(&project, &trusting(&["spec", "bundle", "verify", "report.bundle"]));
    assert_eq!((exit, &object["error"]["code"]), (1, &json!("bundle_spec_mismatch")));
    // The plan still asks Ana.
    assert_eq!(answer(&project, &trusting(&["run", "report.bundle"])).code, 3);
    assert!(!project.path("ran").exists());
}

#[test]
fn old_bundles_and_those_of_others_are_refused() {
    let project = project();
    sign(&project, "3.bundle", &[]);
    sign(&project, "4.bundle", &[("--sequence", "4")]);
    let code = |arguments: &[&str]| {
        let (exit, object) = object(&project, &trusting(arguments));
        (exit, object["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |code: &str| (1, code.to_owned());
    for command in [&["run", "3.bundle"][..], &["spec", "bundle", "verify", "3.bundle"]] {
        assert_eq!(code(&[command, &["--least", "4"]].concat()), refused("bundle_rolled_back"));
        assert_eq!(code(&[command, &["--workflow", "letter"]].concat()), refused("bundle_other_workflow"));
    }
    assert!(!project.path(".kneo").exists());
    // The latest that has started in this store is the least from then on.
    assert_eq!(code(&["run", "4.bundle", "--least", "4", "--workflow", "report"]).0, 3);
    let doctor = |bundle: &str| {
        let (exit, object) = object(&project, &trusting(&["doctor", bundle]));
        let checks = object["checks"].as_array().unwrap().clone();
        let codes = checks.iter().filter_map(|check| check["code"].as_str().map(str::to_owned));
        (exit, codes.collect::<Vec<_>>())
    };
    assert_eq!(doctor("3.bundle"), (1, vec!["plan_unverified".to_owned()]));
    assert_eq!(doctor("4.bundle"), (0, vec![]));
    let answer = answer(&project, &trusting(&["run", "3.bundle"]));
    snapshot(&project, "bundle_rolled_back", &answer.whole());
    assert_eq!(code(&["run", "3.bundle", "--detach"]), refused("plan_unverified"));
    assert_eq!(project.json(&["runs", "list"]).1["runs"].as_array().unwrap().len(), 1);
    // Neither a run of the same workflow that nobody vouches for nor deleting every run changes that.
    assert_eq!(project.json(&["run", "report.yaml"]).0, 3);
    assert_eq!(code(&["run", "3.bundle"]), refused("plan_unverified"));
    for run in project.json(&["runs", "list"]).1["runs"].as_array().unwrap() {
        assert_eq!(project.json(&["runs", "cancel", run["run_id"].as_str().unwrap()]).0, 0, "{run}");
    }
    assert_eq!(project.json(&["runs", "prune", "--older-than", "0"]).1["runs"], json!(2));
    assert_eq!(code(&["run", "3.bundle"]), refused("plan_unverified"));
    assert_eq!(code(&["run", "4.bundle"]).0, 3);
}

#[test]
fn keys_rotate_by_id() {
    let project = project();
    sign(&project, "old.bundle", &[]);
    sign(&project, "new.bundle", &[("--key-id", "release-2"), ("--key-env", "OTHER_KEY")]);
    let verify = |bundle: &str, keys: &[&str]| {
        let keys = keys.iter().flat_map(|key| ["--key-id", key]);
        answer(&project, &["spec", "bundle", "verify", bundle].into_iter().chain(keys).collect::<Vec<_>>()).code
    };
    let both = ["release-1=env:RELEASE_KEY", "release-2=env:OTHER_KEY"];
    assert_eq!((verify("old.bundle", &both), verify("new.bundle", &both)), (0, 0));
    assert_eq!((verify("old.bundle", &both[1..]), verify("new.bundle", &both[1..])), (1, 0));
}

/// What an operator sets once counts for every command.
#[test]
fn a_place_can_be_told_once_what_counts() {
    let project = project();
    sign(&project, "report.bundle", &[]);
    let set = |arguments: &[&str], keys: &str| {
        let mut command = keyed(&project, arguments);
        command.env("KNEO_BUNDLE_KEYS", keys).env("KNEO_ENVIRONMENT", "production");
        told(command)
    };
    let keys = "release-0=env:OTHER_KEY, release-1=env:RELEASE_KEY";
    // Only bundles run then, whatever a file is called.
    let spec = set(&["run", "report.yaml"], keys);
    snapshot(&project, "bundle_spec_where_keys_count", &spec.whole());
    assert_eq!(spec.code, 1);
    assert_eq!(set(&["run", "report.bundle"], keys).code, 3);
    let task = project.tasks()[0]["task_id"].as_str().unwrap().to_owned();
    assert_eq!(set(&["human", "decide", &task, "--approve", "--by", "ana"], keys).code, 0);
    assert!(project.path("ran").exists());
    // A run that nobody vouches for does not go on there.
    let lax = project.json(&["run", "report.yaml"]).1;
    let id = lax["run_id"].as_str().unwrap();
    let refused = set(&["runs", "resume", id], keys);
    assert!(refused.code == 1 && refused.stderr.starts_with("error[plan_unverified]"), "{refused:?}");
    // What cannot be read is no reason to run whatever comes.
    #[cfg(unix)]
    for variable in ["KNEO_BUNDLE_KEYS", "KNEO_ENVIRONMENT"] {
        use std::os::unix::ffi::OsStrExt as _;
        let mut command = keyed(&project, &["run", "report.yaml"]);
        command.env(variable, std::ffi::OsStr::from_bytes(b"release-1=env:\xff"));
        let refused = told(command);
        let first = format!("error[usage]: {variable} is not UTF-8");
        assert!(refused.code == 2 && refused.stderr.starts_with(&first), "{refused:?}");
    }
    for keys in ["release-1", "release-1=", "=env:RELEASE_KEY", "release-1=env:RELEASE_KEY,,"] {
        assert_eq!(set(&["run", "report.bundle"], keys).code, 2, "{keys}");
    }
}

/// A variable that was not filled in does not pass for one that is not set.
#[test]
fn what_is_set_and_empty_counts_for_nothing_and_is_refused() {
    let project = project();
    sign(&project, "report.bundle", &[]);
    let task = project.json(&["run", "report.yaml"]).1["pending"][0]["task_id"].as_str().unwrap().to_owned();
    for (variable, text) in [("KNEO_BUNDLE_KEYS", ""), ("KNEO_BUNDLE_KEYS", " \t"), ("KNEO_ENVIRONMENT", "")] {
        for arguments in [
            &["run", "report.yaml"][..],
            &["run", "report.bundle"],
            &["spec", "bundle", "verify", "report.bundle"],
            &["doctor", "report.yaml"],
            &["human", "decide", &task, "--approve", "--by", "ana"],
        ] {
            let mut command = keyed(&project, arguments);
            command.env(variable, text);
            let answer = told(command);
            assert_eq!(
                answer.code,
                if arguments[0] == "doctor" { 1 } else { 2 },
                "{variable} {arguments:?}: {answer:?}"
            );
            let whole = answer.whole();
            assert!(whole.contains(variable) && whole.contains("set, and empty"), "{answer:?}");
        }
    }
    assert!(!project.path("ran").exists());
    // What an option says needs no variable.
    let mut command = keyed(&project, &trusting(&["run", "report.bundle"]));
    assert_eq!(told(command.env("KNEO_BUNDLE_KEYS", "").env("KNEO_ENVIRONMENT", "")).code, 3);
}

/// Options that mean bundles are never passed over for a spec.
#[test]
fn options_of_bundles_mean_bundles() {
    let project = project();
    for options in [&["--env", "production"][..], &["--least", "1"], &["--workflow", "report"]] {
        let (exit, object) = object(&project, &[&["run", "report.yaml"], options].concat());
        assert_eq!((exit, &object["error"]["code"]), (1, &json!("bundle_malformed")), "{options:?}");
    }
    assert!(!project.path(".kneo").exists());
    // And a bundle is never passed over for a spec.
    sign(&project, "report.bundle", &[]);
    let bare = answer(&project, &["run", "report.bundle"]);
    snapshot(&project, "bundle_run_without_key", &bare.whole());
    let (_, unsaid) = object(&project, &["run", "report.bundle", "--key-id", "release-1=env:RELEASE_KEY"]);
    assert_eq!(unsaid["error"]["code"], "bundle_environment_unsaid");
    assert!(!project.path(".kneo").exists());
}

#[test]
fn the_doctor_looks_at_bundles_too() {
    let project = project();
    sign(&project, "report.bundle", &[]);
    let good = answer(&project, &trusting(&["doctor", "report.bundle"]));
    snapshot(&project, "bundle_doctor", &good.whole());
    for (arguments, code, exit) in [
        (trusting(&["doctor", "report.yaml"]), "bundle_malformed", 1),
        (vec!["doctor", "report.bundle"], "bundle_key_unknown", 1),
        (vec!["doctor", "report.bundle", "--key-id", "release-1=env:RELEASE_KEY"], "bundle_environment_unsaid", 1),
        (vec!["doctor", "report.bundle", "--key-id", "release-1=env:OTHER_KEY"], "bundle_altered", 1),
        (vec!["doctor", "report.bundle", "--key-id", "release-1=env:NONE"], "secret_missing", 4),
    ] {
        let (found, object) = object(&project, &arguments);
        let codes: Vec<&Value> = object["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|check| &check["code"])
            .filter(|code| !code.is_null())
            .collect();
        assert_eq!((found, codes), (exit, vec![&json!(code)]), "{arguments:?}");
    }
    assert!(!project.path(".kneo").exists());
}

/// Keys in places where they do not belong are not repeated: `answer` looks for them.
#[test]
fn keys_are_never_told() {
    let project = project().file("weak", "canary").file("binary", "");
    std::fs::write(project.path("binary"), [0xff; 40]).unwrap();
    sign(&project, "report.bundle", &[]);
    for (options, code, exit) in [
        (["--key-env", KEY], "secret_missing", 4),
        (["--key-env", "NO_SUCH_KEY"], "secret_missing", 4),
        (["--key-file", "weak"], "bundle_key_unusable", 1),
        (["--key-file", "binary"], "bundle_key_unusable", 1),
        (["--key-file", "none"], "file_not_found", 4),
        (["--key-file", "."], "file_unreadable", 4),
    ] {
        let arguments = "spec bundle sign report.yaml -o new.bundle --key-id release-1 --approved-by ana \
                         --env production --sequence 3 --json";
        let arguments: Vec<&str> = arguments.split_whitespace().chain(options).collect();
        let answer = answer(&project, &arguments);
        assert_eq!((answer.code, &answer.object()["error"]["code"]), (exit, &json!(code)), "{options:?}");
        assert!(answer.stderr.contains("help: "), "{answer:?}");
    }
    assert!(!project.path("new.bundle").exists());
    for (key, code, exit) in [
        (KEY.to_owned(), "usage", 2),
        (format!("release-1={KEY}"), "usage", 2),
        (format!("{KEY}="), "usage", 2),
        (format!("release-1=key:{KEY}"), "usage", 2),
        (format!("release-1=env:{KEY}"), "secret_missing", 4),
        ("release-1=file:weak".to_owned(), "bundle_key_unusable", 1),
    ] {
        let (found, object) = object(&project, &["spec", "bundle", "verify", "report.bundle", "--key-id", &key]);
        assert_eq!((found, &object["error"]["code"]), (exit, &json!(code)), "{key}");
    }
    let twice = ["--key-id", "release-1=env:RELEASE_KEY", "--key-id", "release-1=env:OTHER_KEY"];
    assert_eq!(object(&project, &[&["spec", "bundle", "verify", "report.bundle"], &twice[..]].concat()).0, 2);
}

#[test]
fn a_bundle_takes_nobodys_place() {
    let project = project().file("there", "mine");
    let refused = sign_with(&project, "there", &[]);
    assert!(refused.code == 1 && refused.stderr.starts_with("error[output_exists]: `there` is there"), "{refused:?}");
    assert_eq!(bytes(&project, "there"), b"mine");
    // Not even with `--force` that of the spec.
    for output in ["report.yaml", "./report.yaml"] {
        let arguments = format!(
            "spec bundle sign report.yaml -o {output} --force --key-id release-1 --key-env RELEASE_KEY --approved-by ana \
             --env production --sequence 3"
        );
        let refused = answer(&project, &arguments.split_whitespace().collect::<Vec<_>>());
        assert!(refused.code == 1 && refused.stderr.contains("is the spec itself"), "{refused:?}");
    }
    assert_eq!(bytes(&project, "report.yaml"), SPEC.as_bytes());
    // Nor that of the key.
    std::fs::write(project.path("key"), KEY).unwrap();
    let key = "spec bundle sign report.yaml -o ./key --force --key-id release-1 --key-file key --approved-by ana \
               --env production --sequence 3";
    let refused = answer(&project, &key.split_whitespace().collect::<Vec<_>>());
    assert!(refused.code == 1 && refused.stderr.contains("is the key itself"), "{refused:?}");
    assert_eq!(bytes(&project, "key"), KEY.as_bytes());
    let forced = "spec bundle sign report.yaml -o there --force --key-id release-1 --key-env RELEASE_KEY \
                  --approved-by ana --env production --sequence 3";
    assert_eq!(answer(&project, &forced.split_whitespace().collect::<Vec<_>>()).code, 0);
    assert_eq!(answer(&project, &trusting(&["spec", "bundle", "verify", "there"])).code, 0);
}

/// Nothing is left behind where a bundle could not be made.
#[test]
fn what_cannot_be_signed_leaves_nothing() {
    let project = project().file("wrong.yaml", "version: v1\nworkflaw: {}\n");
    let names = || -> Vec<_> {
        let mut names: Vec<_> =
            std::fs::read_dir(project.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    for (options, code, exit) in [
        (&[("--key-id", "release 1")][..], "bundle_key_id", 1),
        (&[("--key-id", "")], "name_invalid", 1),
        (&[("--env", " ")], "name_invalid", 1),
        (&[("--approved-by", "")], "name_invalid", 1),
        (&[("--sequence", "9007199254740992")], "bundle_sequence", 1),
    ] {
        let answer = sign_with(&project, "new.bundle", options);
        assert_eq!(answer.code, exit, "{answer:?}");
        assert!(answer.stderr.starts_with(&format!("error[{code}]: ")), "{answer:?}");
    }
    let elsewhere = sign_with(&project, "none/new.bundle", &[]);
    assert!(elsewhere.code == 4 && elsewhere.stderr.starts_with("error[output_unwritable]: "), "{elsewhere:?}");
    let wrong = "spec bundle sign wrong.yaml -o new.bundle --key-id release-1 --key-env RELEASE_KEY --approved-by ana \
                 --env production --sequence 3";
    let wrong = answer(&project, &wrong.split_whitespace().collect::<Vec<_>>());
    assert!(wrong.code == 1 && wrong.stderr.contains("did you mean `workflow`?"), "{wrong:?}");
    assert_eq!(names(), before);
}

#[test]
fn half_a_command_is_no_command() {
    let project = project();
    for arguments in [
        "sign report.yaml --key-id a --key-env B --approved-by c --env d --sequence 1",
        "sign report.yaml -o x --key-env B --approved-by c --env d --sequence 1",
        "sign report.yaml -o x --key-id a --approved-by c --env d --sequence 1",
        "sign report.yaml -o x --key-id a --key-env B --key-file F --approved-by c --env d --sequence 1",
        "sign report.yaml -o x --key-id a --key-env B --env d --sequence 1",
        "sign report.yaml -o x --key-id a --key-env B --approved-by c --sequence 1",
        "sign report.yaml -o x --key-id a --key-env B --approved-by c --env d",
        "sign report.yaml -o x --key-id a --key-env B --approved-by c --env d --sequence -1",
        "sign report.yaml -o x --key-id a --key KEY --approved-by c --env d --sequence 1",
        "verify",
        "verify a b",
        "verify a --least x",
        "",
    ] {
        let arguments: Vec<&str> = ["spec", "bundle"].into_iter().chain(arguments.split_whitespace()).collect();
        assert_eq!(answer(&project, &arguments).code, 2, "{arguments:?}");
    }
    assert!(!project.path("x").exists());
}
