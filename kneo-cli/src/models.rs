//! Models over HTTP, as a project sets them up.

use kneo::Name;
use kneo::provider::openai::{OpenAiBuilder, OpenAiError, OpenAiProvider};

use crate::problem::Problem;
use crate::project::ProviderConfig;

/// The provider that there is without any setting, and its key.
pub(crate) const OPENAI: &str = "openai";
pub(crate) const OPENAI_KEY: &str = "OPENAI_API_KEY";

/// OpenAI itself.
pub(crate) fn hosted() -> Result<OpenAiProvider, Problem> {
    build(OPENAI, OpenAiProvider::builder().api_key_ref(name(OPENAI, OPENAI_KEY)?))
}

/// A provider of the project's.
pub(crate) fn configured(own: &str, config: &ProviderConfig) -> Result<OpenAiProvider, Problem> {
    let mut builder = OpenAiProvider::builder();
    if let Some(url) = &config.base_url {
        builder = builder.base_url(url);
    }
    if let Some(key) = &config.api_key_ref {
        builder = builder.api_key_ref(name(own, key)?);
    }
    if let Some(model) = &config.model {
        builder = builder.default_model(model.as_str());
    }
    for url in &config.allow_base_urls {
        builder = builder.allow_base_url(url);
    }
    build(own, builder)
}

fn name(provider: &str, text: &str) -> Result<Name, Problem> {
    Name::new(text).map_err(|error| Problem::new("config_invalid", format!("provider `{provider}`: {error}")))
}

fn build(provider: &str, builder: OpenAiBuilder) -> Result<OpenAiProvider, Problem> {
    builder.build().map_err(|error: OpenAiError| Problem::new(error.code(), format!("provider `{provider}`: {error}")))
}
