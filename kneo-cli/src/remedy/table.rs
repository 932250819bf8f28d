//! The codes, by who gives them.

mod bundles;

use super::Remedy;
use crate::exit::Exit;
use crate::exit::Exit::{Failed, Unavailable, Usage};

/// Every code.
pub(super) const ALL: &[&[Remedy]] = &[
    PROGRAM,
    PROJECT,
    FILES,
    bundles::ALL,
    HOST,
    STORE,
    SECRETS,
    KINDS,
    FAILURES,
    EXPRESSIONS,
    PROVIDERS,
    CALLS,
    SERVERS,
    COMMANDS,
    TELEMETRY,
];

const fn of(code: &'static str, exit: Exit, meaning: &'static str, help: &'static str) -> Remedy {
    Remedy { code, meaning, help, exit }
}

/// This program's own.
const PROGRAM: &[Remedy] = &[
    of("usage", Usage, "The command line means nothing, and nothing was done", "see `kneo VERB --help`"),
    of("code_unknown", Failed, "There is no such code", "`kneo explain` lists all codes"),
    of("output_unwritable", Unavailable, "The answer cannot be written", "check the space and the rights of its place"),
    of(
        "output_exists",
        Failed,
        "The file that shall be written is there",
        "write it elsewhere, or replace it with `--force`",
    ),
    of(
        "tests_missing",
        Failed,
        "There is no test to run",
        "write `tests:` into the spec; the guide `testing.md` shows how",
    ),
    of("models_invalid", Failed, "The file of scripted replies cannot be used", "mend the file as the message says"),
    of(
        "workdir_invalid",
        Unavailable,
        "The folder in which commands run cannot be used",
        "name a folder that exists with `--workdir`",
    ),
    of(
        "threads_unavailable",
        Unavailable,
        "The system gives no threads",
        "close other programs, or raise the limit of processes",
    ),
];

/// The project.
const PROJECT: &[Remedy] = &[
    of(
        "config_invalid",
        Failed,
        "The settings of the project in `.kneo/config.yaml` cannot be used",
        "mend the file as the message says; `kneo explain config_invalid` shows what it may hold",
    ),
    of("folder_not_empty", Failed, "A project is made in a new folder", "name one that is not there, or is empty"),
    of(
        "folder_unwritable",
        Unavailable,
        "The project cannot be written",
        "check the space and the rights of its place",
    ),
    of(
        "project_name_invalid",
        Failed,
        "The folder's name cannot be a project's",
        "use letters, digits, `-` and `_`, a letter first, and no name of a crate that the host uses",
    ),
];

/// Spec files.
const FILES: &[Remedy] = &[
    of(
        "spec_invalid",
        Failed,
        "The spec does not compile",
        "mend what the report underlines; `kneo explain CODE` tells more about each",
    ),
    of("file_not_found", Unavailable, "There is no such file", "check the path and the working directory"),
    of("file_not_utf8", Failed, "The file is not UTF-8 text", "save it as UTF-8"),
    of("file_too_large", Failed, "The file is larger than any spec may be", "split it"),
    of("file_unreadable", Unavailable, "The file cannot be read", "check that it is a file and that you may read it"),
];

