//! The canaries: each is planted in one place, and looked for in all.

use std::sync::LazyLock;

use kneo_tests::canary::Canary;
use kneo_tests::canary::Kind::{Held, Said};

/// A key as it stands in files; no key of anybody.
const PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJq7Rt2ZxP9vLm4KdW8sYb3NcHfG6uTe1AoXi5DwQkVz
Sy0PjBnEo8CrUhLg2MaWqXf7TdZk4RvYb9HsJi3NlOc6GxKt5wDpFe1zQmAuVyBI
x2RkWc8T
-----END PRIVATE KEY-----
";

/// The same, of somebody who shows it to a tool: private, and not Kneo's.
const SHOWN_PEM: &str = "-----BEGIN RSA PRIVATE KEY-----
Xv3LpQz9YhNc7TbRkWm2DsGf5JuAoE8iHxVw6CqKt1ZyMgUjPdBnOr4SeIlFa0Qb
-----END RSA PRIVATE KEY-----
";

/// What a cloud gives those who want to speak to it: JSON, with a key in it.
fn credentials() -> String {
    let key = "-----BEGIN PRIVATE KEY-----\\nHt5Wq8ZnVb2XcKd9RmLs4PyGjTf7AoUe\\nEu3DkQi6NwCzJx1MhBrSvYa0OpFlGt8I\\n-----END PRIVATE KEY-----\\n";
    format!("{{\n  \"type\": \"service_account\",\n  \"private_key\": \"{key}\"\n}}\n")
}

static TABLE: LazyLock<Vec<Canary>> = LazyLock::new(|| {
    let client_key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    vec![
        Canary::new("model_key", "key of a model; repeated in answers, split over chunks", Held, "sk-Kz8vQmT4xWb1R7tY"),
        Canary::new(
            "odd_key",
            "key of a model, with all that JSON and addresses escape",
            Held,
            "Fy5NrHtG8uZe\\\"/+%=&1LoPi7DkQwBz",
        ),
        Canary::new("given_key", "key of a model that the host itself has", Held, "Vr2MbXq9ZsYt4KdP"),
        Canary::new("model_header", "header for a model's server, of the host", Held, "Hg7TcWn3QzLk8RvF"),
        Canary::new("far_bearer", "bearer token of an MCP server", Held, "Pq4ZxN8vBm2TcR6w"),
        Canary::new("far_header", "header of an MCP server", Held, "Jd9KfG3hWs7LyV1n"),
        Canary::new(
            "far_basic",
            "header with user and password for an MCP server",
            Held,
            "Basic dXNlcjpUbTZQYzlYdzJMa1I4enFCdg==",
        ),
        Canary::new("far_password", "the password in it, once it is decoded", Held, "Tm6Pc9Xw2LkR8zqBv"),
        Canary::new(
            "far_escaped",
            "header with all that JSON and addresses escape",
            Held,
            "Rk3ZvTq8WnYc/\"+\\ =&Bd6HmXs1PfLg",
        ),
        Canary::new("far_number", "header of digits, repeated as a number", Held, "8812047719304658"),
        Canary::new("client_key", "key of this side's certificate", Held, client_key),
        Canary::new("near_token", "variable of an MCP server", Held, "Gx5WtLq2ZbNk9RsC"),
        Canary::new("near_pem", "variable of several lines, repeated line by line", Held, PEM),
        Canary::new("near_json", "variable with credentials in JSON, whose parts are repeated", Held, credentials()),
        Canary::new(
            "near_odd",
            "variable with quotes, backslashes and more",
            Held,
            "Zt7LkQw4XnBv \"and\" \\back\\ ü/% Mc2RsHd8PfGy",
        ),
        Canary::new("bundle_key", "key that seals plans", Held, "Ny6VbKt3WqZr8XcLhPmGd5TfJs2RwYvB"),
        Canary::new("model_user", "user and password in the address of a model", Held, "Wc8TnRk5ZqLv2XbM"),
        Canary::new("model_query", "query of the address of a model", Held, "Xs4PgHd7KyTw9NzB"),
        Canary::new("spec_address", "user and password in an address that a spec names", Held, "Ql6VtZc3RmXk8WnP"),
        Canary::new("spec_literal", "key that a spec holds", Held, "sk-Tb9XqLn4WzKv7RcM2PdYs"),
        Canary::new("far_address", "user and password in the address of an MCP server", Held, "Fm2ZkWq8TxRn5VcL"),
        Canary::new("proxy", "password of a proxy", Held, "Bv7RtXk4ZnWq9LcP"),
        Canary::new("other_key", "what a secret holds that should hold a key in PEM form", Held, "Sd3WnKq6ZtXv8LrB"),
        Canary::new("input", "input of a run", Said, "Yp5ZnWk8TqXr2LvC"),
        Canary::new("prompt", "prompt of an agent", Said, "Kt4XbVq7WzRn9LmP"),
        Canary::new("arguments", "arguments of a tool", Said, "Dw8LkZq3XtRv6NbM"),
        Canary::new("result", "result of a tool", Said, "Cn6TzWq9LxKr4VbP"),
        Canary::new("large_result", "result of a tool that is stored by itself", Said, "Mz3RkXq7WtLv5NcB"),
        Canary::new("tool_error", "error of a tool", Said, "Gr9VnTq4ZwXk2LbC"),
        Canary::new("function_error", "error of a function", Said, "Hb7XkWq5RzTn8LvM"),
        Canary::new("panic", "panic of a function", Said, "Lp2ZtVq8XwRk6NbC"),
        Canary::new("answer", "answer of a model", Said, "Vt9LnXq3WkZr7CbP"),
        Canary::new("question", "question for a person", Said, "Rz5WkTq8LxVn4BcM"),
        Canary::new("comment", "comment of a person", Said, "Nk4ZwXq6TrLv9CbP"),
        Canary::new("command_output", "output of a command", Said, "Tw8RnLq2XzKv5BcM"),
        Canary::new("command_error", "standard error of a command", Said, "Zq3VkWt7LxRn8NbP"),
        Canary::new("shown_pem", "key in PEM form that a tool shows", Said, SHOWN_PEM),
    ]
});

/// All canaries.
pub(crate) fn all() -> &'static [Canary] {
    &TABLE
}

/// The value of one.
pub(crate) fn value(name: &str) -> &'static str {
    let found = all().iter().find(|canary| canary.name == name);
    &found.unwrap_or_else(|| panic!("there is no canary `{name}`")).value
}
