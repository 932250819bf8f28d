//! The exchanges of streamable HTTP, on a client that goes nowhere but to its address.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use kneo_core::address::NO_PROXY;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use reqwest::{RequestBuilder, Response, StatusCode};
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorCode, ErrorData, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::streamable_http_client::{
    AuthRequiredError, SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};
use sse_stream::{Sse, SseStream};

use super::{Address, HttpFailure, Link, body, tls};
use crate::credentials::Credentials;
use crate::problem::{Problem, passes};
use crate::settings::Settings;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// How long the first question may take over which an older server may fall silent.
const PROBED_WITHIN: Duration = Duration::from_secs(8);

type Result<T> = std::result::Result<T, StreamableHttpError<HttpFailure>>;

/// Sends messages to one address and reads what comes back.
///
/// It follows no redirect, uses no proxy that the host did not name, and holds the headers and secrets itself, so that
/// nothing else can show them. Every feature that another crate of the host may switch on in `reqwest` is off here.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    client: reqwest::Client,
    headers: HeaderMap,
    link: Arc<Link>,
    cap: usize,
}

impl HttpClient {
    /// Makes a client; nothing is connected to yet.
    pub(crate) fn new(
        address: &Address,
        settings: &Settings,
        credentials: &Credentials,
        link: Arc<Link>,
        cap: usize,
    ) -> std::result::Result<HttpClient, Problem> {
        let secure = address.url.scheme() == "https";
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(secure, &address.tls, credentials)?)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .http1_only()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .no_hickory_dns()
            .no_proxy()
            .connect_timeout(settings.connect_timeout)
            .user_agent(concat!("kneo-mcp/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &settings.proxy {
            let proxy = reqwest::Proxy::all(proxy.clone()).map_err(|error| HttpFailure::of(error).problem())?;
            builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string(NO_PROXY)));
        }
        let client = builder.build().map_err(|error| HttpFailure::of(error).problem())?;
        Ok(HttpClient { client, headers: address.headers(credentials)?, link, cap })
    }

    /// The address, as the transport is told it.
    pub(crate) fn url(address: &Address) -> Arc<str> {
        address.url.as_str().into()
    }

    fn prepare(
        &self,
        request: RequestBuilder,
        session: Option<Arc<str>>,
        headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<RequestBuilder> {
        let protocol: HeaderMap = headers.into_iter().collect();
        let mut request = request.headers(protocol).headers(self.headers.clone());
        if let Some(session) = session {
            request = request.header(SESSION_ID, value(&session)?);
        }
        Ok(request)
    }

    async fn send(request: RequestBuilder) -> Result<Response> {
        request.send().await.map_err(|error| StreamableHttpError::Client(HttpFailure::of(error)))
    }

    fn read(&self, body: &[u8]) -> std::result::Result<ServerJsonRpcMessage, HttpFailure> {
        let text = String::from_utf8_lossy(body);
        let text = self.link.redactor.json(&*text);
        serde_json::from_str(&text).map_err(|error| no_message(&error, &text))
    }

    /// Where a redirect would lead to, without what may be secret in an address.
    fn target(&self, response: &Response) -> String {
        let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let to = to.and_then(|to| response.url().join(to).ok());
        let shown = to.map(|to| format!("{}{}", to.origin().ascii_serialization(), to.path()));
        self.link.redactor.text(shown.unwrap_or_default()).into_owned()
    }

    /// An answer of another status than success: a JSON-RPC error in it counts, but for refused credentials.
    async fn unsuccessful(
        &self,
        response: Response,
        message: &ClientJsonRpcMessage,
        session_id: Option<String>,
    ) -> Result<StreamableHttpPostResponse> {
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_redirection() {
            let (status, to) = (status.as_u16(), self.target(&response));
            return Err(StreamableHttpError::Client(HttpFailure::Redirect { status, to }));
        }
        let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let text = if has_type(&headers, JSON) && !refused {
            let body = body::whole(response, self.cap).await.map_err(StreamableHttpError::Client)?;
            if let Ok(JsonRpcMessage::Error(error)) = self.read(&body) {
                return Ok(answer(error.error, message, session_id));
            }
            self.link.redactor.json(String::from_utf8_lossy(&body)).into_owned()
        } else {
            let beginning = body::beginning(response).await;
            self.link.redactor.beginning(String::from_utf8_lossy(&beginning)).into_owned()
        };
        let text = body::shown(&text);
        // A server of before 2026-07-28 refuses the question which versions it knows in whatever way: that answers it.
        if status.is_client_error() && !refused && is_probe(message) {
            let refusal = ErrorData::new(ErrorCode::INVALID_REQUEST, format!("HTTP {}", status.as_u16()), None);
            return Ok(answer(refusal, message, session_id));
        }
        Err(StreamableHttpError::Client(HttpFailure::status(status.as_u16(), text, &headers)))
    }

    fn stream(
        &self,
        response: Response,
        cap: usize,
        request: Option<RequestId>,
    ) -> BoxStream<'static, std::result::Result<Sse, SseError>> {
        let link = Arc::clone(&self.link);
        let events = SseStream::from_bytes_stream(Box::pin(body::events(response, cap)));
        let read = move |event: std::result::Result<Sse, SseError>| {
            let failure = match event {
                Ok(event) => match read_event(event, request.as_ref(), &link) {
                    Ok(event) => return Ok(event),
                    Err(failure) => failure,
                },
                Err(SseError::Body(cause)) => match cause.downcast_ref::<HttpFailure>() {
                    Some(failure) => failure.clone(),
                    None => HttpFailure::Broken(cause.to_string()),
                },
                Err(error) => HttpFailure::Protocol(format!("its stream of events is none: {error}")),
            };
            link.note(request.as_ref(), &failure);
            Err(SseError::Body(Box::new(failure)))
        };
        events.map(read).boxed()
    }

    /// Sends a message, and reads what comes back until it is known what that is.
    async fn post(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse> {
        let has_session = session_id.is_some();
        let request = self.client.post(&*uri).header(ACCEPT, format!("{JSON}, {EVENTS}")).header(CONTENT_TYPE, JSON);
        let body = serde_json::to_vec(&message)?;
        let response = HttpClient::send(self.prepare(request, session_id, custom_headers)?.body(body)).await?;
        let status = response.status();
        let session_id = response.headers().get(&SESSION_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
        // The transport logs it.
        if session_id.as_deref().is_some_and(|id| self.link.redactor.is_told_by(id)) {
            let why = "it named the session by a secret that it was shown".to_owned();
            return Err(StreamableHttpError::Client(HttpFailure::Protocol(why)));
        }
        let request_id = request_id(&message);
        match (status, &request_id) {
            (StatusCode::NOT_FOUND, _) if has_session => return Err(StreamableHttpError::SessionExpired),
            (StatusCode::ACCEPTED | StatusCode::NO_CONTENT, _) => return Ok(StreamableHttpPostResponse::Accepted),
            (status, _) if !status.is_success() => {
                let answer = self.unsuccessful(response, &message, session_id).await;
                if has_session && status == StatusCode::BAD_REQUEST && says_little(&answer) {
                    self.link.doubt();
                }
                return answer;
            }
            // Nothing that could come back would be read by anybody.
            (_, None) => return Ok(StreamableHttpPostResponse::Accepted),
            (_, Some(_)) => {}
        }
        if has_type(response.headers(), EVENTS) {
            let stream = self.stream(response, limits.max_sse_event_size, request_id);
            return Ok(StreamableHttpPostResponse::Sse(stream, session_id));
        }
        if !has_type(response.headers(), JSON) {
            let kind = response.headers().get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()));
            let kind = self.link.redactor.text(kind.unwrap_or_default()).into_owned();
            let why = format!("its answer has the content type `{kind}`, and neither `{JSON}` nor `{EVENTS}`");
            return Err(StreamableHttpError::Client(HttpFailure::Protocol(why)));
        }
        let body = body::whole(response, limits.max_json_response_size).await.map_err(StreamableHttpError::Client)?;
        match self.read(&body).map_err(StreamableHttpError::Client)? {
            JsonRpcMessage::Error(error) => Ok(answer(error.error, &message, session_id)),
            read if is_response(&read, request_id.as_ref()) => Ok(StreamableHttpPostResponse::Json(read, session_id)),
            _ => {
                let why = "its answer is that of another request".to_owned();
                Err(StreamableHttpError::Client(HttpFailure::Protocol(why)))
            }
        }
    }
}