/// The host API.
const HOST: &[Remedy] = &[
    of(
        "input_invalid",
        Failed,
        "What was given does not fit what is asked for",
        "change what the message names, and try again",
    ),
    of("payload_too_large", Failed, "A value is larger than 16 MiB", "keep large data in files and pass their names"),
    of(
        "run_not_found",
        Failed,
        "The store has no run of this id",
        "`kneo runs list` shows what there is; `--store` chooses another store",
    ),
    of(
        "task_not_found",
        Failed,
        "The store has no human task of this id",
        "`kneo human list` shows the open ones; `--store` chooses another store",
    ),
    of("id_ambiguous", Failed, "The part of an id fits several", "type more of its digits"),
    of(
        "invalid_state",
        Failed,
        "The action does not fit where the run or task stands",
        "look at it with `kneo runs get` or `kneo human get`",
    ),
    of(
        "already_decided",
        Failed,
        "Somebody decided the task first; the first decision stands",
        "see who decided what with `kneo human get`",
    ),
    of(
        "request_changed",
        Failed,
        "The person saw another question than the one that is open",
        "look at the task again, then decide",
    ),
    of("not_authorised", Failed, "The task is for others", "leave it to those whom `kneo human get` names"),
    of("conflict", Unavailable, "Another live run holds an exclusive key", "wait for it, or cancel it"),
    of(
        "idempotency_key_conflict",
        Failed,
        "The idempotency key was used for another start",
        "use a new key for a new start",
    ),
    of(
        "run_held",
        Unavailable,
        "A live worker is running it",
        "wait for it: `kneo runs events RUN --follow` shows how it gets on",
    ),
    of(
        "requirements_missing",
        Unavailable,
        "The spec needs a provider, tool, function or program that this host lacks",
        "run it in a host that registers what is missing; this program has the providers `dummy`, `openai`, those of `.kneo/config.yaml` and, with `--models`, `scripted`, and runs commands",
    ),
    of("plan_missing", Unavailable, "The store lacks the run's plan", "restore the store from a backup that has it"),
    of(
        "plan_unreadable",
        Unavailable,
        "The stored plan cannot be used",
        "upgrade this program if the plan is newer, else restore the store from a backup",
    ),
    of(
        "plan_mismatch",
        Unavailable,
        "The run's journal does not fit its plan",
        "restore the store from a backup; a journal is replayed only under its own plan",
    ),
    of(
        "plan_unverified",
        Failed,
        "Nobody whom this runtime trusts vouches for the plan",
        "run a bundle that is signed with a key of this runtime, for this environment and not older than the last",
    ),
    of("client_only", Unavailable, "This runtime runs nothing", "resume the run in a worker"),
    of("shutting_down", Unavailable, "The runtime is going away", "try again"),
    of("store_missing", Failed, "A runtime was built without a store", "give the builder a store"),
    of(
        "name_invalid",
        Failed,
        "A text cannot be a name",
        "use 1 to 256 bytes without control characters and without white space at the ends",
    ),
    of("registered_twice", Failed, "Two things were registered under one name", "give one of them another name"),
    of("option_invalid", Failed, "An option is out of its range", "use a value within it"),
    of(
        "async_runtime_missing",
        Failed,
        "A runtime was built outside tokio",
        "build it inside one, with its timer enabled",
    ),
];

/// Stores.
const STORE: &[Remedy] = &[
    of(
        "store_not_found",
        Unavailable,
        "There is no store at this place",
        "start a run first, or name the store with `--store sqlite:PATH`",
    ),
    of("store_unavailable", Unavailable, "The store does not answer", "try again; nothing that was committed is lost"),
    of("store_too_new", Unavailable, "A newer Kneo wrote the store", "upgrade this program; nothing was changed"),
    of(
        "store_unusable",
        Unavailable,
        "The store cannot be opened or written",
        "check its folder, its rights and the space on its disk",
    ),
    of("store_damaged", Unavailable, "What is stored cannot be read", "restore a backup"),
];

/// Secrets.
const SECRETS: &[Remedy] = &[
    of(
        "secret_missing",
        Unavailable,
        "A secret that the spec refers to is not there",
        "set it where this host looks for secrets",
    ),
    of("secret_unavailable", Unavailable, "The source of secrets does not answer", "try again"),
];

/// The kinds of failures, as `retry.on` and `steps.<id>.error.kind` name them.
const KINDS: &[Remedy] = &[
    of(
        "timeout",
        Failed,
        "An attempt took longer than it may, or the run did",
        "raise `timeout_seconds` or the limit, or let the step be tried again",
    ),
    of(
        "provider",
        Failed,
        "A model provider failed",
        "see the failure's own code; `retry` and `fallback_ref` handle it",
    ),
    of("tool", Failed, "A tool failed where nothing could take its error as a result", "see the failure's own code"),
    of(
        "function",
        Failed,
        "A function failed",
        "see the failure's own code; `retry`, `on_error` and `fallback_ref` handle it",
    ),
    of("limit", Failed, "A bound of the spec was reached", "raise the bound, or declare what follows with `on_max`"),
    of(
        "invalid_input",
        Failed,
        "A value does not fit the schema or the size it must have",
        "see the failure's message: it names the place in the value, and what should be there",
    ),
    of("invalid_output", Failed, "A result does not fit the schema or the size it must have", "mend what produced it"),
    of(
        "rejected",
        Failed,
        "A person said no, and nothing handles it",
        "handle it with an edge or `on_error`, or start again",
    ),
    of(
        "expired",
        Failed,
        "A person did not answer in time, and nothing handles it",
        "raise `timeout_seconds`, or say what follows with `on_timeout`",
    ),
    of("expression", Failed, "An expression could not be evaluated", "see the failure's own code"),
    of(
        "uncertain",
        Failed,
        "A write was in flight at a crash and may not run again",
        "find out whether it happened; `on_uncertain` says what follows",
    ),
    of(
        "dead_letter",
        Failed,
        "The run was claimed again and again without getting anywhere",
        "find out what ends its workers, then start again",
    ),
];

