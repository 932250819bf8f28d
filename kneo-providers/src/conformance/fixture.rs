//! How a provider is set up for the suite.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kneo_core::provider::{ModelRequest, OutputSchema, Provider};
use kneo_core::{Name, Usage};

/// Sets providers up so that the suite knows what they will answer.
#[async_trait]
pub trait Fixture: fmt::Debug + Send + Sync {
    /// A provider, and for each text a request that it answers with exactly that text. The text of the request's last
    /// message stays the same; the suite may put more into the conversation before it.
    async fn answering(&self, texts: &[&str]) -> Setup;

    /// A provider, and one request that it answers with these tool calls, in order; a pair is a tool's name and the
    /// text of the arguments as the model writes it. `None` if the provider never calls tools.
    async fn calling(&self, calls: &[(&str, &str)]) -> Option<Setup> {
        let _ = calls;
        None
    }

    /// A provider, and one request for an answer of this form, which it answers with this text. `None` if the provider
    /// takes no notice of forms.
    async fn structured(&self, output: &OutputSchema, text: &str) -> Option<Setup> {
        let _ = (output, text);
        None
    }

    /// A provider, and one request that takes longer than a minute. `None` if nothing takes time.
    async fn hanging(&self) -> Option<Setup> {
        None
    }

    /// A provider, and one request whose answer begins with this text and then takes longer than a minute. `None` if
    /// answers come at once.
    async fn stalling(&self, text: &str) -> Option<Setup> {
        let _ = text;
        None
    }

    /// A provider, and one request that fails in a way that can pass. `None` if nothing fails. With
    /// [`Setup::with_exchanges`] the suite sees that it is not tried again.
    async fn failing(&self) -> Option<Setup> {
        None
    }

    /// A provider, and one request that fails after it has cost so much. `None` if nothing fails, or nothing costs.
    async fn wasting(&self, usage: Usage) -> Option<Setup> {
        let _ = usage;
        None
    }

    /// A provider whose key is the secret of this name, which the context of the call has with this value, and one
    /// request that its backend refuses with an error that repeats the key. `None` if there are no keys.
    async fn refusing(&self, name: &Name, key: &str) -> Option<Setup> {
        let _ = (name, key);
        None
    }

    /// A provider, and one request for a model that its backend does not have. `None` if that is found out only by
    /// asking.
    async fn without_model(&self) -> Option<Setup> {
        None
    }
}

/// A provider with requests for it.
#[non_exhaustive]
pub struct Setup {
    /// The provider.
    pub provider: Arc<dyn Provider>,
    /// The requests, in the order in which the suite asked for them.
    pub requests: Vec<ModelRequest>,
    exchanges: Option<Box<Count>>,
    guard: Option<Box<dyn Any + Send + Sync>>,
}

type Count = dyn Fn() -> usize + Send + Sync;

impl Setup {
    /// A provider with requests for it.
    pub fn new(provider: impl Provider, requests: Vec<ModelRequest>) -> Setup {
        Setup { provider: Arc::new(provider), requests, exchanges: None, guard: None }
    }

    /// The same setup, which can tell how many exchanges the backend has seen.
    #[must_use]
    pub fn with_exchanges(mut self, count: impl Fn() -> usize + Send + Sync + 'static) -> Setup {
        self.exchanges = Some(Box::new(count));
        self
    }

    /// The same setup with something that is kept as long as it, such as a server.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any + Send + Sync) -> Setup {
        self.guard = Some(Box::new(guard));
        self
    }

    /// How many exchanges the backend has seen, if that can be told.
    pub(super) fn exchanges(&self) -> Option<usize> {
        self.exchanges.as_ref().map(|count| count())
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("provider", &self.provider)
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}