impl StreamableHttpClient for HttpClient {
    type Error = HttpFailure;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session_id, auth_header, custom_headers, limits).await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse> {
        if begins_session(&message) {
            self.link.session_begins();
        }
        if is_probe(&message) {
            // Until it is answered nothing else is sent, and an older server may never do that.
            let answer =
                tokio::time::timeout(PROBED_WITHIN, self.post(uri, message, session_id, custom_headers, limits));
            let silent = || StreamableHttpError::Client(HttpFailure::Silent(PROBED_WITHIN));
            return answer.await.unwrap_or_else(|_| Err(silent()));
        }
        self.post(uri, message, session_id, custom_headers, limits).await
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<()> {
        let request = self.prepare(self.client.delete(&*uri), Some(session_id), custom_headers)?;
        let response = HttpClient::send(request).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            // It does not end sessions, or has ended this one.
            status if status.is_client_error() => Err(StreamableHttpError::ServerDoesNotSupportDeleteSession),
            status => {
                let failure = HttpFailure::status(status.as_u16(), String::new(), response.headers());
                Err(StreamableHttpError::Client(failure))
            }
        }
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, std::result::Result<Sse, SseError>>> {
        let cap = self.cap;
        self.get_stream_with_max_sse_event_size(uri, session_id, last_event_id, auth_header, custom_headers, cap).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        _auth_header: Option<String>,
        custom_headers: HashMap<HeaderName, HeaderValue>,
        max_sse_event_size: usize,
    ) -> Result<BoxStream<'static, std::result::Result<Sse, SseError>>> {
        let request = last_event_id.as_deref().and_then(|event| self.link.request_at(event));
        if self.link.is_unreadable(request.as_ref()) {
            return Err(StreamableHttpError::ServerDoesNotSupportSse);
        }
        self.link.may_open().await;
        let mut get = self.prepare(self.client.get(&*uri), session_id, custom_headers)?.header(ACCEPT, EVENTS);
        if let Some(event) = last_event_id {
            get = get.header(LAST_EVENT_ID, value(&event)?);
        }
        let response = HttpClient::send(get).await?;
        match response.status() {
            status if status.is_success() && has_type(response.headers(), EVENTS) => {
                Ok(self.stream(response, max_sse_event_size, request))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
                let challenge = self.link.redactor.text(challenge.unwrap_or_default()).into_owned();
                Err(StreamableHttpError::AuthRequired(AuthRequiredError::new(challenge)))
            }
            status if passes(status.as_u16()) => {
                let failure = HttpFailure::status(status.as_u16(), String::new(), response.headers());
                Err(StreamableHttpError::Client(failure))
            }
            // A server need not have such a stream, and says so in various ways.
            _ => Err(StreamableHttpError::ServerDoesNotSupportSse),
        }
    }
}