/// Failures of runs.
const FAILURES: &[Remedy] = &[
    of("max_iterations", Failed, "An agent used up its turns", "raise `max_iterations`, or give the agent less to do"),
    of("token_budget_exceeded", Failed, "An agent used up its tokens", "raise `token_budget`"),
    of(
        "max_steps",
        Failed,
        "A graph or the run used up its steps",
        "raise `max_steps`, or declare what follows with `on_max`",
    ),
    of(
        "max_visits",
        Failed,
        "An edge was taken as often as it may be",
        "raise `max_visits`, or declare what follows with `on_max`",
    ),
    of("wall_seconds", Failed, "The run used up its running time", "raise `limits.wall_seconds`"),
    of("deadline", Failed, "The run's deadline passed", "raise `limits.deadline_seconds`"),
    of(
        "output_schema",
        Failed,
        "What a step or an agent gave does not fit its `output_schema`",
        "change the schema, or what gives the output; the message names the place that does not fit",
    ),
    of(
        "join_unreachable",
        Failed,
        "Fewer branches began than a join wants to see completed",
        "lower `at_least`, or loosen the conditions of the branches",
    ),
    of(
        "idempotency_key_invalid",
        Failed,
        "An `idempotency_key` gave no text that can be a key",
        "give 1 to 256 bytes without control characters, made of what the run knows",
    ),
    of("cancelled", Failed, "A call stopped by itself as if it had been cancelled", "mend the tool or function"),
];

/// Expressions.
const EXPRESSIONS: &[Remedy] = &[
    of("no_such_key", Failed, "A map lacks the key that an expression reads", "guard it with `has()` or `default()`"),
    of("index_out_of_range", Failed, "A list is shorter than an expression takes it for", "check its `size()` first"),
    of(
        "undefined_step",
        Failed,
        "An expression reads a step that left nothing behind",
        "guard it with `has()` or `default()`",
    ),
    of(
        "undefined_root",
        Failed,
        "An expression reads what does not exist at its place",
        "use `input`, `prev`, `steps` or `run`",
    ),
    of(
        "type_mismatch",
        Failed,
        "An expression got a value of another type than it needs",
        "convert it with `string()`, `int()` or `double()`",
    ),
    of("division_by_zero", Failed, "An expression divides by zero", "check the divisor first"),
    of("number_overflow", Failed, "A number is too large", "keep integers within plus and minus 2^53 − 1"),
    of("invalid_argument", Failed, "A function of an expression got what it cannot take", "see the message"),
    of(
        "expression_cost",
        Failed,
        "An expression takes more than 10,000 steps or gives more than 1 MiB",
        "do the work in a function",
    ),
];

