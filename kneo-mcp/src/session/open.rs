//! The way from a definition to a session.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::ProtocolVersion;
use rmcp::service::{ClientInitializeError, ClientLifecycleMode, RunningService, serve_client_with_lifecycle_and_ct};
use rmcp::transport::IntoTransport;
use rmcp::transport::common::client_side_sse::ExponentialBackoff;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig, StreamableHttpError,
};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::courier::Courier;
use super::inbox::Inbox;
use super::request::refusal;
use super::{Bounds, Channel, Endings, Session};
use crate::credentials::Credentials;
use crate::definition::{Definition, Target};
use crate::http::{self, HttpClient, HttpFailure, failure_of};
use crate::problem::{Passing, Problem};
use crate::redact::Redactor;
use crate::settings::Settings;
#[cfg(unix)]
use crate::stdio::{self, StdioTransport};

/// Requests that may be on their way at the same time; more wait.
const MAX_CONCURRENT: usize = 64;

/// How often it is tried to take up a broken stream of events, and what is waited between, twice as long each time: a
/// server that is gone is told within seconds. The bounds of the requests on it hold all the same.
const MAX_RESUMPTIONS: usize = 4;
const RESUMPTION_DELAY: Duration = Duration::from_millis(250);

/// What is said first to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Greeting {
    /// The question which versions it knows, and the handshake of before 2026-07-28 if it does not understand that.
    Either,
    /// The handshake of before 2026-07-28.
    Handshake,
}

/// Connects to a server, within the host's time for it, and with each question within the spec's time for one request.
///
/// # Errors
/// It cannot be reached, or is no MCP server.
///
/// # Cancel safety
/// Dropping the future leaves nothing running.
pub(crate) async fn open(
    definition: &Definition,
    settings: &Settings,
    credentials: &Credentials,
    greeting: Greeting,
    endings: &Endings,
) -> Result<Session, Problem> {
    let limit = settings.connect_timeout;
    let opening = tokio::time::timeout(limit, connect(definition, settings, credentials, greeting, endings));
    opening.await.unwrap_or_else(|_| {
        let hint = "; see that it runs, or let the host raise `connect_timeout`";
        Err(Problem::Timeout { what: "did not get ready", limit, hint })
    })
}

async fn connect(
    definition: &Definition,
    settings: &Settings,
    credentials: &Credentials,
    greeting: Greeting,
    endings: &Endings,
) -> Result<Session, Problem> {
    let mut greeting = greeting;
    let mut next = if greeting == Greeting::Either { Next::Any } else { Next::None };
    loop {
        let began = Instant::now();
        let attempt = attempt(definition, settings, credentials, greeting, endings);
        let (refusal, slow) = match in_time(definition, attempt).await {
            Ok(Ok(session)) => return Ok(session),
            Ok(Err(refusal)) => (refusal, began.elapsed() >= SLOW),
            // The author does not wait for one that is slow.
            Err(refusal) => (refusal, false),
        };
        (greeting, next) = match next {
            // A server of before 2026-07-28 may do whatever it likes with a question that it does not know, and has done
            // nothing until then. One that was only slow to start has missed it, and is asked once more.
            Next::Any if refusal.may_be_of_its_age() && began.elapsed() < BOTH_ASKED => {
                (Greeting::Handshake, if slow { Next::Either } else { Next::None })
            }
            Next::Any | Next::Either if refusal.may_be_of_its_age() => (Greeting::Either, Next::None),
            Next::Any | Next::Either | Next::None => return Err(before_any_call(refusal.into_problem())),
        };
        tracing::debug!(?greeting, "the server does not say which versions it knows, and is asked in another way");
    }
}

