//! Where a key goes, and where it does not.

use std::sync::Arc;

use kneo_core::call::CallContext;
use kneo_core::provider::ModelRequest;
use kneo_core::secret::{MemorySecrets, Secret, Secrets};
use kneo_core::{Name, Value};
use kneo_providers::openai::{OpenAiBuilder, OpenAiProvider};

use super::super::support::at;
use super::server::{FakeServer, answer, saying};
use super::{KEY, builder, question, told};

const OTHER_KEY: &str = "sk-other-abcdefghij0123456789";

/// A context whose source has the host's key as `HOST` and another as `OTHER`.
fn context() -> CallContext {
    let secret = |key: &str| Secret::new(key.to_owned());
    let source = MemorySecrets::new()
        .with(Name::new("HOST").unwrap(), secret(KEY))
        .with(Name::new("OTHER").unwrap(), secret(OTHER_KEY));
    at("3#1/t1", 1).with_secrets(Secrets::of(Arc::new(source)))
}

fn with_extra(extra: &str) -> ModelRequest {
    let mut request = question();
    request.extra = Some(Value::from_json_text(extra).unwrap());
    request
}

/// The key that arrives at a server, or the code of the error.
async fn sent(builder: OpenAiBuilder, extra: &str, servers: [&FakeServer; 2]) -> Result<(usize, String), String> {
    let count = |server: &FakeServer| server.seen().len();
    let before = servers.map(count);
    let provider = builder.header("x-project", "mine").build().unwrap();
    let told = told(&provider, &with_extra(extra), context()).await;
    told.answer.map_err(|error| error.code.to_string())?;
    for (at, server) in servers.iter().enumerate() {
        if let Some(seen) = server.seen().get(before[at]) {
            // What the host gives goes to the host's address, and with it there.
            assert_eq!(seen.header("x-project").is_some(), at == 0, "{seen:?}");
            return Ok((at, seen.header("authorization").unwrap_or("none").replace("Bearer ", "")));
        }
    }
    Err("nothing arrived".to_owned())
}

