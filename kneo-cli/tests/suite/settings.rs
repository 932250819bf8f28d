//! Each setting of a project counts: with it something is otherwise than without.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::*;

/// How a model server is.
#[derive(Clone, Copy)]
enum Manner {
    /// It answers at once.
    Prompt,
    /// It answers in events, if asked to.
    InEvents,
    /// It says nothing for as long as it is listened to.
    Silent,
}

/// A model server, and what it was asked.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    fn start(manner: Manner) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server { address: format!("http://{}/v1", listener.local_addr().unwrap()), asked: Arc::default() };
        let asked = Arc::clone(&server.asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let asked = Arc::clone(&asked);
                // A caller that has gone away is served no longer.
                std::thread::spawn(move || serve(&stream.unwrap(), manner, &asked));
            }
        });
        server
    }

    /// The last request.
    fn asked(&self) -> Value {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

fn serve(stream: &TcpStream, manner: Manner, asked: &Mutex<Vec<Value>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    asked.lock().unwrap().push(serde_json::from_slice(&body).unwrap_or_default());
    let text = r#"{"name": "Ana"}"#;
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11});
    let (form, answer) = match manner {
        Manner::Silent => {
            // Until the caller goes away.
            reader.read_to_end(&mut Vec::new())?;
            return Ok(());
        }
        Manner::Prompt => {
            let choice =
                json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}});
            ("application/json", json!({"id": "1", "choices": [choice], "usage": usage}).to_string())
        }
        Manner::InEvents => {
            let choice = json!({"index": 0, "finish_reason": "stop", "delta": {"content": text}});
            let event = json!({"id": "1", "choices": [choice], "usage": usage});
            ("text/event-stream", format!("data: {event}\n\ndata: [DONE]\n\n"))
        }
    };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {form}\r\ncontent-length: {}\r\n", answer.len());
    (&*stream).write_all(format!("{head}connection: close\r\n\r\n{answer}").as_bytes())
}

/// Whether something ends before anything could have ended it but a setting.
fn soon<T>(work: impl FnOnce() -> T) -> T {
    let since = Instant::now();
    let done = work();
    assert!(since.elapsed() < Duration::from_secs(9), "it took {:?}", since.elapsed());
    done
}

fn spec(extra: &str) -> String {
    format!(
        "version: v1
workflow:
  type: sequential
  steps:
    - id: greet
      kind: agent
      ref:
        model: {{provider: house, name: small, token_budget: 500{extra}}}
        strategy: {{type: simple}}
        output_schema: {{type: object, properties: {{name: {{type: string}}}}}}
"
    )
}

fn set(project: &Project, settings: &str) {
    std::fs::create_dir_all(project.path(".kneo")).unwrap();
    std::fs::write(project.path(".kneo/config.yaml"), settings).unwrap();
}

/// Runs the spec with a provider of these settings; the code of what went wrong, if anything did.
fn run(project: &Project, address: &str, settings: &str) -> Option<String> {
    set(project, &format!("providers: {{house: {{kind: openai, base_url: '{address}'{settings}}}}}"));
    let answer = project.kneo(&["run", "flow.yaml", "--input", "Ana", "--json"]);
    let report = answer.object();
    let code = report["error"]["code"].as_str().map(str::to_owned);
    assert_eq!(answer.code == 0, code.is_none(), "{answer:?}");
    code
}

