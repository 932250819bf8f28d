//! The exchanges of streamable HTTP, on a client that goes nowhere but to its address.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
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
use crate::problem::Problem;
use crate::settings::Settings;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

type Result<T> = std::result::Result<T, StreamableHttpError<HttpFailure>>;

/// Sends messages to one address and reads what comes back.
///
/// It follows no redirect, uses no proxy that the host did not name, and holds the headers and secrets itself, so that
/// nothing else can show them.
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
            .no_proxy()
            .connect_timeout(settings.connect_timeout)
            .user_agent(concat!("kneo-mcp/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &settings.proxy {
            let proxy = reqwest::Proxy::all(proxy.clone()).map_err(|error| HttpFailure::of(error).problem())?;
            builder = builder.proxy(proxy);
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
        serde_json::from_str(&text).map_err(|error| {
            let beginning = body::shown(text.as_bytes());
            HttpFailure::Protocol(format!("its answer is no JSON-RPC message ({error}): {beginning}"))
        })
    }

    /// An answer of another status than success: a JSON-RPC error in it counts, but for refused credentials.
    async fn unsuccessful(
        &self,
        response: Response,
        message: &ClientJsonRpcMessage,
        session_id: Option<String>,
    ) -> Result<StreamableHttpPostResponse> {
        let (status, headers) = (response.status(), response.headers().clone());
        let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let text = if has_type(&headers, JSON) && !refused {
            let body = body::whole(response, self.cap).await.map_err(StreamableHttpError::Client)?;
            if let Ok(JsonRpcMessage::Error(error)) = self.read(&body) {
                return Ok(answer(error.error, message, session_id));
            }
            body::shown(&body)
        } else {
            body::diagnostic(response).await
        };
        let text = self.link.redactor.text(text).into_owned();
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
            let event = event.and_then(|mut event| {
                event.data = event.data.map(|data| link.redactor.json(data).into_owned());
                let asks = event.data.as_deref().is_some_and(is_request);
                match asks && !link.may_ask() {
                    true => {
                        let why = "it asks for more than anybody could answer".to_owned();
                        Err(SseError::Body(Box::new(HttpFailure::Protocol(why))))
                    }
                    false => Ok(event),
                }
            });
            if let (Some(request), Err(SseError::Body(cause))) = (&request, &event)
                && let Some(failure) = cause.downcast_ref::<HttpFailure>()
            {
                link.note(request, failure.clone());
            }
            event
        };
        events.map(read).boxed()
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
        let has_session = session_id.is_some();
        let request = self.client.post(&*uri).header(ACCEPT, format!("{JSON}, {EVENTS}")).header(CONTENT_TYPE, JSON);
        let body = serde_json::to_vec(&message)?;
        let response = HttpClient::send(self.prepare(request, session_id, custom_headers)?.body(body)).await?;
        let status = response.status();
        let session_id = response.headers().get(&SESSION_ID).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let request_id = request_id(&message);
        match (status, &request_id) {
            (StatusCode::NOT_FOUND, _) if has_session => return Err(StreamableHttpError::SessionExpired),
            (StatusCode::ACCEPTED | StatusCode::NO_CONTENT, _) => return Ok(StreamableHttpPostResponse::Accepted),
            (status, _) if !status.is_success() => return self.unsuccessful(response, &message, session_id).await,
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
        let resumes = last_event_id.is_some();
        let mut request = self.prepare(self.client.get(&*uri), session_id, custom_headers)?;
        request = request.header(ACCEPT, EVENTS);
        if let Some(id) = last_event_id {
            request = request.header(LAST_EVENT_ID, value(&id)?);
        }
        let response = HttpClient::send(request).await?;
        match response.status() {
            status if status.is_success() && has_type(response.headers(), EVENTS) => {
                Ok(self.stream(response, max_sse_event_size, None))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
                let challenge = self.link.redactor.text(challenge.unwrap_or_default()).into_owned();
                Err(StreamableHttpError::AuthRequired(AuthRequiredError::new(challenge)))
            }
            // A server need not have such a stream, and says so in various ways.
            status if status.is_client_error() && !resumes => Err(StreamableHttpError::ServerDoesNotSupportSse),
            StatusCode::METHOD_NOT_ALLOWED => Err(StreamableHttpError::ServerDoesNotSupportSse),
            status => {
                let failure = HttpFailure::status(status.as_u16(), String::new(), response.headers());
                Err(StreamableHttpError::Client(failure))
            }
        }
    }
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

/// Whether the data of an event is a request of the server's own.
fn is_request(data: &str) -> bool {
    // Answers may be large and are not read for this.
    data.contains("\"method\"")
        && serde_json::from_str::<serde_json::Value>(data)
            .is_ok_and(|value| value.get("id").is_some() && value.get("method").is_some())
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
