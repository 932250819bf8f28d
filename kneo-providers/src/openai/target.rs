//! Where a request goes, and with which key.

use std::sync::Arc;

use kneo_core::call::{CallContext, CallError};
use kneo_core::secret::Secret;

use super::extra::Extra;
use crate::http::address::{Address, PlainHttp};
use crate::http::code::Code;
use crate::http::key::KeySource;

/// What the host has said about addresses and its key.
#[derive(Debug)]
pub(super) struct Addresses {
    /// The host's own.
    pub(super) own: Address,
    /// The key that goes there.
    pub(super) key: Option<KeySource>,
    /// What else specs may name.
    pub(super) elsewhere: Elsewhere,
    /// Where plain HTTP may go beside this machine.
    pub(super) plain_http: PlainHttp,
}

/// The addresses beside the host's own that specs may name.
#[derive(Debug)]
pub(super) enum Elsewhere {
    /// These, and no others.
    These(Vec<Address>),
    /// All.
    Any,
}

/// Where a request goes.
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) key: Option<Arc<Secret>>,
    /// Whether it is the host's own address, to which what the host has given goes.
    pub(super) is_own: bool,
}

impl Target {
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref().map(Secret::reveal)
    }

    /// An error of the exchange, which says where it went.
    pub(super) fn blame(&self, mut error: CallError) -> CallError {
        error.message = format!("`{}`: {}", self.address, error.message).into();
        error
    }
}

impl Addresses {
    /// Where a request goes, and with which key.
    ///
    /// # Errors
    /// An address that the host does not allow, or a key that is not to be had.
    pub(super) async fn target(&self, extra: &Extra, context: &CallContext) -> Result<Target, CallError> {
        let (address, is_own) = match &extra.base_url {
            Some(text) => self.named(text)?,
            None => (self.own.clone(), true),
        };
        // INVARIANT: the host's key goes to the host's address only, even where a spec knows its name.
        if let (Some(KeySource::Named(own)), Some(name), false) = (&self.key, &extra.api_key, is_own)
            && own == name
        {
            let message = format!("the secret `{name}` is the host's own key, which does not go to `{address}`");
            return Err(Code::AddressRefused.error(message));
        }
        let source = match (&extra.api_key, is_own) {
            (Some(name), _) => Some(KeySource::Named(name.clone())),
            (None, true) => self.key.clone(),
            (None, false) => None,
        };
        let key = match source {
            Some(source) => Some(source.resolve(&context.secrets).await?),
            None => None,
        };
        Ok(Target { address, key, is_own })
    }

    fn named(&self, text: &str) -> Result<(Address, bool), CallError> {
        let refused = |why: String| Code::AddressRefused.error(format!("the spec's `base_url` is refused: {why}"));
        let address = Address::parse(text).map_err(refused)?;
        if address == self.own {
            return Ok((address, true));
        }
        match &self.elsewhere {
            // The others were checked when the host named them.
            Elsewhere::Any => self.plain_http.check(&address).map(|()| (address, false)).map_err(refused),
            Elsewhere::These(allowed) if allowed.contains(&address) => Ok((address, false)),
            Elsewhere::These(allowed) => {
                let known: Vec<String> =
                    [&self.own].into_iter().chain(allowed).map(|address| format!("`{address}`")).collect();
                let known = known.join(", ");
                let remedy = Code::AddressRefused.remedy();
                Err(refused(format!("the host allows {known}, and not `{address}`; {remedy}")))
            }
        }
    }
}