#[test]
fn how_a_project_speaks_to_models_counts() {
    let (server, project) = (Server::start(Manner::Prompt), Project::with(&spec("")));
    let asked = |settings: &str| {
        assert_eq!(run(&project, &server.address, settings), None, "{settings}");
        server.asked()
    };
    let usual = asked("");
    assert_eq!((&usual["stream"], &usual["response_format"]["type"]), (&json!(true), &json!("json_schema")));
    assert!(usual["max_tokens"].is_u64() && usual["max_completion_tokens"].is_null(), "{usual}");
    assert_ne!(asked(", answers: plain")["stream"], json!(true));
    assert_eq!(asked(", answers: streamed")["stream"], json!(true));
    for (how, expected) in
        [("json_schema", json!("json_schema")), ("json_object", json!("json_object")), ("unsent", Value::Null)]
    {
        assert_eq!(asked(&format!(", structured_output: {how}"))["response_format"]["type"], expected);
    }
    for name in ["max_tokens", "max_completion_tokens"] {
        assert!(asked(&format!(", max_tokens: {name}"))[name].is_u64(), "{name}");
    }
    // Through a proxy that answers in the place of a server that is not there; this machine is asked without.
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/v1", listener.local_addr().unwrap())
    };
    let by_proxy = format!(", plain_http: [models.invalid], proxy: '{}'", server.address.trim_end_matches("/v1"));
    for (address, unreachable) in [(&*dead, true), ("http://models.invalid/v1", false)] {
        let found = run(&project, address, &by_proxy);
        assert_eq!(found.as_deref(), unreachable.then_some("provider_unreachable"), "{address}");
    }
    assert_eq!(
        run(&project, "http://models.invalid/v1", ", plain_http: [models.invalid]").as_deref(),
        Some("provider_unreachable")
    );
}

#[test]
fn a_spec_names_a_parameter_of_the_servers_own_only_if_the_project_lets_it() {
    let (server, project) = (Server::start(Manner::Prompt), Project::with(&spec(", extra: {top_k: 5}")));
    assert_eq!(run(&project, &server.address, "").as_deref(), Some("provider_parameter_refused"));
    assert_eq!(run(&project, &server.address, ", allow_parameters: [top_k]"), None);
    assert_eq!(server.asked()["top_k"], json!(5));
}

#[test]
fn the_bounds_of_a_model_count() {
    let project = Project::with(&spec(""));
    let silent = Server::start(Manner::Silent);
    for (bound, code) in [("deadline_seconds", "provider_timeout"), ("idle_timeout_seconds", "provider_stalled")] {
        let ended = soon(|| run(&project, &silent.address, &format!(", {bound}: 0.3")));
        assert_eq!(ended.as_deref(), Some(code), "{bound}");
    }
    // A server that takes connections and does not speak TLS.
    let secure = silent.address.replace("http://", "https://");
    let ended = soon(|| run(&project, &secure, ", connect_timeout_seconds: 0.3"));
    assert_eq!(ended.as_deref(), Some("provider_unreachable"));

    let events = Server::start(Manner::InEvents);
    assert_eq!(run(&project, &events.address, ""), None);
    for (bound, code) in [
        ("max_answer_bytes", "provider_answer_too_large"),
        ("max_event_bytes", "provider_answer_too_large"),
        ("max_header_bytes", "provider_header_too_large"),
    ] {
        assert_eq!(run(&project, &events.address, &format!(", {bound}: 40")).as_deref(), Some(code), "{bound}");
        assert_eq!(run(&project, &events.address, &format!(", {bound}: 4000")), None, "{bound}");
    }
}

#[test]
fn the_authorities_that_a_project_names_are_read_from_its_folder() {
    let project = Project::with(&spec(""));
    let settings = ", root_certificates: certificates/house.pem";
    assert_eq!(run(&project, "https://localhost:1/v1", settings).as_deref(), Some("file_not_found"));
    std::fs::create_dir_all(project.path("certificates")).unwrap();
    std::fs::write(project.path("certificates/house.pem"), "no certificate").unwrap();
    assert_eq!(run(&project, "https://localhost:1/v1", settings).as_deref(), Some("openai_certificates_invalid"));
}

/// What is wrong with the servers of the spec under these settings.
fn doctor(project: &Project, settings: &str) -> Option<String> {
    set(project, settings);
    let mut doctor = project.command(&["doctor", "flow.yaml", "--models", "models.json", "--json"]);
    let answer = Answer::from(doctor.env("files_token", "sesame-sesame").output().unwrap());
    let report = answer.object();
    let checks = report["checks"].as_array().unwrap();
    let wrong = checks.iter().find(|check| check["ok"] == false);
    wrong.map(|check| format!("{}: {}", check["code"].as_str().unwrap(), check["message"].as_str().unwrap()))
}

