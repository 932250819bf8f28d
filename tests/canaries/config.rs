//! Secrets where none belongs, and what is said of that.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use kneo::bundle::{Bundle, Signing, Trust};
use kneo::mcp::McpConnector;
use kneo::provider::openai::OpenAiProvider;
use kneo::seal::{SealKey, SealVerifier};
use kneo::secret::{MemorySecrets, Secret, Secrets};
use kneo::spec::source::SourceMap;
use kneo::spec::{self, CompileOptions};
use kneo::store::MemoryStore;
use kneo::{Runtime, Start, Timestamp};

use super::sights::{Place::Operators, Sights};
use super::stage::name;
use super::table::value;

/// Sees what is said to who writes a secret into an address, a spec, or a bundle's key.
pub(crate) async fn look(sights: &mut Sights, folder: &std::path::Path) {
    addresses(sights);
    proxies(sights, folder).await;
    specs(sights, folder).await;
    bundles(sights).await;
}

fn refused<T, E: Error + 'static>(sights: &mut Sights, what: &str, result: Result<T, E>) {
    match result {
        Ok(_) => panic!("{what} is not refused"),
        Err(error) => sights.error(Operators, what, &error),
    }
}

fn addresses(sights: &mut Sights) {
    let user = value("model_user");
    for url in [
        format!("https://{user}:{user}@models.example/v1"),
        format!("https://{user}@models.example/v1"),
        format!("https://models.example/v1?key={}", value("model_query")),
        format!("https://models.example/v1#{}", value("model_query")),
        format!("not a url {user}"),
        format!("https://{user}:x"),
    ] {
        let builder = OpenAiProvider::builder().base_url(url.clone());
        sights.debug(Operators, "builder of an address", &builder);
        refused(sights, "address of a model", builder.build());
        let builder = OpenAiProvider::builder().base_url("https://models.example/v1").allow_base_url(url);
        refused(sights, "address that is allowed", builder.build());
    }
    refused(
        sights,
        "header of a model",
        OpenAiProvider::builder().base_url("https://models.example").header("X", format!("{user}\n")).build(),
    );
}

/// A proxy's address may hold a password, and is not refused.
async fn proxies(sights: &mut Sights, folder: &std::path::Path) {
    let proxy = format!("http://me:{}@localhost:9", value("proxy"));
    let model = OpenAiProvider::builder().base_url("http://localhost:9/v1").proxy(proxy.clone());
    sights.debug(Operators, "builder with a proxy", &model);
    let model = model.build().unwrap();
    sights.debug(Operators, "provider with a proxy", &model);
    let connector = McpConnector::builder(folder).proxy(proxy);
    sights.debug(Operators, "connector's builder with a proxy", &connector);
    let connector = connector.build().unwrap();
    sights.debug(Operators, "connector with a proxy", &connector);
    let builder = Runtime::builder().store(Arc::new(MemoryStore::default())).mcp(Arc::new(connector));
    let runtime = builder.provider("model", Arc::new(model)).build().unwrap();
    let spec = "version: v1
mcp_servers: {far: {transport: http, url: 'http://localhost:9/mcp'}}
agent: {name: clerk, model: {provider: model, name: m}, tools: [far]}
";
    let plan = spec::compile_str("spec.yaml", spec).unwrap();
    for probe in runtime.probe(&plan, Duration::from_secs(5)).await.unwrap() {
        sights.debug(Operators, "probe through a proxy", &probe);
    }
    refused(sights, "proxy", OpenAiProvider::builder().proxy(format!("{0}://{0}:x@", value("proxy"))).build());
    refused(
        sights,
        "proxy of servers",
        McpConnector::builder(folder).proxy(format!("ftp://me:{}@x", value("proxy"))).build(),
    );
}

