//! Secrets and private words against everything that the program writes: none is where it must not be.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::{Arc, Mutex};

use kneo_tests::canary::Kind::{Held, Said, Undeclared};
use kneo_tests::canary::{Canary, sightings};
use serde_json::{Value, json};

use super::support::*;

const KEY: &str = "Fq7TzXn4WkRv9LbC";
const TOKEN: &str = "Jw3KqZt8XnVr5McP";
const PEM: &str =
    "-----BEGIN PRIVATE KEY-----\nYb9XkWq4ZrTn7LvC6MdPs2HfJg3RtBwE\nUa5VoNi8QxCy1KeG\n-----END PRIVATE KEY-----";
const RELEASE: &str = "Sx6RnWq3ZkTv8LbCYm4PdHf7GjKt2BwE";

/// The variables that the program has: four that it is told of, and others that are nobody's business.
fn variables() -> Vec<(&'static str, &'static str)> {
    vec![
        ("gateway_key", KEY),
        ("near_token", TOKEN),
        ("near_pem", PEM),
        ("RELEASE_KEY", RELEASE),
        ("AWS_SECRET_ACCESS_KEY", "Ht4ZnXq9WkLr7VbC"),
        ("OTHER_TOKEN", "Pk8TwXq3ZnRv6LcM"),
        ("HTTP_PROXY", "http://me:Dz5WnLq7XkTr2VbP@127.0.0.1:9"),
        ("https_proxy", "http://me:Dz5WnLq7XkTr2VbP@127.0.0.1:9"),
        ("OPENAI_API_KEY", "Ec9RkZq4WnXt7LvB"),
        ("BASH_ENV", "Wm2XqTn8ZkLr5VcP"),
    ]
}

fn canaries() -> Vec<Canary> {
    let declared = |name, value| Canary::new(name, "variable that is a secret", Held, value);
    let other = |name, value| Canary::new(name, "variable that nobody names", Undeclared, value);
    let said = |name, value| Canary::new(name, "what somebody says", Said, value);
    vec![
        declared("key", KEY),
        declared("token", TOKEN),
        declared("pem", PEM),
        declared("release key", RELEASE),
        other("aws", "Ht4ZnXq9WkLr7VbC"),
        other("other", "Pk8TwXq3ZnRv6LcM"),
        other("proxy", "Dz5WnLq7XkTr2VbP"),
        other("openai", "Ec9RkZq4WnXt7LvB"),
        other("shell", "Wm2XqTn8ZkLr5VcP"),
        said("input", "Lc7TnZq3XkWr9VbM"),
        said("answer", "Gp4WkXq8ZtRn6LvC"),
        said("arguments", "Bt9LnWq5XzKr3VcP"),
        said("result", "Kv6ZqTn2XwLr8BcM"),
        said("output", "Nz3RkWq7XtLv4CbP"),
        said("error output", "Xr8TnZq5WkLv2BcM"),
        said("question", "Qw4LkXt9ZnRv7CbP"),
        said("comment", "Ty6WnZq3XkRr8LbM"),
    ]
}

/// The value of a canary by its name.
fn value(name: &str) -> String {
    canaries().into_iter().find(|canary| canary.name == name).unwrap().value
}

const SPEC: &str = "version: v1
templates: true
name: flow
mcp_servers:
  near: {transport: stdio, command: ./near.sh, env: {TOKEN_ref: near_token, PEM_ref: near_pem}, tools: {effect: read}}
workflow:
  type: sequential
  steps:
    - {id: environment, kind: function, ref: {effect: read, command: {argv: [sh, -c, 'env; echo OUTPUT']}}}
    - {id: broken, kind: function, ref: {effect: read, command: {argv: [sh, -c, 'env >&2; echo ERROR >&2; exit 3']}}, on_error: continue}
    - id: ask
      kind: agent
      ref: {model: {provider: gateway, name: m}, tools: [near]}
      input: '{{ input }}'
    - id: agree
      kind: human
      ref: {description: 'QUESTION {{ input }}', assignee: uma, request_type: approval}
      input: '{{ steps.ask.output }}'
";

/// A server of tools that says all of its environment, in results, in errors and beside.
const NEAR: &str = r#"#!/bin/sh
escaped() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' | awk '{printf "%s%s", sep, $0; sep="\\n"}'; }
env > near_was_given
env >&2
while IFS= read -r line; do
  id=${line#*\"id\":}; id=${id%%[,\}]*}
  case "$line" in
    *'"method":"initialize"'*)
      printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"near","version":"1"}}}\n' "$id" ;;
    *'"method":"tools/list"'*)
      printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"environment","description":"%s","inputSchema":{"type":"object"}}]}}\n' "$id" "$(env | escaped)" ;;
    *'"method":"tools/call"'*)
      printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"RESULT %s"}]}}\n' "$id" "$(env | escaped)" ;;
    *'"id":'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"%s"}}\n' "$id" "$(env | escaped)" ;;
  esac
done
"#;

