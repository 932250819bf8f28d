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
    of("provider_panicked", Failed, "The provider's code panicked", "mend the provider"),
    of(
        "openai_address_invalid",
        Failed,
        "The address of a model server cannot be used",
        "write `https://HOST/PATH`, without user, query and fragment; plain `http` is for this machine",
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
        "A parameter that a host allows specs to set is the provider's own",
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