const SPEC: &str = "version: v1
mcp_servers: {files: {transport: stdio, command: ./serve.sh, tools: {effect: read}}}
agent: {name: clerk, model: {provider: scripted}, tools: [files]}
";

const MODELS: &str = r#"{"agents": {"clerk": [{"turns": [{"tool_calls": [{"name": "docs_read"}]}, "done"]}]}}"#;

/// A project with a server of tools.
fn with_server(serve: &str) -> Project {
    let project = Project::with(SPEC).file("models.json", MODELS).file("serve.sh", serve);
    std::fs::set_permissions(project.path("serve.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    project
}

/// All events of a run under these settings, in which a tool of the server is called.
fn events(project: &Project, settings: &str) -> String {
    set(project, settings);
    let answer = project.kneo(&["run", "flow.yaml", "--models", "models.json", "--input", "go", "--json"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    project.kneo(&["runs", "events", answer.object()["run_id"].as_str().unwrap(), "--json"]).stdout
}

const SERVE: &str = include_str!("serve.sh");

#[test]
fn the_times_of_servers_of_tools_count() {
    let mute = with_server("#!/bin/sh\nexec sleep 60\n");
    let said = soon(|| doctor(&mute, "mcp: {connect_timeout_seconds: 0.3}")).unwrap();
    assert!(said.starts_with("mcp_timeout: ") && said.contains("within 0.3 s"), "{said}");

    let slow = with_server(&SERVE.replace("      result='{\"content\"", "      sleep 60; result='{\"content\""));
    for bound in ["request_timeout_seconds", "idle_timeout_seconds"] {
        let told = soon(|| events(&slow, &format!("mcp: {{{bound}: 0.3, grace_seconds: 0.1}}")));
        assert!(told.contains("mcp_timeout") && told.contains("within 0.3 s"), "{bound}: {told}");
    }

    // It takes a while to end: as long as it has.
    let ending = with_server(&format!("{SERVE}sleep 1\necho ended > ended.txt\n"));
    for (grace, ends) in [("0.1", false), ("5", true)] {
        assert_eq!(doctor(&ending, &format!("mcp: {{grace_seconds: {grace}}}")), None);
        assert_eq!(ending.path("ended.txt").exists(), ends, "{grace}");
    }
}

#[test]
fn the_caps_of_servers_of_tools_count() {
    let project = with_server(SERVE);
    assert_eq!(doctor(&project, "mcp: {max_response_bytes: 10000, max_tools: 1}"), None);
    let said = doctor(&project, "mcp: {max_response_bytes: 40}").unwrap();
    assert!(said.contains("too_large"), "{said}");

    let two = SERVE.replace(
        r#""inputSchema":{"type":"object"}}"#,
        r#""inputSchema":{"type":"object"}},{"name":"x","inputSchema":{"type":"object"}}"#,
    );
    let project = with_server(&two);
    assert_eq!(doctor(&project, ""), None);
    let said = doctor(&project, "mcp: {max_tools: 1}").unwrap();
    assert!(said.starts_with("mcp_offer_too_large: "), "{said}");

    let image = SERVE.replace(
        r#"{"type":"text","text":"'"$path $MODE ${#TOKEN} $*"'"}"#,
        r#"{"type":"image","mimeType":"image/png","data":"aGVsbG8gaGVsbG8="}"#,
    );
    assert_ne!(image, SERVE);
    let project = with_server(&image);
    assert!(events(&project, "").contains("aGVsbG8gaGVsbG8="));
    assert!(!events(&project, "mcp: {max_media_bytes: 10}").contains("aGVsbG8gaGVsbG8="));

    let project = with_server("#!/bin/sh\nprintf 'a%.0s' $(seq 100) >&2\nexit 1\n");
    let said = doctor(&project, "").unwrap();
    assert!(said.starts_with("mcp_spawn_failed: ") && said.contains(&"a".repeat(100)), "{said}");
    let said = doctor(&project, "mcp: {max_stderr_bytes: 10}").unwrap();
    assert!(said.contains(&"a".repeat(10)) && !said.contains(&"a".repeat(20)), "{said}");
}

#[test]
fn the_way_to_servers_of_tools_counts() {
    let spec = |url: &str, more: &str| {
        format!(
            "version: v1
mcp_servers: {{far: {{transport: http, url: '{url}'{more}}}}}
agent: {{name: clerk, model: {{provider: scripted}}, tools: [far]}}
"
        )
    };
    // A proxy that knows nothing of MCP answers in the place of a server that is not there.
    let proxy = Server::start(Manner::Prompt);
    let project = Project::with(&spec("http://tools.invalid/mcp", "")).file("models.json", MODELS);
    let plain = "plain_http: [tools.invalid]";
    let said = doctor(&project, &format!("mcp: {{{plain}}}")).unwrap();
    assert!(said.starts_with("mcp_unreachable: "), "{said}");
    let proxy = proxy.address.trim_end_matches("/v1");
    let said = doctor(&project, &format!("mcp: {{{plain}, proxy: '{proxy}'}}")).unwrap();
    assert!(!said.starts_with("mcp_unreachable: "), "{said}");

    let project = Project::with(&spec("https://localhost:1/mcp", ", ca_bundle: house.pem")).file("models.json", MODELS);
    std::fs::create_dir_all(project.path("certificates")).unwrap();
    std::fs::write(project.path("certificates/house.pem"), "no certificate").unwrap();
    let (missing, read) = (doctor(&project, ""), doctor(&project, "mcp: {tls_folder: certificates}"));
    assert!(missing.is_some() && read.is_some() && missing != read, "{missing:?} {read:?}");
    let said = doctor(&project, "mcp: {tls_folder: elsewhere}").unwrap();
    assert!(
        said.starts_with("config_invalid: `mcp`: cannot use the directory") && said.contains("elsewhere"),
        "{said}"
    );
}

#[test]
fn settings_out_of_their_range_are_refused() {
    let project = Project::with(&spec(""));
    for (field, said) in [
        ("deadline_seconds: 0", "is no time in seconds"),
        ("idle_timeout_seconds: -1", "is no time in seconds"),
        ("connect_timeout_seconds: .inf", "is no time in seconds"),
        ("deadline_seconds: 100000", "is no time in seconds"),
        ("max_answer_bytes: 0", "nonzero"),
        ("max_header_bytes: -1", "nonzero"),
        ("answers: slowly", "unknown variant `slowly`"),
        ("structured_output: xml", "unknown variant `xml`"),
        ("max_tokens: 5", "unknown variant `5`"),
        ("proxy: 'http://me:secret@proxy.example.com'", "a user or a password"),
        ("root_certificates: [a]", "invalid type"),
        ("allow_parameters: top_k", "invalid type"),
    ] {
        set(&project, &format!("providers: {{house: {{kind: openai, {field}}}}}"));
        let (code, problem) = project.json(&["run", "flow.yaml"]);
        let message = problem["error"]["message"].as_str().unwrap();
        assert_eq!((code, &problem["error"]["code"]), (1, &json!("config_invalid")), "{field}: {problem}");
        assert!(message.contains(said) && !message.contains("secret"), "{field}: {message}");
    }
    for field in ["grace_seconds: 0", "max_tools: 0", "max_response_bytes: 0", "proxy: 'ftp://proxy'"] {
        set(&project, &format!("mcp: {{{field}}}"));
        let (code, problem) = project.json(&["run", "flow.yaml"]);
        assert_eq!((code, &problem["error"]["code"]), (1, &json!("config_invalid")), "{field}: {problem}");
    }
    for name in ["dummy", "scripted"] {
        set(&project, &format!("providers: {{{name}: {{kind: openai}}}}"));
        for verb in ["run", "doctor"] {
            let answer = project.kneo(&[verb, "flow.yaml"]);
            assert!(answer.code == 1 && answer.whole().contains("every project has"), "{verb}: {answer:?}");
        }
    }
    // A parameter that fields of the spec set is not for `extra`.
    for (field, code) in [
        ("allow_parameters: [model]", "openai_parameter_invalid"),
        ("allow_base_urls: ['ftp://x']", "openai_address_invalid"),
        ("proxy: 'no url'", "openai_address_invalid"),
        ("proxy: proxy", "openai_address_invalid"),
        ("proxy: 'ftp://proxy'", "openai_address_invalid"),
    ] {
        set(&project, &format!("providers: {{house: {{kind: openai, {field}}}}}"));
        let (_, problem) = project.json(&["run", "flow.yaml"]);
        assert_eq!(&problem["error"]["code"], &json!(code), "{field}: {problem}");
        let setting = field.split(':').next().unwrap();
        assert!(
            code.contains("parameter") || problem["error"]["message"].as_str().unwrap().contains(setting),
            "{problem}"
        );
    }
}

/// The fields that a part of the settings may have, as the program says when it meets another.
fn fields(settings: &str) -> Vec<String> {
    let project = Project::new();
    set(&project, settings);
    let (_, report) = project.json(&["doctor"]);
    let said = report["checks"][0]["message"].as_str().unwrap().to_owned();
    let known = said.split_once("expected one of ").unwrap_or_else(|| panic!("{said}")).1;
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What is shown can be used as it stands, and shows every field.
#[test]
fn the_settings_that_are_shown_are_all_there_are_and_can_be_used() {
    let shown = Project::new().kneo(&["explain", "config_invalid"]).stdout;
    let shown = shown.split_once("on this machine:\n").unwrap().1;
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/program.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let guide = guide.split_once("```yaml\nproviders:").unwrap().1.split_once("```").unwrap().0;
    let known = ["nope: {}", "providers: {a: {nope: 1}}", "mcp: {nope: 1}"].map(fields).concat();
    assert!(known.len() > 30, "{known:?}");
    for settings in [shown.to_owned(), format!("providers:{guide}")] {
        let project = Project::new();
        set(&project, &settings);
        // The file that they name is there.
        let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/../kneo-providers/tests/data/authority.pem");
        std::fs::create_dir(project.path("certificates")).unwrap();
        std::fs::copy(authority, project.path("certificates/house.pem")).unwrap();
        let (code, report) = project.json(&["doctor", "--offline"]);
        assert_eq!((code, &report["checks"][0]["ok"]), (0, &json!(true)), "{report}");
        for field in &known {
            assert!(settings.contains(&format!(" {field}: ")) || settings.contains(&format!("{field}:")), "{field}");
        }
    }
}

/// What a project refuses to a spec is said with the setting that allows it.
#[test]
fn whoever_is_refused_something_is_told_which_setting_allows_it() {
    let server = Server::start(Manner::Prompt);
    for (extra, setting) in
        [("{top_k: 5}", "allow_parameters"), ("{base_url: 'http://127.0.0.1:1/v1'}", "allow_base_urls")]
    {
        let project = Project::with(&spec(&format!(", extra: {extra}")));
        set(&project, &format!("providers: {{house: {{kind: openai, base_url: '{}'}}}}", server.address));
        for arguments in [&["doctor", "flow.yaml"][..], &["run", "flow.yaml", "--input", "Ana"]] {
            let said = project.kneo(arguments).whole();
            assert_eq!(said.matches(&format!("`{setting}` in `.kneo/config.yaml`")).count(), 1, "{said}");
            assert!(!said.contains("`allow_parameter`") && !said.contains("`allow_base_url`"), "{said}");
        }
    }
}
