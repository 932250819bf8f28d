//! Where a server is.

use std::fmt;

use kneo_core::address::{HostPattern, is_this_machine, plain_http_refused};
use reqwest::Url;

/// The base address of an API, without a slash at its end: `https://api.openai.com/v1`.
///
/// Holds no user, password, query or fragment: nothing of it is a secret, and it may stand in errors.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(Url);

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it: it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Address, String> {
        let mut url = Url::parse(text).map_err(|error| format!("it is not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("it begins with `{}:` instead of `https:` or `http:`", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds a user name or password; a key is given as a secret".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it has a query or fragment; a base address ends with its path".to_owned());
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Address(url))
    }

    /// A resource below the address.
    pub(crate) fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether the host is this one, or one below it.
    pub(crate) fn is_at(&self, domain: &str) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// Where plain HTTP may go beside this machine.
#[derive(Debug, Default)]
pub(crate) struct PlainHttp(Vec<HostPattern>);

impl PlainHttp {
    /// Allows one more host: `example.com`, `*.example.com`, either with a port.
    ///
    /// # Errors
    /// What is to be written, if it is no host.
    pub(crate) fn allow(&mut self, text: &str) -> Result<(), String> {
        let pattern = HostPattern::new(text, |name| {
            let url = Url::parse(&format!("https://{name}/")).ok()?;
            let plain = url.username().is_empty() && url.port().is_none() && url.path() == "/";
            url.host_str().filter(|_| plain && url.query().is_none() && url.fragment().is_none()).map(str::to_owned)
        });
        let pattern = pattern
            .ok_or("it is no host: write a name such as `example.com`, `*.example.com` or `example.com:8443`")?;
        self.0.push(pattern);
        Ok(())
    }

    /// Checks that nobody on the way can read what is sent to an address: by TLS, or because it is this very machine;
    /// or that the host has said that this does not matter.
    ///
    /// # Errors
    /// Why nothing is sent there.
    pub(crate) fn check(&self, address: &Address) -> Result<(), String> {
        let Address(url) = address;
        let host = url.host_str().unwrap_or_default();
        let allowed = || self.0.iter().any(|pattern| pattern.matches(host, url.port_or_known_default()));
        if address.is_tls() || is_this_machine(host) || allowed() { Ok(()) } else { Err(plain_http_refused(host)) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, PlainHttp};

    #[test]
    fn an_address_is_one_however_it_is_written() {
        for (text, shown) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1"),
            ("HTTPS://API.openai.com:443/v1//", "https://api.openai.com/v1"),
            ("http://localhost:11434", "http://localhost:11434"),
            ("http://localhost:11434/", "http://localhost:11434"),
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), shown);
        }
        let address = Address::parse("http://localhost:1/a/").unwrap();
        assert_eq!(address.join(&["models", "org/name x"]).as_str(), "http://localhost:1/a/models/org%2Fname%20x");
        let bare = Address::parse("http://localhost:1").unwrap();
        assert_eq!(bare.join(&["chat", "completions"]).as_str(), "http://localhost:1/chat/completions");
    }

    #[test]
    fn what_is_no_base_address_is_refused_without_being_repeated() {
        for (text, why) in [
            ("", "not a URL"),
            ("api.openai.com/v1", "not a URL"),
            ("file:///etc/passwd", "begins with `file:`"),
            ("https://me:hunter2@example.com/v1", "user name or password"),
            ("https://hunter2@example.com/v1", "user name or password"),
            ("https://example.com/v1?key=hunter2", "query or fragment"),
            ("https://example.com/v1#hunter2", "query or fragment"),
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.contains(why) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn only_tls_this_machine_and_what_the_host_allows_are_sent_to() {
        let mut allowing = PlainHttp::default();
        for host in ["models.internal", "*.lan", "10.0.0.7:8080"] {
            allowing.allow(host).unwrap();
        }
        for (text, by_default, allowed) in [
            ("https://example.com", true, true),
            ("http://localhost:1/v1", true, true),
            ("http://127.0.0.7/v1", true, true),
            ("http://0x7f.1/v1", true, true),
            ("http://[::1]:8/v1", true, true),
            ("http://example.com", false, false),
            ("http://localhost.example.com", false, false),
            ("http://127.0.0.1.example.com", false, false),
            ("http://Models.internal/v1", false, true),
            ("http://a.models.internal/v1", false, false),
            ("http://gpu.lan:11434/v1", false, true),
            ("http://10.0.0.7:8080/v1", false, true),
            ("http://10.0.0.7/v1", false, false),
        ] {
            let address = Address::parse(text).unwrap();
            let checked = PlainHttp::default().check(&address);
            assert_eq!((checked.is_ok(), allowing.check(&address).is_ok()), (by_default, allowed), "{text}");
            assert!(checked.err().is_none_or(|why| why.contains("plain HTTP to `")), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_cannot_be_allowed() {
        for text in ["", "*", "http://a.test", "a/b", "u@a", "a:port"] {
            assert!(PlainHttp::default().allow(text).unwrap_err().starts_with("it is no host"), "{text}");
        }
    }

    #[test]
    fn a_domain_holds_itself_and_what_is_below() {
        let at = |text: &str| Address::parse(text).unwrap().is_at("openai.com");
        assert!(at("https://openai.com") && at("https://eu.api.openai.com/v1"));
        assert!(!at("https://notopenai.com") && !at("https://openai.com.example.org"));
    }
}