/// A server of models that asks for the tool once, and then repeats its key. What came is kept.
fn models() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = exchange(stream.unwrap(), &noted);
        }
    });
    (port, seen)
}

fn exchange(mut stream: TcpStream, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(size) = line.to_lowercase().strip_prefix("content-length:") {
            length = size.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let message = match body.contains("\"role\":\"tool\"") {
        true => json!({"role": "assistant", "content": format!("{} {KEY}", value("answer"))}),
        false => {
            let arguments = json!({"path": value("arguments"), "key": KEY}).to_string();
            let call =
                json!({"id": "c", "type": "function", "function": {"name": "environment", "arguments": arguments}});
            json!({"role": "assistant", "content": null, "tool_calls": [call]})
        }
    };
    let finish = if message["content"].is_null() { "tool_calls" } else { "stop" };
    // The list of models is that of nobody: it repeats the key too.
    let (status, answer) = match head.starts_with("GET ") {
        true => (401, json!({"error": {"message": format!("who is {KEY}?")}})),
        false => (200, json!({"choices": [{"index": 0, "message": message, "finish_reason": finish}]})),
    };
    seen.lock().unwrap().push(format!("{head}\n{body}"));
    let answer = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        answer.len()
    );
    stream.write_all(format!("{head}{answer}").as_bytes())
}

/// Everything that was written, by the command that wrote it.
#[derive(Default)]
struct Written {
    /// For who operates the program: logs, overviews, pictures.
    operators: Vec<(String, String)>,
    /// For who may read what was said.
    readers: Vec<(String, String)>,
}

struct Scene {
    project: Project,
    written: Written,
}

impl Scene {
    /// Runs a command and keeps what it writes; its log is for operators in any case.
    fn run(&mut self, arguments: &[&str], is_private: bool) -> Answer {
        let mut command = self.project.command(arguments);
        let answer = Answer::from(command.envs(variables()).env("KNEO_LOG", "trace").output().unwrap());
        let name = format!("kneo {}", arguments.join(" "));
        let is_log = |line: &&str| line.split(' ').next().is_some_and(|word| word.ends_with('Z') && word.contains('T'));
        let (log, told): (Vec<&str>, Vec<&str>) = answer.stderr.lines().partition(is_log);
        self.written.operators.push((format!("log of {name}"), log.join("\n")));
        let told = format!("{}\n{}", answer.stdout, told.join("\n"));
        let written = if is_private { &mut self.written.readers } else { &mut self.written.operators };
        written.push((name, told));
        answer
    }

    fn operators(&mut self, arguments: &[&str]) -> Answer {
        self.run(arguments, false)
    }

    fn readers(&mut self, arguments: &[&str]) -> Answer {
        self.run(arguments, true)
    }
}

