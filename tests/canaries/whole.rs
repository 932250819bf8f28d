//! The whole: everything is planted, everything is run, and everything that can be seen is searched.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use kneo_tests::canary::Kind;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::sights::Place::{Operators, Readers};
use super::stage::Stage;
use super::table::{self, value};
use super::web::{Request, Web};
use super::{config, far, log, model, near};

#[test]
fn there_are_enough_canaries_and_none_is_like_another() {
    let canaries = table::all();
    assert!(canaries.len() >= 25, "{}", canaries.len());
    let names: BTreeSet<&str> = canaries.iter().map(|canary| canary.name).collect();
    assert_eq!(names.len(), canaries.len());
    for canary in canaries {
        assert!(!canary.tells().is_empty(), "{canary:?}");
        // But for the password that another holds.
        let others = canaries
            .iter()
            .filter(|other| other.name != canary.name && canary.name != "far_basic" && other.name != "far_basic");
        let alike: Vec<String> = others.filter_map(|other| other.seen_in(&canary.value)).collect();
        assert!(alike.is_empty(), "{canary:?}: {alike:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_is_seen_where_it_must_not_be() {
    log::start();
    let folder = tempfile::tempdir().unwrap();
    let (models, open) = (model::start().await, far::start(None, "").await);
    let (guarded, roots) = guarded(folder.path()).await;
    near_server(folder.path());
    let mut stage = Stage::new(folder.path(), &models).await;

    ask_models(&mut stage).await;
    ask_far(&mut stage, &open).await;
    ask_guarded(&mut stage, &guarded, roots).await;
    ask_near(&mut stage).await;
    say(&mut stage).await;
    config::look(&mut stage.sights, folder.path()).await;

    planted(&stage, &models, &open, &guarded);
    let mut sights = stage.end().await;
    let log = log::text();
    for crate_name in ["kneo_mcp", "kneo_runtime", "rmcp", "hyper_util", "reqwest", "rustls"] {
        assert!(log.contains(crate_name), "{crate_name} logs nothing");
    }
    // The MCP SDK logs the messages themselves, at several levels: without secrets, but with what is said.
    let is_message = |line: &&str| line.contains(" rmcp::");
    let (messages, lines): (Vec<&str>, Vec<&str>) = log.lines().partition(is_message);
    assert!(!messages.is_empty());
    sights.add(Operators, "log", lines.join("\n"));
    sights.add(Readers, "log of messages", messages.join("\n"));
    assert!(sights.len() > 300, "{}", sights.len());
    let leaks = sights.leaks();
    assert!(leaks.is_empty(), "{} canaries are seen:\n{}", leaks.len(), leaks.join("\n\n"));
}

async fn ask_models(stage: &mut Stage) {
    for provider in ["keyed", "odd", "given"] {
        for way in model::WAYS {
            let spec = format!(
                "version: v1
agent: {{name: clerk, system_prompt: '{}', model: {{provider: {provider}, name: '{way}'}}, tools: [note]}}
tools: {{note: {{implementation: note, effect: read}}}}
",
                value("prompt")
            );
            let result = stage.run(&format!("{provider} {way}"), &spec, value("input")).await;
            let answers = matches!(way, "text" | "text_plain" | "call" | "call_plain");
            assert!(result.is_ok() == answers || way == "call_names", "{provider} {way}: {result:?}");
        }
    }
}

async fn ask_far(stage: &mut Stage, web: &Web) {
    let server = format!(
        "{{transport: http, url: '{}/mcp', headers: {{X-Key_ref: far_header, X-Escaped_ref: far_escaped, X-Number_ref: far_number}}, auth: {{bearer_ref: far_bearer}}}}",
        web.url()
    );
    for way in far::WAYS {
        ask(stage, "far", &server, way).await;
    }
    // It may also name by them what others name: its session, a tool.
    for header in ["X-Session", "X-Named"] {
        let server = server.replace("headers: {", &format!("headers: {{{header}: 'yes', "));
        ask(stage, header, &server, "text").await;
    }
    // The same with a user and password, which stand in the header itself.
    let server = format!("{{transport: http, url: '{}/mcp', headers: {{Authorization_ref: far_basic}}}}", web.url());
    for way in ["text", "base64", "nested", "error"] {
        ask(stage, "basic", &server, way).await;
    }
}

async fn ask_guarded(stage: &mut Stage, web: &Web, roots: &str) {
    for key in ["client_key", "other_key"] {
        let server = format!(
            "{{transport: http, url: 'https://localhost:{}/mcp', ca_bundle: {roots}, client_cert: client.pem, client_key_ref: {key}}}",
            web.port
        );
        for way in far::WAYS {
            ask(stage, &format!("guarded {key}"), &server, way).await;
        }
    }
}

async fn ask_near(stage: &mut Stage) {
    let server = "{transport: stdio, command: ./near.sh, env: {TOKEN_ref: near_token, PEM_ref: near_pem, CREDENTIALS_ref: near_json, ODD_ref: near_odd}}";
    for way in near::WAYS {
        ask(stage, "near", server, way).await;
    }
}

/// Lets an agent ask a server for a tool; whatever that gives is seen.
async fn ask(stage: &mut Stage, what: &str, server: &str, way: &str) {
    let spec = format!(
        "version: v1
mcp_servers: {{server: {server}}}
agent: {{name: clerk, model: {{provider: caller}}, tools: [server]}}
"
    );
    let _ = stage.run(&format!("{what} {way}"), &spec, &format!("{way} {}", value("input"))).await;
}

/// What functions, commands and people say.
async fn say(stage: &mut Stage) {
    let step = |step: &str| format!("version: v1\ntemplates: true\nworkflow: {{type: sequential, steps: [{step}]}}\n");
    for function in ["fails", "fails_typed", "panics"] {
        let spec = step(&format!("{{id: a, kind: function, ref: {{implementation: {function}}}}}"));
        let result = stage.run(function, &spec, value("input")).await;
        assert!(result.is_err());
    }
    let person = format!(
        "{{id: a, kind: human, ref: {{description: '{} {{{{ input }}}}', assignee: ana, request_type: approval}}}}",
        value("question")
    );
    stage.run("person", &step(&person), value("input")).await.unwrap();
    let command = |script: &str| {
        step(&format!(
            "{{id: a, kind: function, ref: {{effect: read, command: {{argv: [sh, -c, '{script}', x, '{{{{ input }}}}']}}}}}}"
        ))
    };
    stage.run("command", &command(&format!("echo {} $1", value("command_output"))), value("input")).await.unwrap();
    let failed =
        stage.run("command that fails", &command(&format!("echo {} >&2; exit 3", value("command_error"))), "x").await;
    assert!(failed.is_err());
}

/// An MCP server that asks who this side is, and knows the key of who it is.
async fn guarded(folder: &Path) -> (Web, &'static str) {
    let authority = || {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (servers, clients) = (authority(), authority());
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &servers).unwrap();
    let mine = KeyPair::from_pem(value("client_key")).unwrap();
    let shown = CertificateParams::new(vec!["me".to_owned()]).unwrap().signed_by(&mine, &clients).unwrap();
    std::fs::write(folder.join("roots.pem"), servers.pem()).unwrap();
    std::fs::write(folder.join("client.pem"), shown.pem()).unwrap();

    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(clients.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_client_cert_verifier(verifier.build().unwrap());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    (far::start(Some(acceptor), value("client_key")).await, "roots.pem")
}

fn near_server(folder: &Path) {
    let file = folder.join("near.sh");
    std::fs::write(&file, near::script()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Each canary was really there: where it was planted, it arrived.
fn planted(stage: &Stage, models: &Web, open: &Web, guarded: &Web) {
    let sent = |web: &Web, name: &str, value: &str| {
        let seen: Vec<Request> = web.seen();
        seen.iter().any(|request| request.header(name) == value)
    };
    let bearer = |name: &str| format!("Bearer {}", value(name));
    let was_given = std::fs::read_to_string(stage.folder.join("near_was_given")).unwrap();
    let mut unplanted = Vec::new();
    for canary in table::all() {
        let known = value(canary.name);
        let arrived = match canary.name {
            "model_key" | "odd_key" | "given_key" => sent(models, "authorization", &bearer(canary.name)),
            "model_header" => sent(models, "x-org", known),
            "far_bearer" => sent(open, "authorization", &bearer("far_bearer")),
            "far_header" => sent(open, "x-key", known),
            "far_basic" | "far_password" => sent(open, "authorization", value("far_basic")),
            "far_escaped" => sent(open, "x-escaped", known),
            "far_number" => sent(open, "x-number", known),
            // It asks for the certificate of this key, and no request comes about without it.
            "client_key" => guarded.seen().iter().any(|request| request.body["method"] == "tools/call"),
            "near_token" | "near_pem" | "near_json" | "near_odd" => was_given.contains(known.trim_end()),
            "bundle_key" => stage.sights.shows("verified run", "Completed"),
            "model_user" => stage.sights.shows("address of a model", "user name or password"),
            "model_query" => stage.sights.shows("address of a model", "query or fragment"),
            "proxy" => stage.sights.shows("probe through a proxy", "code"),
            "spec_literal" => stage.sights.shows("key in a spec", "E_SECRET_LITERAL"),
            "spec_address" => {
                stage.sights.shows("address in a spec", "E_SECRET_LITERAL")
                    && stage.sights.shows("query in a spec", "provider_")
            }
            "far_address" => stage.sights.shows("server's address", "url"),
            "other_key" => stage.sights.shows("outcome of guarded other_key", "no private key in PEM form"),
            // What is said is in the records, where it belongs.
            "prompt" => models.seen().iter().any(|request| request.body.to_string().contains(known)),
            _ => {
                assert_eq!(canary.kind, Kind::Said, "{canary:?}");
                let line = known.lines().find(|line| !line.starts_with('-')).unwrap();
                stage.sights.shows("events", line)
            }
        };
        if !arrived {
            unplanted.push(canary);
        }
    }
    assert!(unplanted.is_empty(), "nobody has planted {unplanted:?}");
}