/// An attempt within the spec's own time for one request, if it names one.
///
/// # Errors
/// It took longer. What was asked may only not have been known, unless there was time for both questions.
async fn in_time<T>(definition: &Definition, attempt: impl Future<Output = T>) -> Result<T, Refusal> {
    let Some(limit) = definition.own_timeout else { return Ok(attempt.await) };
    tokio::time::timeout(limit, attempt).await.map_err(|_| {
        let hint = "; see that it runs, or raise `timeout_seconds`, which also counts for the first answer";
        let problem = Problem::Timeout { what: "did not get ready", limit, hint };
        if limit < BOTH_ASKED { Refusal::Early(problem) } else { Refusal::Final(problem) }
    })
}

/// After which time of silence the SDK asks the older question on the same connection.
const BOTH_ASKED: Duration = Duration::from_secs(10);

/// A server that is silent for longer was perhaps only starting.
const SLOW: Duration = Duration::from_secs(7);

/// How a server is greeted that could not be connected to.
#[derive(Clone, Copy)]
enum Next {
    /// In whatever way was not tried.
    Any,
    /// With the question once more.
    Either,
    /// Not again.
    None,
}

/// Why a connection came to nothing: at the first thing that was said, or for good.
enum Refusal {
    Early(Problem),
    Final(Problem),
}

impl Refusal {
    fn into_problem(self) -> Problem {
        match self {
            Refusal::Early(problem) | Refusal::Final(problem) => problem,
        }
    }

    /// Whether the server may only not have known the question.
    fn may_be_of_its_age(&self) -> bool {
        match self {
            Refusal::Early(problem) => matches!(
                problem,
                Problem::Protocol(_)
                    | Problem::Http { .. }
                    | Problem::Lost(_)
                    | Problem::Spawn { .. }
                    | Problem::Timeout { .. }
            ),
            Refusal::Final(_) => false,
        }
    }
}

async fn attempt(
    definition: &Definition,
    settings: &Settings,
    credentials: &Credentials,
    greeting: Greeting,
    endings: &Endings,
) -> Result<Session, Refusal> {
    let bounds = Bounds { total: definition.request_timeout, idle: settings.idle_timeout };
    let cap = definition.max_response_bytes;
    let redactor = Arc::new(Redactor::new(credentials.values()));
    match &definition.target {
        #[cfg(unix)]
        Target::Stdio(program) => {
            let link = stdio::Link::new(Arc::clone(&redactor), settings.max_stderr_bytes);
            let started = stdio::Process::start(program, settings, credentials, &link).await.map_err(Refusal::Final)?;
            let transport = StdioTransport::new(started, Arc::clone(&link), cap);
            let channel = Channel::Stdio(Arc::clone(&link));
            greet(transport, greeting, channel, &redactor, bounds, endings).await.map_err(|greeted| match greeted {
                Greeted::Gone => Refusal::Early(match link.problem() {
                    Problem::Lost(_) => {
                        let reason = format!("it ended before it answered{}", link.told());
                        Problem::Spawn { reason, passing: Passing::Yes }
                    }
                    other => other,
                }),
                Greeted::Refused(refusal) => refusal,
            })
        }
        Target::Http(address) => {
            let link = http::Link::new(Arc::clone(&redactor));
            let client = HttpClient::new(address, settings, credentials, Arc::clone(&link), cap);
            let client = client.map_err(Refusal::Final)?;
            let mut config = StreamableHttpClientTransportConfig::with_uri(HttpClient::url(address))
                .max_concurrent_requests(MAX_CONCURRENT)
                .max_sse_event_size(cap)
                .max_json_response_size(cap);
            config.retry_config = Arc::new(resumptions());
            let transport = StreamableHttpClientTransport::with_client(client, config);
            let channel = Channel::Http(link);
            let greeted = greet(transport, greeting, channel.clone(), &redactor, bounds, endings).await;
            greeted.map_err(|greeted| match greeted {
                Greeted::Gone => Refusal::Early(channel.closed(None)),
                Greeted::Refused(refusal) => refusal,
            })
        }
    }
}

/// What breaks off before anything was called has done nothing.
fn before_any_call(problem: Problem) -> Problem {
    match problem {
        Problem::Lost(why) => Problem::Unreachable(why),
        other => other,
    }
}