/// Reads an event of a stream: a message without secrets; on the stream with the answer to a request nothing but news,
/// requests of the server's own, and that answer.
fn read_event(mut event: Sse, request: Option<&RequestId>, link: &Link) -> std::result::Result<Sse, HttpFailure> {
    // Such a stream cannot be taken up again: the transport logs where it is.
    event.id.take_if(|id| link.redactor.is_told_by(id));
    if let (Some(request), Some(id)) = (request, &event.id) {
        link.read_up_to(request, id);
    }
    // Others are not read by anybody, nor is one without data.
    let is_message = matches!(event.event.as_deref(), None | Some("" | "message"));
    let Some(data) = event.data.take_if(|data| is_message && !data.trim().is_empty()) else { return Ok(event) };
    let data = link.redactor.json(data).into_owned();
    let message: ServerJsonRpcMessage = match (serde_json::from_str(&data), request) {
        (Ok(message), _) => message,
        (Err(error), Some(_)) => return Err(no_message(&error, &data)),
        (Err(_), None) => return Ok(event),
    };
    match (message, request) {
        (JsonRpcMessage::Request(_), _) if !link.may_ask() => {
            return Err(HttpFailure::Protocol("it asks for more than anybody could answer".to_owned()));
        }
        // What refuses a request before it is read cannot say its id.
        (JsonRpcMessage::Error(error), Some(request)) => {
            link.answered(request);
            let answer = ServerJsonRpcMessage::error(error.error, Some(request.clone()));
            event.data = serde_json::to_string(&answer).ok();
            return Ok(event);
        }
        (message @ JsonRpcMessage::Response(_), Some(request)) => {
            if !is_response(&message, Some(request)) {
                return Err(HttpFailure::Protocol("its answer is that of another request".to_owned()));
            }
            link.answered(request);
        }
        _ => {}
    }
    event.data = Some(data);
    Ok(event)
}

