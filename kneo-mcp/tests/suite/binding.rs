//! What is wrong with a definition is said before anything is started or connected to.

use kneo_core::plan::McpServerDef;
use kneo_core::tool_server::Connector;
use kneo_mcp::{BuildError, McpConnector};

use super::support::{Host, failed, http, name, plain, secret, stdio, with_http, with_stdio};

#[test]
fn a_definition_that_cannot_be_is_refused_with_what_to_do() {
    let host = Host::new();
    std::fs::write(host.path("data.txt"), "").unwrap();
    let sh = || stdio("sh", &[]);
    let env = |variable: &str, text: &str| with_stdio(sh(), |stdio| stdio.env.push((name(variable), plain(text))));
    let header = |header: &str, text: &str| {
        with_http(http("https://a.test/"), |http| http.headers.push((name(header), plain(text))))
    };
    let url = |url: &str| http(url);
    for (definition, code, says) in [
        (stdio("no-such-server", &[]), "mcp_spawn_failed", "is not on the search path"),
        (stdio("./data.txt", &[]), "mcp_spawn_failed", "see that it is there, and that its mode allows it"),
        (stdio("sh", &["a\0b"]), "mcp_server_invalid", "`a\\u{0}b` holds a NUL character"),
        (env("A=B", "x"), "mcp_server_invalid", "the variable `A=B` of `env`"),
        (env("KNEO_X", "x"), "mcp_server_invalid", "are set by Kneo"),
        (env("A", "x\0"), "mcp_server_invalid", "cannot hold a NUL"),
        (with_stdio(sh(), |stdio| stdio.cwd = Some("../x".into())), "mcp_spawn_failed", "name one within it in `cwd`"),
        (McpServerDef { timeout_ms: Some(0), ..sh() }, "mcp_server_invalid", "its `timeout_seconds` is zero"),
        (McpServerDef { max_response_bytes: Some(0), ..sh() }, "mcp_server_invalid", "`max_response_bytes` is zero"),
        (url("not a url"), "mcp_server_invalid", "its `url` is none"),
        (url("https://user:word@a.test/"), "mcp_server_invalid", "holds a user or password"),
        (url("http://a.test/"), "mcp_host_not_allowed", "plain HTTP to `a.test`"),
        (url("ftp://a.test/"), "mcp_host_not_allowed", "the scheme `ftp`"),
        (header("a b", "x"), "mcp_server_invalid", "it is no header's name"),
        (header("Mcp-Session-Id", "x"), "mcp_server_invalid", "the transport sets it"),
        (header("Host", "x"), "mcp_server_invalid", "the transport sets it"),
        (header("X-A", "a\nb"), "mcp_server_invalid", "holds what a header cannot"),
        (
            with_http(header("Authorization", "x"), |http| http.bearer_ref = Some(name("api"))),
            "mcp_server_invalid",
            "`bearer_ref` sets it",
        ),
        (
            with_http(url("https://a.test/"), |http| http.tls.client_cert = Some("a.pem".into())),
            "mcp_server_invalid",
            "go together",
        ),
        (
            with_http(url("https://a.test/"), |http| http.tls.ca_bundle = Some("/etc/ssl/cert.pem".into())),
            "mcp_server_invalid",
            "`ca_bundle`: the directory `/etc/ssl/cert.pem` leads out of the host's",
        ),
    ] {
        let (found, message) = failed(host.connector.server(&definition));
        assert_eq!(found, code, "{message}");
        assert!(message.contains(says) && message.starts_with("the MCP server `files` "), "{message}");
    }
}

#[test]
fn what_the_host_does_not_allow_is_refused() {
    let host = Host::with(|builder| builder.allow_command("sh", ["-c"]).allow_host("*.example.com"));
    let bind = |definition: &McpServerDef| host.connector.server(definition);
    assert!(bind(&stdio("sh", &["-c", "exit"])).is_ok());
    let (code, message) = failed(bind(&stdio("sh", &["server.sh"])));
    assert_eq!(code, "mcp_command_not_allowed");
    assert_eq!(
        message,
        "the MCP server `files` has the command `sh server.sh`, which this host does not allow; use one that it allows, \
         or let the host allow it with `allow_command`"
    );
    assert!(bind(&http("https://mcp.example.com/")).is_ok());
    let (code, message) = failed(bind(&http("https://example.org/")));
    assert_eq!(code, "mcp_host_not_allowed");
    assert!(message.contains("`example.org`; use one that it allows"), "{message}");

    let none = Host::with(|builder| builder.allow_no_command().allow_no_host());
    assert_eq!(failed(none.connector.server(&stdio("sh", &[]))).0, "mcp_command_not_allowed");
    assert_eq!(failed(none.connector.server(&http("https://a.test/"))).0, "mcp_host_not_allowed");
}

#[test]
fn a_host_that_cannot_be_is_refused() {
    let directory = tempfile::TempDir::new().unwrap();
    let builder = || McpConnector::builder(directory.path());
    assert!(matches!(McpConnector::builder("/no/such/place").build(), Err(BuildError::Directory { .. })));
    assert!(matches!(builder().tls_folder("/etc/passwd").build(), Err(BuildError::Directory { .. })));
    assert!(matches!(builder().search_path(["bin"]).build(), Err(BuildError::SearchPath(_))));
    assert!(matches!(builder().variable("PATH", "/bin").build(), Err(BuildError::Variable { .. })));
    assert!(matches!(builder().variable("A B", "").build(), Err(BuildError::Variable { .. })));
    assert!(matches!(builder().allow_host("https://a").build(), Err(BuildError::Host(_))));
    assert!(matches!(builder().proxy("socks5://a").build(), Err(BuildError::Proxy)));
    assert!(matches!(builder().max_tools(0).build(), Err(BuildError::Zero("max_tools"))));
}

#[test]
fn debugging_shows_no_value_and_no_password() {
    let directory = tempfile::TempDir::new().unwrap();
    let builder = McpConnector::builder(directory.path())
        .variable("TOKEN", "s3cr3t-variable")
        .proxy("http://user:s3cr3t-proxy@proxy.test:3128");
    let shown = format!("{builder:?}");
    let connector = builder.build().unwrap();
    let stdio = with_stdio(stdio("sh", &["s3cr3t-argument"]), |stdio| {
        stdio.env.push((name("A"), plain("s3cr3t-plain")));
        stdio.env.push((name("B"), secret("named")));
    });
    let http = with_http(http("https://a.test/s3cr3t-path?key=s3cr3t-query"), |http| {
        http.headers.push((name("X-Key"), plain("s3cr3t-header")));
    });
    let servers = [&stdio, &http].map(|definition| connector.server(definition).unwrap());
    let shown = format!("{shown}{connector:?}{servers:?}");
    assert!(shown.contains("TOKEN"));
    assert!(!shown.contains("s3cr3t"), "{shown}");
}
