//! Servers in memory pass the suite of servers, and the suite finds what one does wrong.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kneo_core::Value;
use kneo_core::call::{CallContext, CallError};
use kneo_core::plan::{HttpDef, McpServerDef, ServerTools, TlsDef, Transport};
use kneo_core::provider::ToolOffer;
use kneo_core::tool_server::{Connector, ToolServer};
use kneo_runtime::testkit::server_conformance::{self, Does, Seen, ServerFixture, ServerSetup, SuiteTool, Verdict};
use kneo_runtime::testkit::{ScriptedServer, ScriptedServers};

use super::support::name;

type Log = Arc<Mutex<Vec<Seen>>>;

/// Says that a call was called off, unless it came to its end.
struct Open {
    log: Log,
    tool: Option<Arc<str>>,
}

impl Open {
    fn end(mut self) {
        self.tool = None;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(tool) = self.tool.take() {
            self.log.lock().unwrap().push(Seen::CalledOff(tool));
        }
    }
}

fn scripted(tools: &[SuiteTool], log: &Log) -> ScriptedServer {
    let add = |server: ScriptedServer, SuiteTool { offer, does, .. }: &SuiteTool| {
        let (does, tool, log) = (does.clone(), Arc::clone(&offer.name), Arc::clone(log));
        server.tool(offer.clone(), move |arguments, _| {
            let (does, tool) = (does.clone(), Arc::clone(&tool));
            log.lock().unwrap().push(Seen::Called(Arc::clone(&tool)));
            let open = Open { log: Arc::clone(&log), tool: Some(tool) };
            async move {
                let result = match does {
                    Does::Echo => Ok(arguments),
                    Does::Say(text) => Ok(Value::Str(text)),
                    Does::Fail(text) => Err(CallError::retryable("mcp_tool_error", text)),
                    Does::Break => Err(CallError::retryable("mcp_connection_lost", "it broke off")),
                    _ => std::future::pending().await,
                };
                open.end();
                result
            }
        })
    };
    tools.iter().fold(ScriptedServer::new(), add)
}

#[derive(Debug)]
struct InMemory;

#[async_trait]
impl ServerFixture for InMemory {
    async fn serving(&self, tools: &[SuiteTool]) -> Option<ServerSetup> {
        let log = Log::default();
        let server = Arc::new(scripted(tools, &log));
        let connector = ScriptedServers::new().server(name("files"), Arc::clone(&server));
        let url = Arc::from("http://localhost/");
        let http = HttpDef { url, headers: Vec::new(), bearer_ref: None, tls: TlsDef::default() };
        let definition = McpServerDef {
            name: name("files"),
            transport: Transport::Http(http),
            timeout_ms: None,
            max_response_bytes: None,
            tools: ServerTools::default(),
        };
        let seen = move || {
            // Nothing is connected to but by the first question.
            let asked = usize::try_from(server.asked()).unwrap();
            let log = log.lock().unwrap();
            let began = asked > 0 || !log.is_empty();
            let began = std::iter::repeat_n(Seen::Began, usize::from(began));
            began.chain(std::iter::repeat_n(Seen::Asked, asked)).chain(log.iter().cloned()).collect()
        };
        Some(ServerSetup::of(Connector::server(&connector, &definition).unwrap()).with_seen(seen))
    }
}

#[tokio::test]
async fn servers_in_memory_pass_the_suite() {
    let report = server_conformance::check(&InMemory).await;
    assert!(report.cases().all(|(_, verdict)| *verdict == Verdict::Passed), "{report}");
    assert!(report.cases().count() >= 19, "{report}");
}

/// What a server does that keeps one promise less.
#[derive(Clone, Copy, Debug)]
enum Fault {
    OffersLess,
    CallsTwice,
    DeafToCancel,
    OneAtATime,
    OwnWords,
    WrongCode,
    Retries,
}

#[derive(Debug)]
struct Faulty {
    server: ScriptedServer,
    fault: Fault,
    turn: tokio::sync::Mutex<()>,
}

#[async_trait]
impl ToolServer for Faulty {
    async fn tools(&self, context: &CallContext) -> Result<Vec<ToolOffer>, CallError> {
        let mut tools = self.server.tools(context).await?;
        if matches!(self.fault, Fault::OffersLess) {
            tools.truncate(100);
        }
        Ok(tools)
    }

    async fn call(&self, tool: &str, arguments: Value, context: &CallContext) -> Result<Value, CallError> {
        let mut deaf = context.clone();
        deaf.cancel = kneo_core::Cancel::new();
        match self.fault {
            Fault::CallsTwice => {
                let _ = self.server.call(tool, arguments.clone(), context).await;
            }
            Fault::DeafToCancel => return self.server.call(tool, arguments, &deaf).await,
            Fault::OneAtATime => {
                let _turn = self.turn.lock().await;
                return self.server.call(tool, arguments, context).await;
            }
            Fault::OffersLess | Fault::OwnWords | Fault::WrongCode | Fault::Retries => {}
        }
        match (self.server.call(tool, arguments.clone(), context).await, self.fault) {
            (Err(error), Fault::OwnWords) => {
                Err(CallError::fatal(error.code.to_string(), format!("the tool said: {}", error.message)))
            }
            (Err(error), Fault::WrongCode) => Err(CallError::fatal("Oops!", error.message.to_string())),
            (Err(error), Fault::Retries) if error.retryable => self.server.call(tool, arguments, context).await,
            (result, _) => result,
        }
    }
}

#[async_trait]
impl ServerFixture for Fault {
    async fn serving(&self, tools: &[SuiteTool]) -> Option<ServerSetup> {
        let log = Log::default();
        let server = Faulty { server: scripted(tools, &log), fault: *self, turn: tokio::sync::Mutex::default() };
        Some(ServerSetup::new(server).with_seen(move || log.lock().unwrap().clone()))
    }
}

#[tokio::test(start_paused = true)]
async fn the_suite_finds_what_a_server_does_wrong() {
    for (fault, case) in [
        (Fault::OffersLess, "a_large_offer_is_given_whole"),
        (Fault::CallsTwice, "a_call_is_made_once"),
        (Fault::DeafToCancel, "cancelling_ends_a_call_and_the_server_is_told"),
        (Fault::DeafToCancel, "a_call_that_is_cancelled_before_is_not_made"),
        (Fault::OneAtATime, "calls_run_at_the_same_time"),
        (Fault::OwnWords, "a_tools_own_error_is_told_in_its_words"),
        (Fault::WrongCode, "a_tool_that_is_not_there_is_an_error"),
        (Fault::Retries, "a_call_that_breaks_off_is_an_error_and_is_not_made_again"),
    ] {
        let report = server_conformance::check(&fault).await;
        assert!(report.violations().any(|(name, _)| name == case), "{fault:?} against {case}:\n{report}");
    }
}
