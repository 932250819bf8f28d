//! What may be referred to by name.

use std::collections::{HashMap, HashSet};

use kneo_core::name::Name;

use crate::diagnostic::{Code, Diagnostic, Diagnostics, tick, tick_list};
use crate::document::{Component, Document, Home, Ix, Linked, Raw, Server, Tool};
use crate::source::{Span, Spanned};

/// The kinds of component that a step refers to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Agent,
    Function,
    Human,
    Workflow,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Agent, Self::Function, Self::Human, Self::Workflow];

    fn word(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Function => "function",
            Self::Human => "human",
            Self::Workflow => "workflow",
        }
    }
}

/// What refers to a component.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A step, whose kind says what it refers to.
    Step,
    /// A field that refers to one kind of component.
    Field,
}

/// What an agent may name among its tools.
pub(super) enum Offered {
    Tool(Ix<Tool<Linked>>),
    /// All tools of a server, as far as it is to give them.
    Server(Ix<Server<Linked>>),
}

/// The named components of a document, by kind.
pub(super) struct Names {
    agents: Table,
    functions: Table,
    humans: Table,
    workflows: Table,
    tools: Table,
    servers: Table,
    /// The root agent, which may be referred to where no component has its name.
    root_agent: Option<(Name, usize, Span)>,
}

struct Table {
    places: HashMap<Name, (usize, Span)>,
    /// In author order, for messages.
    order: Vec<Name>,
    /// Names of what was reported.
    broken: HashSet<Name>,
}

impl Table {
    fn of<T>(components: &[Component<T>], broken: &[Name]) -> Self {
        let mut places = HashMap::new();
        let mut order = Vec::new();
        for (at, component) in components.iter().enumerate() {
            if component.home == Home::Map {
                places.insert(component.name.value.clone(), (at, component.name.span));
                order.push(component.name.value.clone());
            }
        }
        Self { places, order, broken: broken.iter().cloned().collect() }
    }
}

impl Names {
    pub(super) fn of(raw: &Document<Raw>) -> Self {
        let root = raw.agents.iter().enumerate();
        let root_agent = root
            .filter(|(_, agent)| agent.home == Home::Root)
            .map(|(at, agent)| (agent.name.value.clone(), at, agent.name.span))
            .next();
        Self {
            agents: Table::of(&raw.agents, &raw.broken.agents),
            functions: Table::of(&raw.functions, &raw.broken.functions),
            humans: Table::of(&raw.humans, &raw.broken.humans),
            workflows: Table::of(&raw.workflows, &raw.broken.workflows),
            tools: Table::of(&raw.tools, &raw.broken.tools),
            servers: Table::of(&raw.servers, &raw.broken.servers),
            root_agent,
        }
    }

    fn table(&self, kind: Kind) -> &Table {
        match kind {
            Kind::Agent => &self.agents,
            Kind::Function => &self.functions,
            Kind::Human => &self.humans,
            Kind::Workflow => &self.workflows,
        }
    }

    /// Finds the component that a step, or another field, refers to.
    pub(super) fn component(&self, kind: Kind, by: By, name: &Spanned<Name>, sink: &mut Diagnostics) -> Option<usize> {
        let table = self.table(kind);
        let root = self.root_agent.as_ref().filter(|(root, ..)| kind == Kind::Agent && *root == name.value);
        match (table.places.get(&name.value), root) {
            (Some((_, component)), Some((_, _, root))) => {
                sink.push(
                    Diagnostic::new(
                        Code::ComponentRef,
                        name.span,
                        format!("{} names both the root agent and a component", tick(name.value.as_str())),
                    )
                    .label(*root, "the root agent")
                    .label(*component, "the component")
                    .help("rename one of the two"),
                );
                None
            }
            (Some((at, _)), None) => Some(*at),
            (None, Some((_, at, _))) => Some(*at),
            (None, None) if table.broken.contains(&name.value) => None,
            (None, None) => {
                let diagnostic = self.unknown(kind, by, name, sink);
                sink.push(diagnostic);
                None
            }
        }
    }

    fn unknown(&self, kind: Kind, by: By, name: &Spanned<Name>, sink: &mut Diagnostics) -> Diagnostic {
        let word = kind.word();
        let diagnostic =
            Diagnostic::new(Code::ComponentRef, name.span, format!("there is no {word} {}", tick(name.value.as_str())));
        let elsewhere = Kind::ALL
            .into_iter()
            .filter(|other| *other != kind)
            .find_map(|other| Some((other, self.table(other).places.get(&name.value)?.1)));
        if let Some((other, place)) = elsewhere {
            let other = other.word();
            let help = match by {
                By::Step => format!("write `kind: {other}`"),
                By::Field => format!("write the name of one of `components.{word}s`"),
            };
            return diagnostic.label(place, format!("this is a {other}")).help(help);
        }
        let table = self.table(kind);
        let known = || {
            let root = self.root_agent.iter().map(|(name, ..)| name.as_str());
            let root = root.filter(move |_| kind == Kind::Agent);
            table.order.iter().map(Name::as_str).chain(root)
        };
        let help = match sink.nearest(name.value.as_str(), known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known().next().is_none() => {
                format!("declare it under `components.{word}s`")
            }
            None => format!("declare it under `components.{word}s`, or refer to {}", tick_list(known().take(8))),
        };
        diagnostic.help(help)
    }

    /// Finds the tool, or the server with all its tools, that an agent refers to.
    pub(super) fn tool(&self, name: &Spanned<Name>, sink: &mut Diagnostics) -> Option<Offered> {
        let text = tick(name.value.as_str());
        match (self.tools.places.get(&name.value), self.servers.places.get(&name.value)) {
            (Some((_, tool)), Some((_, server))) => {
                sink.push(
                    Diagnostic::new(Code::ToolRef, name.span, format!("{text} names both a tool and an MCP server"))
                        .label(*tool, "the tool")
                        .label(*server, "the server")
                        .help("rename one of the two"),
                );
                return None;
            }
            (Some((at, _)), None) => return Some(Offered::Tool(Ix::new(*at))),
            (None, Some((at, _))) => return Some(Offered::Server(Ix::new(*at))),
            (None, None) => {}
        }
        if self.tools.broken.contains(&name.value) || self.servers.broken.contains(&name.value) {
            return None;
        }
        let known = self.tools.order.iter().chain(&self.servers.order).map(Name::as_str);
        let help = match sink.nearest(name.value.as_str(), known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "declare it under the top-level `tools`, or a server under `mcp_servers`".to_owned(),
        };
        sink.push(Diagnostic::new(Code::ToolRef, name.span, format!("there is no tool {text}")).help(help));
        None
    }

    /// Finds the server that a tool refers to.
    pub(super) fn server(&self, name: &Spanned<Name>, sink: &mut Diagnostics) -> Option<Ix<Server<Linked>>> {
        if let Some((at, _)) = self.servers.places.get(&name.value) {
            return Some(Ix::new(*at));
        }
        if self.servers.broken.contains(&name.value) {
            return None;
        }
        let known = self.servers.order.iter().map(Name::as_str);
        let help = match sink.nearest(name.value.as_str(), known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "declare it under the top-level `mcp_servers`".to_owned(),
        };
        let message = format!("there is no MCP server {}", tick(name.value.as_str()));
        sink.push(Diagnostic::new(Code::ServerRef, name.span, message).help(help));
        None
    }
}
