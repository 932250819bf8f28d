//! MCP servers.

use std::collections::HashMap;
use std::sync::Arc;

use kneo_core::launch;
use kneo_core::name::Name;
use kneo_core::plan::{HttpDef, Setting, StdioDef, TlsDef, Transport};

use super::{At, Fields, Lower};
use crate::diagnostic::{Code, Diagnostic, tick};
use crate::document::{Raw, RawRef, Server, ToolBacking, ToolChoice};
use crate::shape::server::{AUTH, CHOICE, SERVED, SERVER};
use crate::source::{Span, Spanned};
use crate::syntax::{Kind, NodeId};

/// Names of tools are short for models; what a server calls them must find room behind a prefix.
const LONGEST_PREFIX: usize = 32;

impl Lower<'_> {
    pub(super) fn server(&mut self, node: NodeId, key: &str) -> Option<Server<Raw>> {
        let mut fields = self.fields_of(node, key, &SERVER)?;
        let word = self.word(fields.get("transport")).map(|word| word.value);
        if let Some(word) = word {
            self.only(&mut fields, word, "transport");
        }
        let transport = match word {
            Some("stdio") => self.stdio(&fields).map(Transport::Stdio),
            Some(_) => self.http(&fields).map(Transport::Http),
            None => None,
        };
        let (v1, full) = (fields.get("timeout"), fields.get("timeout_seconds"));
        if let (Some(v1), Some(full)) = (v1, full) {
            self.report(
                Diagnostic::new(
                    Code::TwoSpellings,
                    v1.key.span,
                    "this server has both `timeout` and `timeout_seconds`",
                )
                .label(full.key.span, "the same")
                .help("keep `timeout_seconds`"),
            );
        }
        let timeout_ms = self.seconds(full.or(v1)).map(|timeout| timeout.value);
        let max_response_bytes = self.integer(fields.get("max_response_bytes")).map(|most| most.value);
        let tools = self.tool_choice(fields.get("tools"));
        Some(Server { transport, timeout_ms, max_response_bytes, tools })
    }

    fn stdio(&mut self, fields: &Fields) -> Option<StdioDef> {
        if fields.get("command").is_none() {
            self.missing(fields.span, &SERVER, "command");
        }
        let command = self.plain(fields.get("command"));
        if let Some(command) = &command
            && command.value.trim().is_empty()
        {
            self.report(
                Diagnostic::new(Code::WrongType, command.span, "`command` is empty")
                    .help("write the name of a program"),
            );
        }
        let args = fields.get("args").and_then(|at| self.list(Some(at))).unwrap_or_default();
        let args = args.into_iter().filter_map(|item| Some(self.plain_entry(item, "an entry of `args`")?.value));
        let args = args.collect();
        let env = self.settings(fields.get("env"), launch::refuse_variable);
        let cwd = self.folder(fields.get("cwd"));
        Some(StdioDef { command: command?.value, args, env, cwd })
    }

    fn http(&mut self, fields: &Fields) -> Option<HttpDef> {
        if fields.get("url").is_none() {
            self.missing(fields.span, &SERVER, "url");
        }
        let url = self.plain(fields.get("url")).filter(|url| self.address(url));
        let headers = self.settings(fields.get("headers"), |name| {
            (!is_header(name)).then_some("the name of a header has letters, digits and `-`")
        });
        let bearer = fields.get("auth").and_then(|at| self.auth(at));
        let authorization = headers.iter().find(|(name, _)| name.as_str().eq_ignore_ascii_case("authorization"));
        if let (Some(bearer), Some(_)) = (&bearer, authorization) {
            self.report(
                Diagnostic::new(
                    Code::TwoSpellings,
                    bearer.span,
                    "this server has both a bearer token and a header `Authorization`",
                )
                .help("keep one of them"),
            );
        }
        let tls = self.tls(fields, url.as_ref().is_some_and(|url| url.value.starts_with("http:")));
        let bearer_ref = bearer.map(|bearer| bearer.value);
        Some(HttpDef { url: url?.value, headers, bearer_ref, tls })
    }

    /// Whether a text is an address that can be asked.
    fn address(&mut self, url: &Spanned<Arc<str>>) -> bool {
        let rest = ["https://", "http://"].iter().find_map(|scheme| url.value.strip_prefix(scheme));
        let Some(rest) =
            rest.filter(|rest| !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control()))
        else {
            self.report(
                Diagnostic::new(Code::WrongType, url.span, format!("{} is no address of a server", tick(&url.value)))
                    .help("write one that begins with `https://`, or `http://`"),
            );
            return false;
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            self.report(
                Diagnostic::new(Code::SecretLiteral, url.span, "the address holds credentials")
                    .help("take them out; write `auth: {bearer_ref: …}`, or a header whose name ends in `_ref`"),
            );
            return false;
        }
        true
    }

    fn auth(&mut self, at: &At) -> Option<Spanned<Name>> {
        let fields = self.fields_at(at, &AUTH)?;
        let other = match &self.tree.node(at.node).kind {
            Kind::Map(entries) => entries.iter().any(|entry| &*entry.key.text == "oauth"),
            _ => false,
        };
        if fields.get("bearer_ref").is_none() && !other {
            self.missing(fields.span, &AUTH, "bearer_ref");
        }
        self.name(fields.get("bearer_ref"))
    }

    fn tls(&mut self, fields: &Fields, plain: bool) -> TlsDef {
        let verify = self.bool(fields.get("verify"));
        let insecure = verify.is_some_and(|verify| !verify.value);
        let tls = TlsDef {
            insecure,
            ca_bundle: self.plain(fields.get("ca_bundle")).map(|file| file.value),
            client_cert: self.plain(fields.get("client_cert")).map(|file| file.value),
            client_key_ref: self.name(fields.get("client_key_ref")).map(|name| name.value),
        };
        if plain {
            for at in
                ["verify", "ca_bundle", "client_cert", "client_key_ref"].iter().filter_map(|name| fields.get(name))
            {
                self.report(
                    Diagnostic::new(
                        Code::FieldNotAllowed,
                        at.key.span,
                        format!("{} has no effect on an address without TLS", tick(at.field.name)),
                    )
                    .help("write a `url` that begins with `https://`, or remove it"),
                );
            }
            return tls;
        }
        if let (Some(verify), true) = (verify, insecure) {
            self.report(
                Diagnostic::new(Code::TlsVerifyDisabled, verify.span, "nobody checks who answers at this address")
                    .help("remove it; to believe a certificate of your own, write `ca_bundle:`"),
            );
            if let Some(at) = fields.get("ca_bundle") {
                self.report(
                    Diagnostic::new(
                        Code::FieldNotAllowed,
                        at.key.span,
                        "`ca_bundle` has no effect: every certificate is believed",
                    )
                    .label(verify.span, "by this")
                    .help("remove `verify: false`"),
                );
            }
        }
        for (one, other) in [("client_cert", "client_key_ref"), ("client_key_ref", "client_cert")] {
            if let (Some(at), None) = (fields.get(one), fields.get(other)) {
                self.missing(at.key.span, &SERVER, other);
            }
        }
        tls
    }

    /// Reads values that are written, or secrets by reference under keys that end in `_ref`.
    fn settings(&mut self, at: Option<&At>, refuse: impl Fn(&str) -> Option<&'static str>) -> Vec<(Name, Setting)> {
        let mut settings = Vec::new();
        let mut places: HashMap<Name, Span> = HashMap::new();
        for (key, node) in self.map(at) {
            let own = key.value.as_str().strip_suffix("_ref").filter(|own| !own.is_empty());
            let secret = own.is_some();
            let own = own.unwrap_or(key.value.as_str()).to_owned();
            if let Some(why) = refuse(&own) {
                self.report(
                    Diagnostic::new(Code::InvalidName, key.span, why).help("correct the name before the colon"),
                );
                continue;
            }
            let subject = tick(key.value.as_str());
            let setting = if secret {
                self.name_node(node, &subject).map(|name| Setting::Secret(name.value))
            } else {
                self.plain_entry(node, &subject).map(|text| Setting::Plain(text.value))
            };
            let (Some(setting), Ok(name)) = (setting, Name::new(own)) else { continue };
            if let Some(first) = places.insert(name.clone(), key.span) {
                self.report(
                    Diagnostic::new(Code::TwoSpellings, key.span, format!("{} has two values", tick(name.as_str())))
                        .label(first, "the first")
                        .help("keep one of them"),
                );
                continue;
            }
            settings.push((name, setting));
        }
        settings
    }

    fn tool_choice(&mut self, at: Option<&At>) -> ToolChoice<Raw> {
        let fields = at.and_then(|at| self.fields_at(at, &CHOICE));
        let Some(fields) = fields else {
            return ToolChoice::default();
        };
        let of_whole = ["include", "exclude", "prefix"].iter().filter_map(|name| fields.get(name));
        let of_whole = of_whole.map(|at| Spanned::new(at.field.name, at.key.span)).collect();
        let include = self.filled_list(fields.get("include"));
        let exclude = fields.get("exclude").and_then(|at| self.list(Some(at))).unwrap_or_default();
        let mut texts = |items: Vec<NodeId>, subject: &str| -> Vec<Arc<str>> {
            items.into_iter().filter_map(|item| Some(self.plain_entry(item, subject)?.value)).collect()
        };
        let include = include.map(|items| texts(items, "an entry of `include`"));
        let exclude = texts(exclude, "an entry of `exclude`");
        let prefix = self.plain(fields.get("prefix")).filter(|prefix| self.prefix(&prefix.value, prefix.span));
        let expect_digest = self.plain(fields.get("expect_digest")).and_then(|text| {
            let digest = text.value.parse().ok();
            if digest.is_none() {
                self.report(
                    Diagnostic::new(Code::WrongType, text.span, format!("{} is no digest", tick(&text.value)))
                        .help("write 64 hexadecimal digits; a run that finds another digest fails and names it"),
                );
            }
            digest
        });
        let (prefix, running) = (prefix.map(|prefix| prefix.value), self.running(&fields));
        ToolChoice { include, exclude, prefix, of_whole, expect_digest, running }
    }

    fn prefix(&mut self, prefix: &str, span: Span) -> bool {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let is_one = (1..=LONGEST_PREFIX).contains(&prefix.len()) && prefix.chars().all(fits);
        if !is_one {
            self.report(
                Diagnostic::new(Code::InvalidName, span, format!("no tool's name can begin with {}", tick(prefix)))
                    .help(format!("write letters, digits, `_` and `-`, at most {LONGEST_PREFIX}")),
            );
        }
        is_one
    }

    /// Reads which tool of which server runs behind a tool.
    pub(super) fn served(&mut self, at: &At) -> Option<ToolBacking<Raw>> {
        let fields = self.fields_at(at, &SERVED)?;
        let tool = self.plain(fields.get("name")).map(|name| name.value);
        Some(ToolBacking::Mcp { server: RawRef::Named(self.name(fields.get("server"))?), tool })
    }
}

/// Whether a text may be the name of a header: a token of RFC 9110, section 5.6.2.
fn is_header(name: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(token)
}
