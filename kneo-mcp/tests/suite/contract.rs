//! The suite of servers, on servers that are started and on servers at an address.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kneo_core::tool_server::Connector;
use kneo_mcp::McpConnector;
use kneo_runtime::testkit::server_conformance::{
    self, Does, Report, Seen, ServerFixture, ServerSetup, SuiteTool, Verdict,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{http, name, plain, stdio, with_stdio};
use super::web::{Answer, Web, event};

/// Tells the program where its tools are, and where it writes down what it sees.
const FOLDER: &str = "SUITE_FOLDER";

/// A server of version 2025-11-25 that does what the suite wants, whatever its messages come by.
struct Server {
    /// What each tool does, as [`does`] writes it.
    tools: Vec<(Value, Value)>,
    /// The calls that are not answered.
    open: BTreeMap<String, String>,
    see: Box<dyn FnMut(&str) + Send>,
}

/// What is done with a message.
enum Reaction {
    Answer(Value),
    Nothing,
    Break,
}

/// A tool as the program reads it.
fn written(tool: &SuiteTool) -> (Value, Value) {
    let SuiteTool { offer, does, .. } = tool;
    let says = json!({
        "name": &*offer.name, "description": &*offer.description, "inputSchema": offer.parameters.to_json(),
    });
    (says, written_does(does))
}

fn written_does(does: &Does) -> Value {
    match does {
        Does::Echo => json!(["echo"]),
        Does::Say(text) => json!(["say", &**text]),
        Does::Fail(text) => json!(["fail", &**text]),
        Does::Hang => json!(["hang"]),
        Does::Break => json!(["break"]),
        other => panic!("{other:?} is new"),
    }
}

impl Server {
    fn react(&mut self, message: &Value) -> Reaction {
        let result = |result: Value| Reaction::Answer(json!({"jsonrpc": "2.0", "id": message["id"], "result": result}));
        let error = |code: i32, text: &str| {
            Reaction::Answer(json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": text}}))
        };
        match message["method"].as_str() {
            Some("initialize") => {
                (self.see)("began");
                result(json!({
                    "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                    "serverInfo": {"name": "suite", "version": "1"},
                }))
            }
            Some("tools/list") => {
                (self.see)("asked");
                let tools: Vec<&Value> = self.tools.iter().map(|(says, _)| says).collect();
                // In two pages, where there are two tools.
                let (first, second) = tools.split_at(tools.len() / 2);
                match message["params"]["cursor"].as_str() {
                    Some("second") => result(json!({"tools": second})),
                    _ if first.is_empty() => result(json!({"tools": second})),
                    _ => result(json!({"tools": first, "nextCursor": "second"})),
                }
            }
            Some("tools/call") => {
                let tool = message["params"]["name"].as_str().unwrap().to_owned();
                let Some((_, does)) = self.tools.iter().find(|(says, _)| says["name"] == tool.as_str()) else {
                    return error(-32602, "there is no such tool");
                };
                (self.see)(&format!("called {tool}"));
                let text = |text: &Value| json!([{"type": "text", "text": text}]);
                match does[0].as_str().unwrap() {
                    "echo" => result(json!({"content": [], "structuredContent": message["params"]["arguments"]})),
                    "say" => result(json!({"content": text(&does[1])})),
                    "fail" => result(json!({"content": text(&does[1]), "isError": true})),
                    "break" => Reaction::Break,
                    _ => {
                        self.open.insert(message["id"].to_string(), tool);
                        Reaction::Nothing
                    }
                }
            }
            Some("notifications/cancelled") => {
                if let Some(tool) = self.open.remove(&message["params"]["requestId"].to_string()) {
                    (self.see)(&format!("called-off {tool}"));
                }
                Reaction::Nothing
            }
            Some(_) if message.get("id").is_some() => error(-32601, "there is no such method"),
            _ => Reaction::Nothing,
        }
    }
}

/// What the lines of a server say that it saw. A question for another page is the same question.
fn seen(lines: &[String]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for line in lines {
        seen.push(match line.split_once(' ') {
            Some(("called", tool)) => Seen::Called(tool.into()),
            Some(("called-off", tool)) => Seen::CalledOff(tool.into()),
            None if line == "began" => Seen::Began,
            None if line == "asked" => Seen::Asked,
            other => panic!("{other:?}"),
        });
    }
    seen
}

/// The server as a program: this binary, which the harness lets say a word of its own before and after.
#[test]
#[ignore = "runs as a process of its own, for `a_server_that_is_started_passes_the_suite`"]
fn program() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let tools: Vec<(Value, Value)> = serde_json::from_slice(&fs::read(folder.join("tools")).unwrap()).unwrap();
    let mut log = fs::File::options().create(true).append(true).open(folder.join("seen")).unwrap();
    let see = Box::new(move |what: &str| log.write_all(format!("{what}\n").as_bytes()).unwrap());
    let mut server = Server { tools, open: BTreeMap::new(), see };
    println!();
    for line in std::io::stdin().lock().lines() {
        match server.react(&serde_json::from_str(&line.unwrap()).unwrap()) {
            Reaction::Answer(answer) => println!("{answer}"),
            Reaction::Nothing => {}
            Reaction::Break => std::process::exit(3),
        }
    }
}

#[derive(Debug)]
struct Started;

#[async_trait]
impl ServerFixture for Started {
    async fn serving(&self, tools: &[SuiteTool]) -> Option<ServerSetup> {
        let folder = TempDir::new().unwrap();
        let tools: Vec<(Value, Value)> = tools.iter().map(written).collect();
        fs::write(folder.path().join("tools"), serde_json::to_vec(&tools).unwrap()).unwrap();
        let program = std::env::current_exe().unwrap();
        let words = ["--exact", "suite::contract::program", "--ignored", "--nocapture"];
        let definition = with_stdio(stdio(program.to_str().unwrap(), &words), |stdio| {
            stdio.env.push((name(FOLDER), plain(folder.path().to_str().unwrap())));
        });
        let connector = McpConnector::builder(folder.path()).build().unwrap();
        let log = folder.path().join("seen");
        let setup = ServerSetup::of(connector.server(&definition).unwrap());
        Some(setup.with_seen(move || seen(&lines(&log))).with_guard((folder, connector)))
    }
}

fn lines(file: &Path) -> Vec<String> {
    // The second page is asked for in the same question.
    let mut lines = super::support::lines(file);
    lines.dedup_by(|a, b| a == b && a == "asked");
    lines
}

/// The server at an address, which answers in JSON or in events.
#[derive(Debug)]
struct AtAddress {
    in_events: bool,
}

#[async_trait]
impl ServerFixture for AtAddress {
    async fn serving(&self, tools: &[SuiteTool]) -> Option<ServerSetup> {
        let log = Arc::new(Mutex::new(Vec::<String>::new()));
        let seeing = Arc::clone(&log);
        let see = Box::new(move |what: &str| seeing.lock().unwrap().push(what.to_owned()));
        let server = Mutex::new(Server { tools: tools.iter().map(written).collect(), open: BTreeMap::new(), see });
        let in_events = self.in_events;
        let web = Web::start(move |request| match request.what() {
            "GET" => Answer::text(405, ""),
            "DELETE" => Answer::text(200, ""),
            what => match server.lock().unwrap().react(&request.body) {
                Reaction::Answer(answer) if in_events => Answer::events(event(&answer)),
                Reaction::Answer(answer) => Answer::json(&answer),
                Reaction::Break => Answer::cut(""),
                Reaction::Nothing if what == "tools/call" => Answer::open(": working\n\n"),
                Reaction::Nothing => Answer::accepted(),
            },
        })
        .await;
        let connector = McpConnector::builder("/").build().unwrap();
        let setup = ServerSetup::of(connector.server(&http(&web.url())).unwrap());
        let look = move || {
            let mut lines = log.lock().unwrap().clone();
            lines.dedup_by(|a, b| a == b && a == "asked");
            seen(&lines)
        };
        Some(setup.with_seen(look).with_guard((web, connector)))
    }
}

fn assert_all_passed(report: &Report) {
    assert!(report.cases().all(|(_, verdict)| *verdict == Verdict::Passed), "{report}");
    assert!(report.cases().count() >= 19, "{report}");
}

#[tokio::test]
async fn a_server_that_is_started_passes_the_suite() {
    assert_all_passed(&server_conformance::check(&Started).await);
}

#[tokio::test]
async fn a_server_at_an_address_passes_the_suite() {
    for in_events in [false, true] {
        assert_all_passed(&server_conformance::check(&AtAddress { in_events }).await);
    }
}
