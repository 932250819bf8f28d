//! `kneo doctor`, and what it and a run say of models that cannot be reached.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use super::support::*;

/// The key that the server takes.
const KEY: &str = "sk-test-opensesame";

/// A model server with one model and one key; gives its address.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A caller that has gone away is served no longer.
            let _ = serve(stream.unwrap());
        }
    });
    format!("http://{address}/v1")
}

fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let authorized = head.to_ascii_lowercase().contains(&format!("authorization: bearer {KEY}"));
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let model = |id: &str| json!({"id": id, "object": "model"});
    let (status, answer) = if !authorized {
        let message = "Incorrect API key provided";
        (
            "401 Unauthorized",
            json!({"error": {"message": message, "type": "invalid_request_error", "code": "invalid_api_key"}}),
        )
    } else if head.starts_with("GET") {
        ("200 OK", json!({"object": "list", "data": [model("small")]}))
    } else if asked["model"] != "small" {
        let message = format!("The model `{}` does not exist", asked["model"].as_str().unwrap_or_default());
        (
            "404 Not Found",
            json!({"error": {"message": message, "type": "invalid_request_error", "code": "model_not_found"}}),
        )
    } else {
        let choice =
            json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello, Ana."}});
        let usage = json!({"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11});
        (
            "200 OK",
            json!({"id": "1", "object": "chat.completion", "model": "small", "choices": [choice], "usage": usage}),
        )
    };
    let answer = answer.to_string();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", answer.len());
    (&stream).write_all(format!("{head}connection: close\r\n\r\n{answer}").as_bytes())
}

fn spec(model: &str) -> String {
    format!(
        "
version: v1
workflow:
  type: sequential
  steps:
    - id: greet
      kind: agent
      ref: {{model: {{provider: house, name: {model}}}, system_prompt: Greet., strategy: {{type: simple}}}}
"
    )
}

/// A project whose models are at an address.
fn project(address: &str, model: &str) -> Project {
    let project = Project::with(&spec(model));
    std::fs::create_dir_all(project.path(".kneo")).unwrap();
    let settings = format!(
        "providers: {{house: {{kind: openai, base_url: '{address}', api_key_ref: house_key}}}}\nsecrets: {{house_key: HOUSE_KEY}}\n"
    );
    std::fs::write(project.path(".kneo/config.yaml"), settings).unwrap();
    project
}

fn with_key(project: &Project, key: Option<&str>, arguments: &[&str]) -> Answer {
    let mut command = project.command(arguments);
    if let Some(key) = key {
        command.env("HOUSE_KEY", key);
    }
    command.output().unwrap().into()
}

/// The codes of what is wrong.
fn wrong(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().filter(|check| check["ok"] == false).map(|check| check["code"].as_str().unwrap()).collect()
}

#[test]
fn a_doctor_and_a_run_find_the_models_of_the_project() {
    let project = project(&server(), "small");
    let report = with_key(&project, Some(KEY), &["doctor", "flow.yaml", "--json"]);
    assert_eq!((report.code, wrong(&report.object())), (0, Vec::new()), "{report:?}");
    let run = with_key(&project, Some(KEY), &["run", "flow.yaml", "--input", "Ana", "--json"]);
    assert_eq!((run.code, &run.object()["output"]), (0, &json!("Hello, Ana.")), "{run:?}");
    assert_eq!(run.object()["usage"], json!({"input_tokens": 7, "output_tokens": 4}));
    // It looks, and leaves nothing behind.
    let fresh = self::project(&server(), "small");
    assert_eq!(with_key(&fresh, Some(KEY), &["doctor", "flow.yaml"]).code, 0);
    assert!(!fresh.path(".kneo/kneo.db").exists());
}

/// A wrong key, a wrong model, a dead server, a key that is not there: what is wrong, and what to do.
#[test]
fn what_keeps_a_model_from_answering_is_said_before_a_run_and_by_it() {
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/v1", listener.local_addr().unwrap())
    };
    for (name, address, model, key, code) in [
        ("wrong_key", server(), "small", Some("sk-test-wrong"), "provider_authentication"),
        ("wrong_model", server(), "huge", Some(KEY), "provider_model_not_found"),
        ("dead_server", dead, "small", Some(KEY), "provider_unreachable"),
        ("no_key", server(), "small", None, "secret_missing"),
    ] {
        let project = project(&address, model);
        let hide = |text: &str| text.replace(address.trim_end_matches("/v1"), "[server]");
        let doctor = with_key(&project, key, &["doctor", "flow.yaml"]);
        let report = with_key(&project, key, &["doctor", "flow.yaml", "--json"]).object();
        assert_eq!((doctor.code, wrong(&report)), (4, vec![code]), "{report}");
        let run = with_key(&project, key, &["run", "flow.yaml", "--input", "Ana"]);
        let said = format!("{}\n\n{}", hide(&doctor.whole()), hide(&run.whole()));
        assert!(!said.contains("sk-test"), "{said}");
        snapshot(&project, &format!("doctor_{name}"), &said);
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let project = project(&server(), "small");
    std::fs::write(project.path("broken.yaml"), "version: v1\nworkflow: {type: sequential, steps: []}\n").unwrap();
    std::fs::write(project.path(".kneo/kneo.db"), "no database").unwrap();
    let answer = with_key(&project, None, &["doctor", "broken.yaml", "absent.yaml", "flow.yaml", "--json"]);
    let report: Value = answer.object();
    let found = ["store_unusable", "spec_invalid", "file_not_found", "secret_missing"];
    assert_eq!((answer.code, wrong(&report)), (1, found.to_vec()), "{report}");
    assert_eq!(report["ok"], false);
    // Without models and servers the network is not needed.
    let offline = with_key(&project, Some(KEY), &["doctor", "flow.yaml", "--offline", "--store", "sqlite:none.db"]);
    assert_eq!(offline.code, 0, "{offline:?}");
}

#[test]
fn settings_that_mean_nothing_are_refused_wherever_they_would_count() {
    let project = project(&server(), "small");
    for (settings, said) in [
        ("provider: {}", "unknown field `provider`"),
        ("providers: {house: {kind: openai, base_urls: x}}", "unknown field `base_urls`"),
        ("providers: {house: {base_url: 'http://localhost/v1'}}", "missing field `kind`"),
        ("providers: {house: {kind: gopher}}", "unknown variant `gopher`"),
        ("secrets: [a]", "invalid type"),
    ] {
        std::fs::write(project.path(".kneo/config.yaml"), settings).unwrap();
        for arguments in [&["run", "flow.yaml", "--json"][..], &["doctor", "--json"]] {
            let answer = with_key(&project, Some(KEY), arguments);
            let object = answer.object();
            let (code, message) = match &object["checks"][0] {
                Value::Null => (&object["error"]["code"], object["error"]["message"].as_str()),
                check => (&check["code"], check["message"].as_str()),
            };
            assert_eq!((answer.code, code), (1, &json!("config_invalid")), "{object}");
            let message = message.unwrap();
            assert!(message.contains("config.yaml`: ") && message.contains(said), "{message}");
        }
    }
    assert!(!project.path(".kneo/kneo.db").exists());
    // An address that is none is found before anything is sent.
    std::fs::write(project.path(".kneo/config.yaml"), "providers: {house: {kind: openai, base_url: 'ftp://x'}}")
        .unwrap();
    let (code, problem) = project.json(&["run", "flow.yaml"]);
    assert_eq!((code, &problem["error"]["code"]), (1, &json!("openai_address_invalid")), "{problem}");
}

#[test]
fn a_doctor_that_waited_too_short_says_how_it_waits_longer() {
    // It takes connections, and answers nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let project = project(&format!("http://{}/v1", silent.local_addr().unwrap()), "small");
    let answer = with_key(&project, Some(KEY), &["doctor", "flow.yaml", "--patience", "1", "--json"]);
    let report = answer.object();
    let found = report["checks"].as_array().unwrap().last().unwrap();
    assert_eq!((answer.code, &found["message"]), (4, &json!("no answer within 1s")), "{report}");
    assert!(found["help"].as_str().unwrap().contains("`--patience SECONDS`"), "{report}");
}

/// A key and what is said do not go over a network that others read, unless the project says so; that is found offline.
#[test]
fn a_model_on_another_machine_is_asked_without_tls_only_if_the_project_lets_it() {
    let project = project("http://10.255.255.1/v1", "small");
    let settings = |more: &str| {
        let house = "kind: openai, base_url: 'http://10.255.255.1/v1', api_key_ref: HOUSE_KEY";
        std::fs::write(project.path(".kneo/config.yaml"), format!("providers: {{house: {{{house}{more}}}}}")).unwrap();
    };
    for more in ["", ", plain_http: [10.255.255.2]"] {
        settings(more);
        for arguments in [&["doctor", "flow.yaml", "--offline", "--json"][..], &["run", "flow.yaml", "--json"]] {
            let answer = with_key(&project, Some(KEY), arguments);
            let object = answer.object();
            let mut checks = object["checks"].as_array().into_iter().flatten();
            let found = checks.find(|check| check["ok"] == false).unwrap_or(&object["error"]);
            assert_eq!((answer.code, &found["code"]), (1, &json!("openai_address_invalid")), "{object}");
            let (message, help) = (found["message"].as_str().unwrap(), found["help"].as_str().unwrap());
            assert!(
                message.contains("provider `house`")
                    && message.contains("plain HTTP to `10.255.255.1`")
                    && message.contains("name it in `plain_http`"),
                "{message}"
            );
            assert!(help.contains("`plain_http` in `.kneo/config.yaml`"), "{help}");
        }
    }
    settings(", plain_http: [10.255.255.1]");
    let allowed = with_key(&project, Some(KEY), &["doctor", "flow.yaml", "--offline", "--json"]);
    assert_eq!((allowed.code, wrong(&allowed.object())), (0, Vec::new()), "{allowed:?}");
    settings(", plain_http: ['http://x']");
    let refused = with_key(&project, Some(KEY), &["doctor", "flow.yaml", "--offline", "--json"]);
    assert_eq!(wrong(&refused.object()), ["openai_address_invalid"]);
}

/// Runs the spec under these settings with the key of the server.
fn run_with(spec: &str, settings: &str) -> Answer {
    let project = Project::with(spec);
    std::fs::create_dir_all(project.path(".kneo")).unwrap();
    std::fs::write(project.path(".kneo/config.yaml"), settings).unwrap();
    with_key(&project, Some(KEY), &["run", "flow.yaml", "--input", "Ana", "--json"])
}

#[test]
fn a_project_says_which_model_is_asked_where_a_spec_names_none() {
    let house = format!("kind: openai, base_url: '{}', api_key_ref: HOUSE_KEY", server());
    let nameless = spec("x").replace(", name: x", "");
    let answer = run_with(&nameless, &format!("providers: {{house: {{{house}, model: small}}}}"));
    assert_eq!((answer.code, &answer.object()["output"]), (0, &json!("Hello, Ana.")), "{answer:?}");
    assert_eq!(run_with(&nameless, &format!("providers: {{house: {{{house}}}}}")).code, 1);
}

#[test]
fn a_spec_names_another_address_only_if_the_project_lets_it() {
    let (here, there) = (server(), server());
    let elsewhere = spec("small")
        .replace("name: small", &format!("name: small, extra: {{base_url: '{there}', api_key_ref: HOUSE_KEY}}"));
    let house = format!("kind: openai, base_url: '{here}'");
    let refused = run_with(&elsewhere, &format!("providers: {{house: {{{house}}}}}"));
    assert_eq!(refused.code, 1, "{refused:?}");
    let allowed = run_with(&elsewhere, &format!("providers: {{house: {{{house}, allow_base_urls: ['{there}']}}}}"));
    assert_eq!((allowed.code, &allowed.object()["output"]), (0, &json!("Hello, Ana.")), "{allowed:?}");
}

#[test]
fn one_mistake_in_the_settings_is_one_thing_that_is_wrong() {
    let project = project("http://127.0.0.1:9/v1", "small");
    for settings in [
        "providers: {house: {kind: opneai}}",
        "providers: {house: {kind: openai, base_url: 'ftp://x'}}",
        "mcp: {commands: ['']}",
    ] {
        std::fs::write(project.path(".kneo/config.yaml"), settings).unwrap();
        for spec in ["a.yaml", "b.yaml", "c.yaml"] {
            std::fs::copy(project.path("flow.yaml"), project.path(spec)).unwrap();
        }
        let answer = project.kneo(&["doctor", "--offline", "a.yaml", "b.yaml", "c.yaml"]);
        assert!(answer.stdout.ends_with("\n1 thing is wrong\n"), "{answer:?}");
        assert!(answer.stdout.starts_with("✗ settings: ") && answer.code == 1, "{answer:?}");
        assert_eq!(answer.stdout.matches("compiles: ").count(), 3, "{answer:?}");
    }
}