#[tokio::test]
async fn a_key_goes_only_where_the_host_lets_it() {
    let own = FakeServer::always(saying("hi")).await;
    let other = FakeServer::always(saying("hi")).await;
    let servers = [&own, &other];
    let elsewhere = format!(r#""base_url":"{}""#, other.base_url());
    let (bare, named) = (format!("{{{elsewhere}}}"), format!(r#"{{{elsewhere},"api_key_ref":"OTHER"}}"#));
    let host_named = format!(r#"{{{elsewhere},"api_key_ref":"HOST"}}"#);
    let same = format!(r#"{{"base_url":"{}/"}}"#, own.base_url());

    let by_value = || builder(&own);
    let by_name = || {
        let name = Name::new("HOST").unwrap();
        OpenAiProvider::builder().base_url(own.base_url()).api_key_ref(name).default_model("gpt-test")
    };
    let keyless = || OpenAiProvider::builder().base_url(own.base_url()).default_model("gpt-test");
    let at_own = |key: &str| Ok((0, key.to_owned()));
    let at_other = |key: &str| Ok((1, key.to_owned()));
    let refused = || Err("provider_address_refused".to_owned());

    for (case, builder, extra, expected) in [
        ("the host's key", by_value(), "{}", at_own(KEY)),
        ("the host's key by name", by_name(), "{}", at_own(KEY)),
        ("no key", keyless(), "{}", at_own("none")),
        ("the spec's key", keyless(), r#"{"api_key_ref":"OTHER"}"#, at_own(OTHER_KEY)),
        ("the spec's key comes first", by_value(), r#"{"api_key_ref":"OTHER"}"#, at_own(OTHER_KEY)),
        ("the spec names the host's address", by_value(), &same, at_own(KEY)),
        ("pinned", by_value(), &bare, refused()),
        ("pinned, with a key of the spec", by_value(), &named, refused()),
        ("pinned without a key", keyless(), &bare, refused()),
        ("allowed: not the host's key", by_value().allow_base_url(other.base_url()), &bare, at_other("none")),
        ("allowed: not the host's key by name", by_name().allow_base_url(other.base_url()), &bare, at_other("none")),
        ("allowed: the spec's key", by_value().allow_base_url(other.base_url()), &named, at_other(OTHER_KEY)),
        ("another is allowed", by_value().allow_base_url("http://127.0.0.1:1/v1"), &bare, refused()),
        ("any: not the host's key", by_value().allow_any_base_url(), &bare, at_other("none")),
        ("any: the spec's key", by_name().allow_any_base_url(), &named, at_other(OTHER_KEY)),
        (
            "allowed: the host's key, named by the spec",
            by_name().allow_base_url(other.base_url()),
            &host_named,
            refused(),
        ),
        ("any: the host's key, named by the spec", by_name().allow_any_base_url(), &host_named, refused()),
    ] {
        assert_eq!(sent(builder, extra, servers).await, expected, "{case}");
    }
}

#[tokio::test]
async fn addresses_that_are_none_are_refused_and_passwords_in_them_not_repeated() {
    let own = FakeServer::always(saying("hi")).await;
    for (extra, word) in [
        (r#"{"base_url":"nowhere"}"#, "not a URL"),
        (r#"{"base_url":"file:///etc/passwd"}"#, "`file:`"),
        (r#"{"base_url":"https://me:hunter2@example.com"}"#, "user name or password"),
        (r#"{"base_url":"https://example.com/v1?key=hunter2"}"#, "query"),
        (r#"{"base_url":"https://example.com/v1"}"#, "`allow_base_url`"),
    ] {
        let provider = builder(&own).build().unwrap();
        let error = told(&provider, &with_extra(extra), context()).await.answer.unwrap_err();
        assert_eq!((&*error.code, error.retryable), ("provider_address_refused", false));
        assert!(error.message.contains(word) && !error.message.contains("hunter2"), "{error}");
    }
    assert_eq!(own.seen().len(), 0);
}

#[tokio::test]
async fn plain_http_is_for_this_machine_unless_the_host_says_otherwise() {
    let at = |url: &str| OpenAiProvider::builder().base_url(url).default_model("gpt-test");
    let key = || Secret::new(KEY.to_owned());
    for builder in [
        at("http://10.255.255.1/v1").api_key_ref(Name::new("HOST").unwrap()),
        at("http://models.internal/v1").api_key(key()),
        at("http://models.internal/v1"),
        at("https://example.com/v1").allow_base_url("http://models.internal/v1"),
        at("http://models.internal/v1").allow_plain_http("other.internal"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.code(), "openai_address_invalid");
        let said = error.to_string();
        assert!(said.contains("plain HTTP to `") && said.ends_with("allow it with `allow_plain_http`"), "{said}");
    }
    let error = at("https://example.com/v1").allow_plain_http("http://models.internal").build().unwrap_err();
    assert!(error.to_string().contains("`allow_plain_http` cannot be used: it is no host"), "{error}");
    for builder in [
        at("http://models.internal/v1").api_key(key()).allow_plain_http("models.internal"),
        at("http://localhost:1/v1").api_key(key()),
        at("http://models.internal:8080/v1").allow_plain_http("*.internal:8080"),
    ] {
        assert!(builder.build().is_ok());
    }
}

#[tokio::test]
async fn a_spec_that_may_name_any_address_names_none_in_the_clear() {
    let any = || OpenAiProvider::builder().default_model("gpt-test").allow_any_base_url();
    for extra in [
        r#"{"base_url":"http://example.invalid/v1","api_key_ref":"OTHER"}"#,
        r#"{"base_url":"http://10.255.255.1/v1"}"#,
    ] {
        let error = told(&any().build().unwrap(), &with_extra(extra), context()).await.answer.unwrap_err();
        assert_eq!(&*error.code, "provider_address_refused");
        assert!(error.message.contains("plain HTTP to `"), "{error}");
    }
    // What is allowed is asked, as far as there is somebody of the name.
    let provider = any().allow_plain_http("example.invalid").build().unwrap();
    let extra = r#"{"base_url":"http://example.invalid/v1"}"#;
    let error = told(&provider, &with_extra(extra), context()).await.answer.unwrap_err();
    assert_eq!(&*error.code, "provider_unreachable");
}

#[tokio::test]
async fn a_redirect_is_not_followed_to_anywhere() {
    let other = FakeServer::always(saying("hi")).await;
    for status in [301, 302, 303, 307, 308] {
        for to in [other.base_url(), "/v1/elsewhere".to_owned()] {
            let own = FakeServer::always(vec![answer(status, &[&format!("location: {to}")], "")]).await;
            let error = super::asked(&super::provider(&own)).await.answer.unwrap_err();
            assert_eq!((&*error.code, error.retryable), ("provider_redirected", false));
            assert_eq!(own.seen().len(), 1);
        }
    }
    assert_eq!(other.seen().len(), 0);
}

#[tokio::test]
async fn a_proxy_is_used_only_if_the_host_names_it() {
    // A proxy is asked for whole addresses.
    let proxy = FakeServer::always(saying("by proxy")).await;
    let url = proxy.base_url().replace("/v1", "").replace("http://", "http://me:hunter2@");
    let provider = OpenAiProvider::builder()
        .base_url("http://example.invalid/v1")
        .allow_plain_http("example.invalid")
        .default_model("m")
        .proxy(url)
        .build()
        .unwrap();
    assert!(!format!("{provider:?}").contains("hunter2"), "{provider:?}");
    assert_eq!(super::asked(&provider).await.text(), Ok("by proxy".to_owned()));
    let seen = &proxy.seen()[0];
    assert_eq!(seen.line, "POST http://example.invalid/v1/chat/completions");
    assert_eq!(seen.header("proxy-authorization"), Some("Basic bWU6aHVudGVyMg=="));
}

/// To this machine plain HTTP may go because nobody reads along: a proxy would, and would look for it at home.
#[tokio::test]
async fn this_machine_is_asked_without_a_proxy() {
    let (proxy, server) = (FakeServer::always(saying("by proxy")).await, FakeServer::always(saying("here")).await);
    let provider = OpenAiProvider::builder()
        .base_url(server.base_url())
        .default_model("m")
        .proxy(proxy.base_url().replace("/v1", ""))
        .build()
        .unwrap();
    assert_eq!(super::asked(&provider).await.text(), Ok("here".to_owned()));
    assert!(proxy.seen().is_empty());
}

/// Runs a test that asks a server, with the proxies of the environment set to one that is not there.
#[test]
fn the_environment_names_no_proxy() {
    const ASKS: &str = "suite::openai::request::headers_of_the_host_go_along";
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args([ASKS, "--exact"]);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, "http://127.0.0.1:9");
    }
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