fn no_message(error: &serde_json::Error, text: &str) -> HttpFailure {
    HttpFailure::Protocol(format!("its answer is no JSON-RPC message ({error}): {}", body::shown(text)))
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| {
        let why = "it named a session or event by what a header cannot hold".to_owned();
        StreamableHttpError::Client(HttpFailure::Protocol(why))
    })
}

/// Whether a body has a media type; its parameters and its case do not matter.
fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
}

fn request_id(message: &ClientJsonRpcMessage) -> Option<RequestId> {
    match message {
        JsonRpcMessage::Request(request) => Some(request.id.clone()),
        JsonRpcMessage::Response(_) | JsonRpcMessage::Notification(_) | JsonRpcMessage::Error(_) => None,
    }
}

fn begins_session(message: &ClientJsonRpcMessage) -> bool {
    matches!(message, JsonRpcMessage::Request(request) if matches!(request.request, ClientRequest::InitializeRequest(_)))
}

fn is_probe(message: &ClientJsonRpcMessage) -> bool {
    matches!(message, JsonRpcMessage::Request(request) if matches!(request.request, ClientRequest::DiscoverRequest(_)))
}

/// Whether HTTP 400 may be about the session: many servers answer that, with an error of no meaning of its own, where 404
/// is what the protocol has. What it is about cannot be told, so that nothing is sent again.
fn says_little(answer: &Result<StreamableHttpPostResponse>) -> bool {
    match answer {
        Ok(StreamableHttpPostResponse::Json(JsonRpcMessage::Error(error), _)) => error.error.code == ErrorCode(-32000),
        Ok(_) => false,
        Err(_) => true,
    }
}

/// Whether a message is the response to a request.
fn is_response(message: &ServerJsonRpcMessage, request: Option<&RequestId>) -> bool {
    match (message, request) {
        // A number may come back as text.
        (JsonRpcMessage::Response(response), Some(request)) => response.id.to_string() == request.to_string(),
        _ => false,
    }
}

/// A JSON-RPC error as the answer to a message; what refuses a request before it is read cannot say its id.
fn answer(error: ErrorData, message: &ClientJsonRpcMessage, session_id: Option<String>) -> StreamableHttpPostResponse {
    StreamableHttpPostResponse::Json(ServerJsonRpcMessage::error(error, request_id(message)), session_id)
}
