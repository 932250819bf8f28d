//! The codes of model providers, in the words of this program.

use super::{Remedy, of};
use crate::exit::Exit::{Failed, Unavailable};

/// Every code of a provider that has its own words here.
pub(super) const ALL: &[Remedy] = &[
    of(
        "provider_answer_cut",
        Failed,
        "The answer was cut at its longest, and half an answer is none",
        "raise the model's longest answer or `token_budget`, or ask for less",
    ),
    of(
        "provider_unexpected_tool_calls",
        Failed,
        "The model asked for tools that a `simple` agent does not offer",
        "write `strategy: {type: react}`, or change the prompt",
    ),
    of(
        "provider_script_exhausted",
        Failed,
        "The file of scripted replies has none for this request",
        "add the reply that the message names",
    ),
    of(
        "provider_timeout",
        Failed,
        "The whole exchange took too long (`deadline_seconds`, 408 or 504)",
        "ask for a shorter answer, or raise the provider's `deadline_seconds` in `.kneo/config.yaml`",
    ),
    of(
        "provider_stalled",
        Failed,
        "No byte arrived for too long",
        "let the step try again (`max_retries`), or raise the provider's `idle_timeout_seconds` in `.kneo/config.yaml` for a model that thinks long",
    ),
    of(
        "provider_answer_too_large",
        Failed,
        "The answer, or one event of it, has more bytes than it may",
        "ask for a shorter answer, or raise the provider's `max_answer_bytes` or `max_event_bytes` in `.kneo/config.yaml`",
    ),
    of(
        "provider_header_too_large",
        Failed,
        "The headers of the answer have more bytes than they may",
        "see what stands in front of the server, or raise the provider's `max_header_bytes` in `.kneo/config.yaml`",
    ),
    of(
        "provider_untrusted",
        Failed,
        "The server's certificate is not trusted",
        "name the certificates of the server's authority with the provider's `root_certificates` in `.kneo/config.yaml`",
    ),
    of(
        "provider_model_not_found",
        Failed,
        "The server has no such model",
        "see the model's `name` in the spec, or the provider's `model` in `.kneo/config.yaml`",
    ),
    of(
        "provider_model_missing",
        Failed,
        "Neither the spec nor the project names a model",
        "write the model's `name` in the spec, or the provider's `model` in `.kneo/config.yaml`",
    ),
    of(
        "provider_address_refused",
        Failed,
        "The spec names an address that the project does not allow",
        "take `base_url` out of the spec, or allow it with the provider's `allow_base_urls` in `.kneo/config.yaml`",
    ),
    of(
        "provider_parameter_refused",
        Failed,
        "The spec names a parameter that is not passed on",
        "take it out of `extra`, or allow it with the provider's `allow_parameters` in `.kneo/config.yaml`",
    ),
    of(
        "provider_key_missing",
        Failed,
        "There is no secret of the name that is to be the key",
        "set the variable of this name, or the one that `secrets` of `.kneo/config.yaml` has for it",
    ),
    of("provider_panicked", Failed, "The provider's code panicked", "mend the provider"),
    of(
        "openai_address_invalid",
        Failed,
        "The address of a model server cannot be used",
        "write `https://HOST/PATH`, without user, query and fragment; plain `http` is for this machine and the hosts of `plain_http` in `.kneo/config.yaml`",
    ),
    of(
        "openai_header_invalid",
        Failed,
        "A header of a model provider cannot be sent, or is the provider's own",
        "write a name and a value that HTTP takes; the key is given by reference",
    ),
    of(
        "openai_parameter_invalid",
        Failed,
        "A parameter that `allow_parameters` lets specs set is the provider's own",
        "leave it out: the fields of the spec set it",
    ),
    of("openai_bound_invalid", Failed, "A bound of a model provider is out of its range", "use a value within it"),
    of(
        "openai_certificates_invalid",
        Failed,
        "The certificates that a model provider shall trust cannot be read",
        "give a PEM file with at least one certificate",
    ),
    of(
        "openai_client_failed",
        Unavailable,
        "The HTTP client of a model provider cannot be made",
        "see the message; the certificates of the system are read then",
    ),
];
