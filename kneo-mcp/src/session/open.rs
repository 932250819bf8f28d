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

/// How often a broken stream of events is taken up again, and how long at most is waited before: the bounds of the
/// requests on it hold all the same.
const MAX_RESUMPTIONS: usize = 5;
const MAX_RESUMPTION_DELAY: Duration = Duration::from_secs(10);

/// What is said first to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Greeting {
    /// The question which versions it knows, and the handshake of before 2026-07-28 if it does not understand that.
    Either,
    /// The handshake of before 2026-07-28.
    Handshake,
}

/// Connects to a server, within the host's time for it.
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
    let bounds = Bounds { total: definition.request_timeout, idle: settings.idle_timeout };
    let cap = definition.max_response_bytes;
    match &definition.target {
        #[cfg(unix)]
        Target::Stdio(program) => {
            let mut greeting = greeting;
            let redactor = Arc::new(Redactor::new(credentials.values()));
            loop {
                let link = stdio::Link::new(Arc::clone(&redactor), settings.max_stderr_bytes);
                let started = stdio::Process::start(program, settings, credentials, &link).await?;
                let transport = StdioTransport::new(started, Arc::clone(&link), cap);
                let channel = Channel::Stdio(Arc::clone(&link));
                match greet(transport, greeting, channel, &redactor, bounds, endings).await {
                    Ok(session) => return Ok(session),
                    // Some servers end at the first message that they do not know, and have done nothing until then.
                    Err(Greeted::Gone) if greeting == Greeting::Either => greeting = Greeting::Handshake,
                    Err(Greeted::Gone) => {
                        return Err(match link.problem() {
                            Problem::Lost(_) => {
                                let reason = format!("it ended before it answered{}", link.told());
                                Problem::Spawn { reason, passing: Passing::Yes }
                            }
                            other => other,
                        });
                    }
                    Err(Greeted::Wrong(problem)) => return Err(problem),
                }
            }
        }
        Target::Http(address) => {
            let redactor = Arc::new(Redactor::new(credentials.values()));
            let link = http::Link::new(Arc::clone(&redactor));
            let client = HttpClient::new(address, settings, credentials, Arc::clone(&link), cap)?;
            let mut config = StreamableHttpClientTransportConfig::with_uri(HttpClient::url(address))
                .max_concurrent_requests(MAX_CONCURRENT)
                .max_sse_event_size(cap)
                .max_json_response_size(cap);
            config.retry_config = Arc::new(resumptions());
            let transport = StreamableHttpClientTransport::with_client(client, config);
            let channel = Channel::Http(link);
            let greeted = greet(transport, greeting, channel.clone(), &redactor, bounds, endings).await;
            greeted.map_err(|greeted| match (greeted, channel) {
                (Greeted::Gone, channel) => before_any_call(channel.closed(None)),
                (Greeted::Wrong(problem), _) => before_any_call(problem),
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
    Wrong(Problem),
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
    Ok(Session {
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
    })
}

fn rejected(error: ClientInitializeError) -> Greeted {
    let wrong = |problem| Greeted::Wrong(problem);
    match error {
        ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::Cancelled => Greeted::Gone,
        ClientInitializeError::TransportError { error, .. } => {
            match error.error.downcast_ref::<StreamableHttpError<HttpFailure>>() {
                Some(failure) => wrong(failure_of(failure)),
                None => Greeted::Gone,
            }
        }
        ClientInitializeError::JsonRpcError(error) => wrong(match refusal(error) {
            Problem::Refused { code, message } => {
                Problem::Protocol(format!("it refuses the handshake: {message} (JSON-RPC error {code})"))
            }
            other => other,
        }),
        ClientInitializeError::NoCompatibleProtocolVersion { client_supported, server_supported } => {
            let list = |versions: &[ProtocolVersion]| {
                versions.iter().map(ProtocolVersion::as_str).collect::<Vec<_>>().join(", ")
            };
            let (ours, its) = (list(&client_supported), list(&server_supported));
            wrong(Problem::Protocol(format!("it knows the versions {its} and none of {ours}")))
        }
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => rejected(*fallback),
        _ => wrong(Problem::Protocol("its answer to the handshake is none".to_owned())),
    }
}

/// When a broken stream is taken up again.
fn resumptions() -> ExponentialBackoff {
    let mut policy = ExponentialBackoff::default();
    policy.max_times = Some(MAX_RESUMPTIONS);
    policy.max_delay = Some(MAX_RESUMPTION_DELAY);
    policy
}