#[test]
fn no_canary_is_in_anything_that_the_program_writes_where_it_must_not_be() {
    let (port, seen) = models();
    let spec = SPEC
        .replace("OUTPUT", &value("output"))
        .replace("ERROR", &value("error output"))
        .replace("QUESTION", &value("question"));
    let project = Project::with(&spec).file("near.sh", &NEAR.replace("RESULT", &value("result")));
    std::fs::set_permissions(project.path("near.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir_all(project.path(".kneo")).unwrap();
    let config = format!(
        "providers: {{gateway: {{kind: openai, base_url: 'http://127.0.0.1:{port}/v1', api_key_ref: gateway_key}}}}\n"
    );
    std::fs::write(project.path(".kneo/config.yaml"), config).unwrap();
    let mut scene = Scene { project, written: Written::default() };

    for arguments in [
        &["spec", "validate", "flow.yaml"][..],
        &["spec", "graph", "flow.yaml"],
        &["spec", "graph", "flow.yaml", "--format", "dot"],
        &["spec", "graph", "flow.yaml", "--format", "svg"],
        &["doctor", "flow.yaml", "--json"],
        &["doctor", "flow.yaml"],
    ] {
        let answer = scene.operators(arguments);
        assert!(answer.code == 0 || arguments[0] == "doctor", "{answer:?}");
    }
    // A spec and its plan hold the question, which is the author's.
    for arguments in [
        &["spec", "compile", "flow.yaml"][..],
        &["spec", "resolve", "flow.yaml"],
        &[
            "spec",
            "bundle",
            "sign",
            "flow.yaml",
            "-o",
            "flow.bundle",
            "--key-id",
            "r-1",
            "--key-env",
            "RELEASE_KEY",
            "--approved-by",
            "ana",
            "--env",
            "here",
            "--sequence",
            "1",
        ],
        &["spec", "bundle", "verify", "flow.bundle", "--key-id", "r-1=env:RELEASE_KEY", "--env", "here", "--json"],
        &["spec", "bundle", "verify", "flow.bundle", "--key-id", "r-1=env:OTHER_TOKEN", "--env", "here"],
    ] {
        let answer = scene.readers(arguments);
        assert_eq!(answer.code == 0, !arguments.contains(&"r-1=env:OTHER_TOKEN"), "{answer:?}");
    }
    let run = |scene: &mut Scene, arguments: &[&str]| -> Value {
        let input = value("input");
        scene.readers(&[&["run"], arguments, &["--input", &input, "--json"]].concat()).object()
    };
    let started = run(&mut scene, &["flow.bundle", "--key-id", "r-1=env:RELEASE_KEY", "--env", "here"]);
    let id = started["run_id"].as_str().unwrap_or_else(|| panic!("{started}")).to_owned();
    scene.readers(&["human", "list"]);
    let tasks = scene.readers(&["human", "list", "--json"]).object();
    let task = tasks["tasks"][0]["task_id"].as_str().unwrap_or_else(|| panic!("{tasks}")).to_owned();
    scene.readers(&["human", "get", &task]);
    let trusted = ["--key-id", "r-1=env:RELEASE_KEY", "--env", "here"];
    let comment = value("comment");
    let decided =
        scene.readers(&[&["human", "decide", &task, "--approve", "--reason", &comment], &trusted[..]].concat());
    assert_eq!(decided.code, 0, "{decided:?}");
    for format in [&[][..], &["--json"]] {
        for arguments in [&["runs", "list"][..], &["runs", "trace", &id]] {
            scene.operators(&[arguments, format].concat());
        }
        for arguments in [
            &["runs", "get", &id][..],
            &["runs", "events", &id],
            &["runs", "trace", &id, "--with-values"],
            &["human", "get", &task],
        ] {
            scene.readers(&[arguments, format].concat());
        }
    }
    scene.operators(&["runs", "trace", &id, "--html"]);
    scene.readers(&["runs", "trace", &id, "--html", "--with-values"]);
    // Without its secret, nothing of the others is told.
    let mut bare = scene.project.command(&["run", "flow.yaml", "--input", "x"]);
    let answer = Answer::from(bare.envs(variables()).env_remove("near_token").output().unwrap());
    assert_eq!(answer.code, 4, "{answer:?}");
    scene.written.operators.push(("run without a secret".to_owned(), answer.whole()));

    planted(&scene, &seen.lock().unwrap());
    searched(&scene);
}

/// Everything was really there.
fn planted(scene: &Scene, seen: &[String]) {
    let inherited = Command::new("env").env_clear().envs(variables()).env("PATH", "/usr/bin:/bin").output().unwrap();
    let inherited = String::from_utf8_lossy(&inherited.stdout).into_owned();
    let given = std::fs::read_to_string(scene.project.path("near_was_given")).unwrap();
    for canary in canaries() {
        let arrived = match canary.kind {
            Undeclared => inherited.contains(&canary.value),
            Held if canary.name == "key" => seen.iter().any(|request| request.contains(&format!("Bearer {KEY}"))),
            // Nothing would be signed, nor verified, without it.
            Held if canary.name == "release key" => scene.project.path("flow.bundle").exists(),
            Held => given.contains(&canary.value),
            // What is said is told to who asks for it.
            Said => {
                let events = scene.written.readers.iter().filter(|(name, _)| name.starts_with("kneo runs events"));
                events.map(|(_, text)| text.contains(&canary.value)).eq([true, true])
            }
        };
        assert!(arrived, "{canary:?}");
    }
}

fn searched(scene: &Scene) {
    let canaries = canaries();
    let (said, secret): (Vec<&Canary>, Vec<&Canary>) = canaries.iter().partition(|canary| canary.kind == Said);
    let Written { operators, readers } = &scene.written;
    let logs: Vec<&str> =
        operators.iter().filter(|(name, _)| name.starts_with("log of")).map(|(_, text)| text.as_str()).collect();
    for logged in [" TRACE ", "kneo_runtime", "kneo_mcp", "kneo_tools", "hyper_util"] {
        assert!(logs.iter().any(|log| log.contains(logged)), "{logged}: {logs:#?}");
    }
    // The MCP SDK logs whole messages, at several levels.
    assert!(logs.iter().all(|log| !log.contains(" rmcp::")), "{logs:#?}");
    let mut files = Vec::new();
    let mut folders = vec![scene.project.path("")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with("near_was_given") => {}
                false => files.push((
                    path.display().to_string(),
                    String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned(),
                )),
            }
        }
    }
    assert!(
        files.iter().any(|(name, _)| name.ends_with("kneo.db")),
        "{:?}",
        files.iter().map(|file| &file.0).collect::<Vec<_>>()
    );
    let look = |canaries: &[&Canary], all: &[(String, String)]| {
        sightings(canaries, all.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    };
    let mut leaks = [operators, readers, &files].map(|all| look(&secret, all)).concat();
    // Why something failed is told by a trace in any case.
    let told = |canary: &Canary, name: &str| canary.name == "error output" && name.starts_with("kneo runs trace");
    for canary in said {
        let private: Vec<(String, String)> =
            operators.iter().filter(|(name, _)| !told(canary, name)).cloned().collect();
        leaks.extend(look(&[canary], &private));
    }
    assert!(leaks.is_empty(), "{} canaries are seen:\n{}", leaks.len(), leaks.join("\n\n"));
}
