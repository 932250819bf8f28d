//! Which commands and addresses of specs a host allows.

use kneo_core::address::{self, HostPattern};
use kneo_core::launch;
use kneo_core::plan::StdioDef;

use crate::problem::Problem;

/// Which programs specs may have started.
#[derive(Clone, Debug, Default)]
pub(crate) enum Commands {
    /// Any that is found.
    #[default]
    Any,
    /// Those that begin like one of these.
    Only(Vec<AllowedCommand>),
}

/// A program with the arguments that it must begin with.
#[derive(Clone, Debug)]
pub(crate) struct AllowedCommand {
    pub(crate) command: String,
    pub(crate) leading: Vec<String>,
}

impl Commands {
    /// Allows one more; the first makes a list of what was everything.
    pub(crate) fn allow(&mut self, command: AllowedCommand) {
        match self {
            Commands::Any => *self = Commands::Only(vec![command]),
            Commands::Only(allowed) => allowed.push(command),
        }
    }

    pub(crate) fn check(&self, stdio: &StdioDef) -> Result<(), Problem> {
        let Commands::Only(allowed) = self else { return Ok(()) };
        let begins = |allowed: &AllowedCommand| {
            let leading = allowed.leading.iter().map(String::as_str);
            let given = stdio.args.iter().map(|argument| &**argument);
            *allowed.command == *stdio.command && leading.eq(given.take(allowed.leading.len()))
        };
        if !allowed.iter().any(begins) {
            let words = std::iter::once(&stdio.command).chain(&stdio.args).map(|word| &**word);
            return Err(Problem::CommandNotAllowed(words.collect::<Vec<_>>().join(" ")));
        }
        // A host that names programs means their code, and not what a variable makes of it.
        let steering = stdio.env.iter().find(|(name, _)| launch::steers_code(name.as_str()));
        match steering {
            Some((name, _)) => Err(Problem::CommandNotAllowed(format!("{} with the variable {name}", stdio.command))),
            None => Ok(()),
        }
    }
}

/// Which addresses specs may have connected to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    /// `None` is all.
    pub(crate) only: Option<Vec<HostPattern>>,
    /// Where plain HTTP may go beside this machine.
    pub(crate) plain_http: Vec<HostPattern>,
}

impl Hosts {
    pub(crate) fn check(&self, url: &reqwest::Url) -> Result<(), Problem> {
        let refuse = |why: String| Err(Problem::HostNotAllowed(why));
        let Some(host) = url.host_str() else { return refuse("it names no host".to_owned()) };
        let port = url.port_or_known_default();
        let matches = |patterns: &[HostPattern]| patterns.iter().any(|pattern| pattern.matches(host, port));
        if let Some(only) = &self.only
            && !matches(only)
        {
            return refuse(format!("`{host}`; use one that it allows, or let the host allow it with `allow_host`"));
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if address::is_this_machine(host) || matches(&self.plain_http) => Ok(()),
            "http" => refuse(address::plain_http_refused(host)),
            other => refuse(format!("the scheme `{other}`; use `https`")),
        }
    }
}

/// A pattern of hosts, each written as a URL has it.
pub(crate) fn host_pattern(text: &str) -> Option<HostPattern> {
    HostPattern::new(text, |name| {
        let url = reqwest::Url::parse(&format!("https://{name}/")).ok()?;
        let plain = url.username().is_empty() && url.port().is_none() && url.path() == "/";
        url.host_str().filter(|_| plain && url.query().is_none() && url.fragment().is_none()).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stdio(command: &str, args: &[&str], env: &[&str]) -> StdioDef {
        let setting = kneo_core::plan::Setting::Plain("x".into());
        StdioDef {
            command: command.into(),
            args: args.iter().map(|argument| (*argument).into()).collect(),
            env: env.iter().map(|name| (kneo_core::Name::new(*name).unwrap(), setting.clone())).collect(),
            cwd: None,
        }
    }

    #[test]
    fn a_list_of_commands_holds_their_leading_arguments_and_no_steering() {
        let mut commands = Commands::default();
        assert!(commands.check(&stdio("anything", &["-c", "x"], &["LD_PRELOAD"])).is_ok());
        commands.allow(AllowedCommand { command: "npx".into(), leading: vec!["-y".into(), "server".into()] });
        commands.allow(AllowedCommand { command: "./mine".into(), leading: Vec::new() });
        for (definition, allowed) in [
            (stdio("npx", &["-y", "server"], &[]), true),
            (stdio("npx", &["-y", "server", "/data"], &["TOKEN"]), true),
            (stdio("./mine", &["any"], &[]), true),
            (stdio("npx", &["-y", "another"], &[]), false),
            (stdio("npx", &["-y"], &[]), false),
            (stdio("/usr/bin/npx", &["-y", "server"], &[]), false),
            (stdio("./mine", &[], &["NODE_OPTIONS"]), false),
            (stdio("sh", &[], &[]), false),
        ] {
            assert_eq!(commands.check(&definition).is_ok(), allowed, "{definition:?}");
        }
    }

    #[test]
    fn addresses_are_held_to_the_list_and_plain_http_to_this_machine() {
        let pattern = |text: &str| host_pattern(text).unwrap();
        let open = Hosts::default();
        let listed = Hosts {
            only: Some(vec![pattern("*.example.com"), pattern("api.test:8443"), pattern("10.0.0.7"), pattern("[::1]")]),
            plain_http: vec![pattern("10.0.0.7:8080")],
        };
        for (url, by_open, by_listed) in [
            ("https://a.example.com/mcp", true, true),
            ("https://a.b.example.com", true, true),
            ("https://example.com", true, false),
            ("https://evilexample.com", true, false),
            ("https://example.com.evil.test", true, false),
            ("https://api.test:8443/x", true, true),
            ("https://api.test/x", true, false),
            ("http://localhost:3000", true, false),
            ("http://127.0.0.9/", true, false),
            ("http://[::1]:9/", true, true),
            ("http://10.0.0.7:8080/", false, true),
            ("http://10.0.0.7:8081/", false, false),
            ("http://localhost.evil.test/", false, false),
            ("ftp://a.example.com/", false, false),
        ] {
            let url = reqwest::Url::parse(url).unwrap();
            assert_eq!((open.check(&url).is_ok(), listed.check(&url).is_ok()), (by_open, by_listed), "{url}");
        }
    }

    #[test]
    fn a_pattern_is_a_name_and_nothing_else() {
        for text in ["", "*", "*.", "a b", "https://a", "a/b", "u@a", "a:port", "a.*", "a?b", "a#b"] {
            assert_eq!(host_pattern(text), None, "{text}");
        }
        assert_eq!(format!("{:?}", host_pattern("*.Example.com:80").unwrap()), "*.example.com:80");
    }
}
