//! Models behind OpenAI's chat completions API, or one like it.
//!
//! [`OpenAiProvider`] asks OpenAI itself or whatever speaks the same protocol: Azure OpenAI, vLLM, Ollama, llama.cpp,
//! LiteLLM, OpenRouter and others. A host registers one provider for each address and key:
//!
//! ```
//! use kneo_core::Name;
//! use kneo_providers::openai::OpenAiProvider;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hosted = OpenAiProvider::builder().api_key_ref(Name::new("OPENAI_API_KEY")?).build()?;
//! let local = OpenAiProvider::builder().base_url("http://localhost:11434/v1").build()?;
//! # let _ = (hosted, local);
//! # Ok(())
//! # }
//! ```
//!
//! # What a spec may say
//!
//! Beside the model's name and its temperature, these keys may stand in the model's `extra`; any other is an error that
//! names it.
//!
//! | Key | |
//! | --- | --- |
//! | `api_key_ref` | The name of the secret that is the key, in place of the host's. |
//! | `base_url` | The address, if the host allows it: see [`OpenAiBuilder::allow_base_url`]. |
//! | `max_completion_tokens`, `max_tokens` | The most tokens of an answer, under the name that the server knows. The smaller of this and what the engine allows is sent. |
//! | `frequency_penalty`, `logit_bias`, `metadata`, `parallel_tool_calls`, `prediction`, `presence_penalty`, `prompt_cache_key`, `prompt_cache_options`, `prompt_cache_retention`, `reasoning_effort`, `safety_identifier`, `seed`, `service_tier`, `stop`, `store`, `tool_choice`, `top_p`, `user`, `verbosity` | Passed on as they are; [OpenAI's reference](https://platform.openai.com/docs/api-reference/chat/create) says what they mean. |
//!
//! # Keys
//!
//! A key goes to the address that the host has chosen for it, and nowhere else: a spec that names another address is
//! refused unless the host allows that address, and then gets only a key that it names itself. Plain `http` is for this
//! machine, unless the host [allows](OpenAiBuilder::allow_plain_http) more. Redirects are not followed. No key is part of an error, a log, an answer or the output of `Debug`; one that a server repeats is taken
//! out.
//!
//! # Structured answers
//!
//! A [`schema`](kneo_core::provider::ModelRequest::output) of an object is sent as `response_format`. Strict mode, in
//! which OpenAI [guarantees](https://platform.openai.com/docs/guides/structured-outputs) the form, takes only a part of
//! JSON Schema: every object closed, every property required, few keywords. A schema within that part is sent with
//! `strict: true` and any other without, as a request to the model. A schema of anything but an object is not sent: the
//! API takes none. The engine checks the answer in every case.
//!
//! # Errors
//!
//! | Code | Again? | When |
//! | --- | --- | --- |
//! | `provider_rate_limited` | yes | 429; with the wait that `retry-after-ms` or `Retry-After` ask for |
//! | `provider_overloaded` | yes | 503, 529, or an error that says so |
//! | `provider_server_error` | yes | any other 5xx (but 501), also in the middle of a stream |
//! | `provider_conflict` | yes | 409 |
//! | `provider_unreachable` | yes | no connection within its time: name, network, TLS |
//! | `provider_connection_lost` | yes | the connection ended before the answer began |
//! | `provider_timeout` | yes | the exchange took longer than its deadline; 408, 504 |
//! | `provider_stalled` | yes | no byte arrived for too long |
//! | `provider_stream_cut` | yes | the answer ended before it was whole |
//! | `provider_malformed_answer` | yes | the answer is not what the API describes; no, if it is no API at all |
//! | `provider_key_unavailable` | yes | the secret source does not answer |
//! | `provider_authentication` | no | 401: the key is wrong, or there is none |
//! | `provider_permission` | no | 403 |
//! | `provider_quota_exhausted` | no | 402, or 429 with `insufficient_quota` and the like |
//! | `provider_model_not_found` | no | the server has no such model |
//! | `provider_endpoint_not_found` | no | 404 or 405: no such API at the address |
//! | `provider_context_too_long` | no | the conversation does not fit the model |
//! | `provider_request_too_large` | no | 413 |
//! | `provider_content_filter` | no | a filter refused the conversation |
//! | `provider_invalid_request` | no | 400, 422, and whatever else a server does not accept |
//! | `provider_answer_too_large` | no | the answer, or one event of it, has more bytes than allowed |
//! | `provider_header_too_large` | no | the headers have more bytes than allowed |
//! | `provider_untrusted` | no | the server's certificate is not trusted |
//! | `provider_redirected` | no | the server sends the request elsewhere |
//! | `provider_key_missing`, `provider_key_unusable` | no | the secret is not there, or cannot be a key |
//! | `provider_address_refused` | no | the spec names an address that the host does not allow |
//! | `provider_parameter_refused` | no | the spec names a parameter that is not passed on |
//! | `provider_model_missing` | no | neither spec nor host names a model |
//! | `provider_cancelled` | no | the call was cancelled |
//!
//! A header `x-should-retry`, by which OpenAI overrides what a status means, is obeyed. The server's own code, words and
//! request id stand in the message, without keys. What an exchange has cost is told with the error as far as the server
//! has told it.

mod answer;
mod body;
mod builder;
mod check;
mod extra;
mod fault;
mod message;
mod provider;
mod stream;
mod strict;
mod target;
mod tool_name;
mod wire;

pub use crate::http::code::ErrorCode;
pub use builder::{Answers, MaxTokens, OpenAiBuilder, OpenAiError, StructuredOutput};
pub use provider::OpenAiProvider;