/// Model providers.
const PROVIDERS: &[Remedy] = &[
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

/// Tools and functions in code.
const CALLS: &[Remedy] = &[
    of("tool_failed", Failed, "A tool gave an error of its own", "see the message"),
    of(
        "tool_input_invalid",
        Failed,
        "The arguments do not fit the tool's type",
        "make the spec's `parameters` agree with the type",
    ),
    of(
        "tool_output_invalid",
        Failed,
        "A tool gave what is no value: text that is not UTF-8, or JSON beyond the limits of values",
        "mend the tool",
    ),
    of("tool_panicked", Failed, "The tool's code panicked", "mend the tool"),
    of("function_failed", Failed, "A function gave an error of its own", "see the message"),
    of(
        "function_input_invalid",
        Failed,
        "The input does not fit the function's type",
        "map the step's `input` to what the function takes",
    ),
    of("function_output_invalid", Failed, "A function gave what is no value", "mend the function"),
    of("function_panicked", Failed, "The function's code panicked", "mend the function"),
];

/// Servers of tools.
const SERVERS: &[Remedy] = &[
    of("mcp_server", Unavailable, "The plan lacks a server that its journal names", "restore the store from a backup"),
    of(
        "mcp_tool_missing",
        Failed,
        "A server does not offer a tool that the spec names",
        "name a tool that it offers: the message lists them",
    ),
    of(
        "mcp_tools_changed",
        Failed,
        "A server says something else of its tools than `expect_digest` stands for",
        "`kneo doctor SPEC --json` shows what it says now, and `kneo runs events RUN --json` what it said to an earlier run; write the digest of the message into the spec if the change may be trusted",
    ),
    of(
        "mcp_tool_name",
        Failed,
        "Models cannot be given a tool by the name that its server gave it",
        "name the tool in `exclude`, or declare it in `tools` under a name of its own",
    ),
    of(
        "mcp_tool_schema",
        Failed,
        "The schema of a server's tool cannot be used",
        "name the tool in `exclude`, and tell whoever runs the server",
    ),
    of(
        "mcp_offer_unreadable",
        Failed,
        "What a server offers has no canonical form",
        "name the tools that the message speaks of in `exclude`, and tell whoever runs the server",
    ),
    of(
        "mcp_command_not_allowed",
        Failed,
        "This host does not let specs start the program of an MCP server",
        "use one that it allows, or let the host allow it: `mcp.commands` in `.kneo/config.yaml`",
    ),
    of(
        "mcp_host_not_allowed",
        Failed,
        "This host does not let specs connect to the address of an MCP server",
        "use one that it allows, or let the host allow it: `mcp.hosts` in `.kneo/config.yaml`",
    ),
    of(
        "mcp_spawn_failed",
        Unavailable,
        "The program of an MCP server cannot be started, or ends before it answers",
        "see the message; `mcp.search_path` in `.kneo/config.yaml` says where programs are looked for",
    ),
    of(
        "tool_name_of_two",
        Failed,
        "Two tools of an agent have one name",
        "give the tools of a server a `prefix`, or name one in `exclude`",
    ),
];

/// Commands.
const COMMANDS: &[Remedy] = &[
    of("tool_unsupported", Unavailable, "This system cannot run commands", "register the tool or function in code"),
    of("tool_command_invalid", Failed, "The spec's command means nothing", "give `argv` a program"),
    of(
        "tool_program_missing",
        Unavailable,
        "The program is not there, or may not be executed",
        "install it; programs are looked up in `/usr/local/bin`, `/usr/bin` and `/bin`, paths from the spec's folder",
    ),
    of(
        "tool_directory_missing",
        Unavailable,
        "The working directory is not there, or not within the host's",
        "mend `cwd`",
    ),
    of("tool_argument_invalid", Failed, "A hole of a command cannot be filled", "see the message"),
    of(
        "tool_argument_refused",
        Failed,
        "A hole was filled with what the command may not get",
        "put `--` before arguments that may begin with `-`",
    ),
    of("tool_start_failed", Failed, "The system could not start the program", "see the message"),
    of("tool_exit", Failed, "The program ended with another code than 0", "see what it wrote on standard error"),
    of("tool_signal", Failed, "A signal ended the program", "see the message"),
    of(
        "tool_output_too_large",
        Failed,
        "The program wrote more than it may",
        "let it write to a file and give its name",
    ),
    of("tool_cancelled", Failed, "The call was cancelled", "nothing"),
];

/// OpenTelemetry.
const TELEMETRY: &[Remedy] = &[
    of(
        "telemetry_nowhere",
        Failed,
        "An observer was built without somewhere to send to",
        "give it an exporter, a processor or a meter provider",
    ),
    of("option_excluded", Failed, "An option has no use beside another", "leave one of them out"),
    of(
        "telemetry_unfinished",
        Unavailable,
        "Not all telemetry was exported in the time that was given",
        "look whether the collector can be reached, or give more time",
    ),
];