/// Why a handshake came to nothing.
enum Greeted {
    Gone,
    Refused(Refusal),
}

async fn greet<T, E, A>(
    transport: T,
    greeting: Greeting,
    channel: Channel,
    redactor: &Arc<Redactor>,
    bounds: Bounds,
    endings: &Endings,
) -> Result<Session, Greeted>
where
    T: IntoTransport<RoleClient, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let lifecycle = match greeting {
        Greeting::Either => ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        },
        Greeting::Handshake => ClientLifecycleMode::Initialize,
    };
    let (inbox, stop) = (Inbox::default(), CancellationToken::new());
    let running = serve_client_with_lifecycle_and_ct(inbox.clone(), transport, lifecycle, stop.clone()).await;
    let running: RunningService<RoleClient, Inbox> = running.map_err(rejected)?;
    let peer = running.peer().clone();
    let session = Session {
        courier: Courier::new(peer.clone()),
        peer,
        running: Mutex::new(Some(running)),
        stop,
        inbox,
        channel,
        redactor: Arc::clone(redactor),
        bounds,
        offer: Mutex::default(),
        broken: AtomicBool::new(false),
        endings: endings.clone(),
    };
    // Dropping the session ends it.
    match session.peer.peer_info().and_then(|info| unknown(&info.protocol_version)) {
        None => Ok(session),
        Some(problem) => Err(Greeted::Refused(Refusal::Final(problem))),
    }
}

/// What is wrong with the version that a server chose: it may answer with any, and the SDK takes any.
fn unknown(version: &ProtocolVersion) -> Option<Problem> {
    if ProtocolVersion::KNOWN_VERSIONS.contains(version) {
        return None;
    }
    let its: String = version.as_str().chars().filter(|c| !c.is_control()).take(LONGEST_VERSION).collect();
    let ours = list(ProtocolVersion::KNOWN_VERSIONS);
    Some(Problem::Protocol(format!("it answers in version `{its}`, and this host speaks {ours}")))
}

/// So much of a version that is none is shown.
const LONGEST_VERSION: usize = 40;

fn list(versions: &[ProtocolVersion]) -> String {
    versions.iter().map(ProtocolVersion::as_str).collect::<Vec<_>>().join(", ")
}

fn rejected(error: ClientInitializeError) -> Greeted {
    let early = |problem| Greeted::Refused(Refusal::Early(problem));
    match error {
        ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::Cancelled => Greeted::Gone,
        ClientInitializeError::TransportError { error, .. } => {
            match error.error.downcast_ref::<StreamableHttpError<HttpFailure>>() {
                Some(failure) => early(failure_of(failure)),
                None => Greeted::Gone,
            }
        }
        ClientInitializeError::JsonRpcError(error) => early(match refusal(error) {
            Problem::Refused { code, message } => {
                Problem::Protocol(format!("it refuses the handshake: {message} (JSON-RPC error {code})"))
            }
            other => other,
        }),
        ClientInitializeError::NoCompatibleProtocolVersion { client_supported, server_supported } => {
            let (ours, its) = (list(&client_supported), list(&server_supported));
            Greeted::Refused(Refusal::Final(Problem::Protocol(format!(
                "it knows the versions {its} and none of {ours}"
            ))))
        }
        // Both questions were asked.
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => match rejected(*fallback) {
            Greeted::Refused(Refusal::Early(problem)) => Greeted::Refused(Refusal::Final(problem)),
            other => other,
        },
        _ => early(Problem::Protocol("its answer to the handshake is none".to_owned())),
    }
}

/// When a broken stream is taken up again.
fn resumptions() -> ExponentialBackoff {
    let mut policy = ExponentialBackoff::default();
    policy.max_times = Some(MAX_RESUMPTIONS);
    policy.base_duration = RESUMPTION_DELAY;
    policy
}