async fn specs(sights: &mut Sights, folder: &std::path::Path) {
    let agent = |model: &str| format!("version: v1\nagent: {{name: clerk, model: {model}}}\n");
    let server = |server: &str| {
        format!(
            "version: v1\nmcp_servers: {{far: {server}}}\nagent: {{name: clerk, model: {{provider: dummy}}, tools: [far]}}\n"
        )
    };
    let (literal, address, far) = (value("spec_literal"), value("spec_address"), value("far_address"));
    for (what, text) in [
        ("key in a spec", agent(&format!("{{provider: openai, name: m, extra: {{api_key: {literal}}}}}"))),
        ("key elsewhere in a spec", agent(&format!("{{provider: openai, name: m, extra: {{user: {literal}}}}}"))),
        (
            "address in a spec",
            agent(&format!("{{provider: openai, name: m, extra: {{base_url: 'https://u:{address}@x.example'}}}}")),
        ),
        (
            "query in a spec",
            agent(&format!("{{provider: openai, name: m, extra: {{base_url: 'https://x.example/?k={address}'}}}}")),
        ),
        ("server's address", server(&format!("{{transport: http, url: 'https://u:{far}@x.example/mcp'}}"))),
        ("server's variable", server(&format!("{{transport: stdio, command: x, env: {{TOKEN: {literal}}}}}"))),
        (
            "server's header",
            server(&format!(
                "{{transport: http, url: 'https://x.example', headers: {{Authorization: 'Bearer {literal}'}}}}"
            )),
        ),
    ] {
        let mut sources = SourceMap::new();
        let file = sources.add("spec.yaml", &*text);
        let told = match spec::compile_str("spec.yaml", &text) {
            // What the compiler takes, a host may refuse.
            Ok(plan) => {
                let openai = OpenAiProvider::builder().base_url("https://models.example/v1").build().unwrap();
                let runtime = Runtime::builder()
                    .store(Arc::new(MemoryStore::default()))
                    .secrets(Arc::new(MemorySecrets::new()))
                    .provider("openai", Arc::new(openai))
                    .provider("dummy", Arc::new(kneo::provider::DummyProvider::new()))
                    .mcp(Arc::new(McpConnector::builder(folder).build().unwrap()))
                    .build()
                    .unwrap();
                let bound = runtime.bind(&plan);
                let mut told = format!("{bound:?}\n");
                if let Err(error) = &bound {
                    told.push_str(&error.to_string());
                } else {
                    let run = runtime.start(&plan, Start::new("x")).await.unwrap();
                    let outcome = run.wait().await.unwrap();
                    told.push_str(&format!("{outcome:?}"));
                    sights.debug(Operators, what, &runtime.probe(&plan, Duration::from_secs(5)).await);
                }
                told
            }
            Err(error) => format!("{error}\n{error:?}\n{error:#?}"),
        };
        sights.add(Operators, what, told);
        let report = spec::compile(&sources, file, &CompileOptions::default());
        // A plan holds what its spec says.
        if report.plan.is_none() {
            sights.add(Operators, format!("{what}, in detail"), format!("{report:?}"));
        }
    }
}

async fn bundles(sights: &mut Sights) {
    let spec = "version: v1\nname: sealed\nworkflow: {type: sequential, steps: [{id: a, kind: set, set: {x: 1}}]}\n";
    let mut sources = SourceMap::new();
    let file = sources.add("flow.yaml", spec);
    let key = |text: &str| SealKey::new(&Secret::new(text.to_owned()));
    let signing = Signing {
        key: name("release-1"),
        environment: name("here"),
        approved_by: name("ana"),
        sequence: 7,
        signed_at: Timestamp::default(),
    };
    let canary = value("bundle_key");
    let signed = Bundle::sign(&sources, file, &CompileOptions::default(), signing, &key(canary).unwrap()).unwrap();
    sights.debug(Operators, "bundle", &signed);
    sights.add(Operators, "file of a bundle", String::from_utf8_lossy(signed.bytes()));
    sights.debug(Operators, "key", &key(canary).unwrap());
    refused(sights, "short key", key(&canary[..31]));
    let trust = |text: &str| Trust::new().key(name("release-1"), key(text).unwrap()).environment(name("here"));
    sights.debug(Operators, "trust", &trust(canary));
    let bundle = Bundle::verify(signed.bytes(), &trust(canary)).unwrap();
    let mut altered = signed.bytes().to_vec();
    altered[200] ^= 1;
    refused(sights, "altered bundle", Bundle::verify(&altered, &trust(canary)));
    let reverse: String = canary.chars().rev().collect();
    refused(sights, "bundle of another key", Bundle::verify(signed.bytes(), &trust(&reverse)));
    for right in [true, false] {
        let held = Secret::new(if right { canary.to_owned() } else { canary[..31].to_owned() });
        let secrets = Secrets::of(Arc::new(MemorySecrets::new().with(name("release"), held)));
        let verifier = SealVerifier::new(secrets).key(name("release-1"), name("release")).environment(name("here"));
        sights.debug(Operators, "verifier", &verifier);
        let builder = Runtime::builder().store(Arc::new(MemoryStore::default())).plan_verifier(Arc::new(verifier));
        let runtime = builder.build().unwrap();
        sights.debug(Operators, "runtime that verifies", &runtime);
        let started = runtime.start(bundle.plan(), Start::new(value("input"))).await;
        assert_eq!(started.is_ok(), right);
        match started {
            Ok(run) => {
                sights.debug(Operators, "verified run", &run.wait().await.unwrap());
                sights.debug(Operators, "handle in memory", &run);
                sights.debug(Operators, "runtime in memory", &runtime);
            }
            Err(error) => sights.error(Operators, "run that is not verified", &error),
        }
        runtime.shutdown().await;
    }
}
