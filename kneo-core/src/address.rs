//! Which addresses a host lets its specs and its keys go to: rules that need no network to be checked.
//!
//! Providers of models and servers of tools ask them, so that the same address is refused by all for the same reason.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Whether the name of a host, as a URL writes it, can only mean this machine.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What no proxy is asked for, in the form of the variable `NO_PROXY`: this machine, which a proxy would take for its own,
/// and to which plain HTTP may go because nobody can read along.
pub const NO_PROXY: &str = "localhost,127.0.0.0/8,::1";

/// Why plain HTTP to another machine is refused, and what to do. The builders that allow it call it
/// `allow_plain_http`.
#[must_use]
pub fn plain_http_refused(host: &str) -> String {
    format!(
        "plain HTTP to `{host}`, where others can read along; use `https`, or let the host allow it with \
         `allow_plain_http`"
    )
}

/// The name of a host, perhaps with `*.` before it for its subdomains, perhaps with a port.
#[derive(Clone, PartialEq, Eq)]
pub struct HostPattern {
    name: Arc<str>,
    subdomains: bool,
    port: Option<u16>,
}

impl HostPattern {
    /// Reads `example.com`, `*.example.com`, `example.com:8443`, `127.0.0.1` or `[::1]:80`; `None` if it is none.
    ///
    /// `canonical` gives a name as a URL writes it, in lower case and without other forms of the same address, and
    /// `None` of what is no host and nothing but a host.
    #[must_use]
    pub fn new(text: &str, canonical: impl FnOnce(&str) -> Option<String>) -> Option<HostPattern> {
        let (subdomains, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (name, port) = match rest.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port.parse().ok()?)),
            Some(_) | None => (rest, None),
        };
        let name = canonical(name).filter(|name| !name.contains('*'))?;
        Some(HostPattern { name: name.into(), subdomains, port })
    }

    /// Whether a host, as a URL writes it, with the port of its URL is one that is meant.
    #[must_use]
    pub fn matches(&self, host: &str, port: Option<u16>) -> bool {
        let named = match self.subdomains {
            false => host == &*self.name,
            true => host.strip_suffix(&*self.name).is_some_and(|before| before.len() > 1 && before.ends_with('.')),
        };
        named && self.port.is_none_or(|wanted| port == Some(wanted))
    }
}

impl fmt::Debug for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.subdomains { "*." } else { "" }, self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_this_machine() {
        for (host, here) in [
            ("localhost", true),
            ("127.0.0.7", true),
            ("[::1]", true),
            ("10.0.0.1", false),
            ("0.0.0.0", false),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com", false),
        ] {
            assert_eq!(is_this_machine(host), here, "{host}");
        }
    }

    #[test]
    fn a_pattern_means_a_host_its_subdomains_or_one_port() {
        let pattern = |text| HostPattern::new(text, |name| Some(name.to_ascii_lowercase())).unwrap();
        for (text, host, port, meant) in [
            ("a.test", "a.test", 80, true),
            ("A.test", "a.test", 80, true),
            ("a.test", "b.a.test", 80, false),
            ("*.a.test", "b.a.test", 80, true),
            ("*.a.test", "a.test", 80, false),
            ("*.a.test", "ba.test", 80, false),
            ("a.test:81", "a.test", 80, false),
            ("[::1]:81", "[::1]", 81, true),
        ] {
            assert_eq!(pattern(text).matches(host, Some(port)), meant, "{text} {host}:{port}");
        }
        assert_eq!(format!("{:?}", pattern("*.a.test:81")), "*.a.test:81");
        assert_eq!(HostPattern::new("a.test", |_| None), None);
        assert_eq!(HostPattern::new("a.test:x", |name| Some(name.to_owned())), None);
    }
}
