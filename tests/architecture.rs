//! The rules of `docs/architecture.md` that a build does not check by itself.
//!
//! Each test reads the workspace as it stands and lists everything that breaks its rule, not only the first.

use std::path::Path;

use kneo_tests::rust_source::{RustSource, named_paths};
use kneo_tests::source_tree::{self, SourceFile};
use kneo_tests::workspace::{self, Member, Rule};
use kneo_tests::{Outcome, files};

/// Which member may depend on which: plug-ins and stages on the core, nothing on its sibling. What two
/// plug-ins need alike is a leaf below both.
const EDGES: &[(&str, &[&str])] = &[
    ("kneo-core", &[]),
    ("kneo-spec", &["kneo-core"]),
    ("kneo-runtime", &["kneo-core"]),
    ("kneo-store", &["kneo-core"]),
    ("kneo-providers", &["kneo-core"]),
    ("kneo-mcp", &["kneo-core", "kneo-process"]),
    ("kneo-process", &[]),
    ("kneo-tools", &["kneo-core", "kneo-process"]),
    ("kneo-otel", &["kneo-core"]),
    (
        "kneo",
        &[
            "kneo-core",
            "kneo-spec",
            "kneo-runtime",
            "kneo-store",
            "kneo-mcp",
            "kneo-otel",
            "kneo-providers",
            "kneo-tools",
        ],
    ),
    ("kneo-cli", &["kneo"]),
];

const ASYNC: &[&str] = &["tokio", "tokio-util", "mio", "async-std", "smol", "async-executor"];
const HTTP: &[&str] = &["http", "hyper", "reqwest", "ureq", "h2", "rustls", "native-tls", "axum", "curl"];
const SQL: &[&str] = &["rusqlite", "libsqlite3-sys", "sqlx", "tokio-postgres", "postgres", "diesel"];
const YAML: &[&str] = &["granit-parser", "yaml_serde", "serde_yaml", "serde-saphyr", "yaml-rust2", "libyaml-safer"];

/// What a member's whole tree of dependencies must not hold.
const TREES: &[(&str, &[&[&str]])] = &[
    ("kneo-core", &[ASYNC, HTTP, SQL, YAML]),
    ("kneo-spec", &[ASYNC, HTTP, SQL]),
    ("kneo-runtime", &[HTTP, SQL, YAML]),
    ("kneo-store", &[HTTP, YAML]),
    ("kneo-providers", &[HTTP, SQL, YAML]),
    ("kneo-mcp", &[SQL, YAML]),
    ("kneo-process", &[HTTP, SQL, YAML]),
    ("kneo-tools", &[HTTP, SQL, YAML]),
    ("kneo-otel", &[HTTP, SQL, YAML]),
];

/// Paths that the library code under a folder must not name, and the files that may.
struct Ban {
    under: &'static [&'static str],
    paths: &'static [&'static str],
    but: &'static [&'static str],
}

const LIBRARIES: &[&str] = &[
    "kneo-core/src",
    "kneo-spec/src",
    "kneo-runtime/src",
    "kneo-store/src",
    "kneo-providers/src",
    "kneo-mcp/src",
    "kneo-process/src",
    "kneo-tools/src",
    "kneo-otel/src",
    "kneo/src",
];

const BANS: &[Ban] = &[
    Ban {
        under: &["kneo-core/src", "kneo-spec/src", "kneo-runtime/src/engine"],
        paths: &[
            "std::time::Instant",
            "std::time::SystemTime",
            "std::process",
            "tokio",
            "tokio_util",
            "futures_util",
            "rand",
            "getrandom",
        ],
        but: &[],
    },
    // What is the text of an address is read, and nothing is connected to.
    Ban {
        under: &["kneo-core/src", "kneo-spec/src", "kneo-runtime/src/engine"],
        paths: &["std::net"],
        but: &["kneo-core/src/address.rs"],
    },
    // The parser of expressions recurses with large frames: it may ask for a stack that holds them.
    Ban {
        under: &["kneo-core/src", "kneo-spec/src", "kneo-runtime/src/engine"],
        paths: &["std::thread"],
        but: &["kneo-spec/src/expr/parse.rs"],
    },
    Ban {
        under: &["kneo-core/src", "kneo-spec/src", "kneo-runtime/src/engine"],
        paths: &["std::fs", "std::io::stdin", "std::io::stdout", "std::io::stderr"],
        but: &["kneo-spec/src/loader/fs.rs"],
    },
    // The engine is given times, ids and outcomes; the contracts that make them are the driver's.
    Ban {
        under: &["kneo-runtime/src/engine"],
        paths: &[
            "kneo_core::clock",
            "kneo_core::provider::Provider",
            "kneo_core::secret::SecretSource",
            "kneo_core::store::Store",
            "kneo_core::tool::Backing",
            "kneo_core::tool::Function",
            "kneo_core::tool::Tool",
            "tracing",
        ],
        but: &[],
    },
    // The host's environment, terminal and process are the host's.
    Ban {
        under: LIBRARIES,
        paths: &[
            "std::env",
            "std::process::exit",
            "std::process::abort",
            "std::thread_local",
            "thread_local",
            "println",
            "eprintln",
        ],
        but: &[],
    },
];

/// Words after which a `static` could change while the program runs.
const MUTABLE: &[&str] = &["mut", "Mutex", "RwLock", "Cell", "RefCell", "UnsafeCell", "OnceCell", "OnceLock"];

/// The longest file, tests left out; a file that nears it holds two ideas.
const MAX_LINES: usize = 800;

/// A member with its sources.
struct Sources {
    member: Member,
    files: Vec<SourceFile>,
}

fn sources() -> Outcome<Vec<Sources>> {
    let of = |member: Member| -> Outcome<Sources> {
        let mut files = Vec::new();
        for target in &member.targets {
            files.extend(source_tree::follow(&target.root, target.kind == "test")?);
        }
        Ok(Sources { member, files })
    };
    workspace::members()?.into_iter().map(of).collect()
}

fn all_files() -> Outcome<Vec<SourceFile>> {
    Ok(sources()?.into_iter().flat_map(|sources| sources.files).collect())
}

/// Whether a file is the one of this name, or the module of this name, or lies below it.
fn is_under(file: &str, under: &str) -> bool {
    file.strip_prefix(under).is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
}

fn banned(file: &str, source: &RustSource, bans: &[Ban]) -> Vec<String> {
    let bans =
        bans.iter().filter(|ban| ban.under.iter().any(|under| is_under(file, under)) && !ban.but.contains(&file));
    let paths: Vec<&str> = bans.flat_map(|ban| ban.paths).copied().collect();
    let mut found = Vec::new();
    for named in named_paths(source.library_code()) {
        if paths.iter().any(|path| named.is_within(path)) {
            found.push(format!("{file}:{}: `{}` is not for this place", named.line, named.path));
        }
    }
    found
}

fn mutable_globals(file: &str, source: &RustSource) -> Vec<String> {
    let code = source.library_code();
    let global = |at: &usize| {
        let line = code.lines().nth(at - 1).unwrap_or_default();
        let statement = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        let has = |word: &&str| !RustSource::lines_with(line, word).is_empty();
        statement.starts_with("static ") && (MUTABLE.iter().any(has) || line.contains("Atomic"))
    };
    let lines = RustSource::lines_with(code, "static").into_iter().filter(global);
    lines.map(|at| format!("{file}:{at}: a library keeps nothing global that changes")).collect()
}

fn unfinished(file: &str, source: &RustSource) -> Vec<String> {
    let in_comment = |word: &&str| {
        let comments = source.comments().iter();
        comments.filter(|comment| !RustSource::lines_with(&comment.text, word).is_empty()).map(|c| c.line).collect()
    };
    let in_code = |word: &&str| RustSource::lines_with(source.code(), word);
    let mut found = Vec::new();
    for (words, lines_of) in [
        (["TODO", "FIXME", "XXX", "HACK"].as_slice(), &in_comment as &dyn Fn(&&str) -> Vec<usize>),
        (&["todo!", "unimplemented!"], &in_code),
    ] {
        for word in words {
            found.extend(lines_of(word).into_iter().map(|line| format!("{file}:{line}: `{word}`")));
        }
    }
    found
}

fn allowed_lints(file: &str, source: &RustSource) -> Vec<String> {
    let allows = |line: &str| {
        let packed: String = line.split_whitespace().collect();
        packed.contains("[allow(") || (packed.contains("cfg_attr(") && packed.contains(",allow("))
    };
    let lines = (1..).zip(source.code().lines()).filter(|(_, line)| allows(line));
    lines
        .map(|(at, _)| format!("{file}:{at}: `allow` stays when its reason goes: use `expect` with a reason"))
        .collect()
}

#[track_caller]
fn none(broken: &[String]) {
    assert!(broken.is_empty(), "{} broken:\n  {}\n", broken.len(), broken.join("\n  "));
}

#[test]
fn crates_depend_on_nothing_but_what_the_rule_allows() -> Outcome<()> {
    let rule: Rule<'_> = EDGES.iter().copied().collect();
    none(&workspace::forbidden_edges(&workspace::members()?, &rule));
    Ok(())
}

#[test]
fn no_tree_of_dependencies_holds_what_its_crate_must_not_know() -> Outcome<()> {
    let mut broken = Vec::new();
    for (member, families) in TREES {
        let tree = workspace::tree(member)?;
        assert!(tree.contains(*member), "the tree of `{member}` lacks the crate itself: {tree:?}");
        let found = families.iter().copied().flatten().filter(|name| tree.contains(**name));
        broken.extend(found.map(|name| format!("`{member}` reaches `{name}`")));
    }
    none(&broken);
    Ok(())
}

#[test]
fn pure_parts_and_libraries_name_nothing_they_must_not() -> Outcome<()> {
    let mut broken = Vec::new();
    let files = all_files()?;
    for file in files.iter().filter(|file| !file.test_only) {
        let name = files::short(&file.path);
        broken.extend(banned(&name, &file.source, BANS));
        if LIBRARIES.iter().any(|library| is_under(&name, library)) {
            broken.extend(mutable_globals(&name, &file.source));
        }
    }
    // A rule about a place that is not there guards nothing.
    for place in BANS.iter().flat_map(|ban| ban.under.iter().chain(ban.but)) {
        if !files.iter().any(|file| is_under(&files::short(&file.path), place)) {
            broken.push(format!("the rule names `{place}`, and no file is there"));
        }
    }
    none(&broken);
    Ok(())
}

/// What a client of HTTP switches off: features of `reqwest` that another crate of a host has switched on must change
/// nothing here.
const SWITCHED_OFF: &[&str] = &[
    "http1_only",
    "no_brotli",
    "no_deflate",
    "no_gzip",
    "no_hickory_dns",
    "no_proxy",
    "no_zstd",
    "redirect",
    "referer",
    "retry",
    "tls_backend_preconfigured",
];

#[test]
fn clients_of_http_do_not_depend_on_the_features_of_a_host() -> Outcome<()> {
    let (mut broken, mut clients) = (Vec::new(), 0);
    for file in all_files()?.iter().filter(|file| !file.test_only) {
        let (name, code) = (files::short(&file.path), file.source.library_code());
        if !LIBRARIES.iter().any(|library| is_under(&name, library)) || !code.contains("Client::builder()") {
            continue;
        }
        clients += 1;
        let missing = SWITCHED_OFF.iter().filter(|word| !code.contains(&format!(".{word}(")));
        broken.extend(missing.map(|word| format!("{name}: its client does not say `{word}`")));
    }
    none(&broken);
    assert!(clients >= 3, "models, tools and telemetry have clients: {clients}");
    Ok(())
}

#[test]
fn files_stay_small() -> Outcome<()> {
    let long = |file: &SourceFile| {
        let lines = file.source.library_lines();
        let name = files::short(&file.path);
        (!file.test_only && lines > MAX_LINES).then(|| format!("{name}: {lines} lines without tests"))
    };
    none(&all_files()?.iter().filter_map(long).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn nothing_is_unfinished_or_silenced() -> Outcome<()> {
    let mut broken = Vec::new();
    for file in all_files()? {
        let name = files::short(&file.path);
        broken.extend(unfinished(&name, &file.source));
        broken.extend(allowed_lints(&name, &file.source));
    }
    none(&broken);
    Ok(())
}

#[test]
fn every_source_file_belongs_to_a_crate() -> Outcome<()> {
    let mut broken = Vec::new();
    for Sources { member, files } in sources()? {
        let forgotten = source_tree::forgotten(&member.folder, &files)?;
        broken.extend(forgotten.iter().map(|path| format!("{}: no `mod` declares it", files::short(path))));
        let placed = files.iter().filter(|file| file.places_modules);
        broken.extend(placed.map(|file| format!("{}: a module's name says where it is", files::short(&file.path))));
        let old = files.iter().filter(|file| file.path.ends_with("mod.rs"));
        broken.extend(old.map(|file| format!("{}: name it after its folder", files::short(&file.path))));
    }
    none(&broken);
    Ok(())
}

/// Test binaries that run by themselves: the crash campaign kills processes and counts what is left of them.
const ALONE: &[(&str, &str)] = &[("kneo-cli", "crash")];

#[test]
fn every_crate_has_one_test_binary_and_the_lints_of_the_workspace() -> Outcome<()> {
    let mut broken = Vec::new();
    for member in workspace::members()? {
        let manifest = files::read(&member.folder.join("Cargo.toml"))?;
        if !manifest.contains("[lints]\nworkspace = true") {
            broken.push(format!("`{}` does not take the lints of the workspace", member.name));
        }
        if member.published {
            let tests = member.targets.iter().filter(|target| {
                target.kind == "test" && target.name != "suite" && !ALONE.contains(&(&*member.name, &*target.name))
            });
            broken.extend(tests.map(|test| format!("`{}`: `{}` is a module of `suite`", member.name, test.name)));
        }
    }
    none(&broken);
    Ok(())
}

#[test]
fn documents_link_to_files_that_exist_and_invariants_to_tests_that_exist() -> Outcome<()> {
    let mut broken = Vec::new();
    let hidden = |path: &Path| path.ends_with("target") || path.ends_with(".git") || path.ends_with("node_modules");
    for path in files::below(files::root(), "md", &hidden)? {
        let folder = path.parent().unwrap_or(&path);
        let gone = |link: &&str| !link.contains("://") && !link.is_empty() && !folder.join(link).exists();
        let text = files::read(&path)?;
        let dead: Vec<_> = links(&text).into_iter().filter(gone).collect();
        broken.extend(dead.iter().map(|link| format!("{}: `{link}` is not there", files::short(&path))));
    }
    let code: Vec<SourceFile> = all_files()?;
    let text = files::read(&files::root().join("docs/architecture.md"))?;
    let unguarded = invariants(&text).into_iter().filter(|invariant| guards(invariant).is_empty());
    broken.extend(unguarded.map(|invariant| format!("docs/architecture.md: nothing guards `{invariant}`")));
    assert!(invariants(&text).len() >= 10, "docs/architecture.md has {} invariants", invariants(&text).len());
    let guards = guards(&text);
    for (file, test) in guards {
        let function = format!("fn {test}(");
        if !code.iter().any(|source| files::short(&source.path) == file && source.source.code().contains(&function)) {
            broken.push(format!("docs/architecture.md: `{file}` has no test `{test}`"));
        }
    }
    none(&broken);
    Ok(())
}

/// The targets of the links of a Markdown text, without their anchors; code is left out.
fn links(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2).flat_map(|part| part.split('`').step_by(2));
    let targets = prose.flat_map(|part| part.split("](").skip(1));
    targets.filter_map(|rest| rest.split(')').next()).filter_map(|link| link.split('#').next()).collect()
}

/// The items of the list under the heading `Invariants`.
fn invariants(text: &str) -> Vec<String> {
    let section = text.split("\n## ").find(|section| section.starts_with("Invariants")).unwrap_or_default();
    let mut items: Vec<String> = Vec::new();
    for line in section.lines().skip(1) {
        let numbered = line.split_once(". ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        match items.last_mut() {
            _ if numbered => items.push(line.to_owned()),
            Some(item) if !line.is_empty() => item.extend(["\n", line]),
            Some(_) | None => {}
        }
    }
    items
}

/// The tests that a Markdown text names as `path/to/file.rs::test`.
fn guards(text: &str) -> Vec<(&str, &str)> {
    let code = text.split('`').skip(1).step_by(2);
    code.filter_map(|code| {
        code.split_once(".rs::").map(|(file, test)| (code.get(..file.len() + 3).unwrap_or(file), test))
    })
    .collect()
}

#[test]
fn the_checks_find_what_they_are_for() {
    let engine = "kneo-runtime/src/engine/decide.rs";
    let names = |file: &str, code: &str| banned(file, &RustSource::new(code), BANS).len();
    assert_eq!(names(engine, "use tokio::sync::Mutex;"), 1);
    assert_eq!(names(engine, "use kneo_core::clock::Clock;"), 1);
    assert_eq!(names(engine, "use std::time::{Duration, Instant};"), 1);
    assert_eq!(names("kneo-runtime/src/engine.rs", "use std::fs;"), 1);
    assert_eq!(names("kneo-runtime/src/driver.rs", "use tokio::time;\nuse std::env;"), 1);
    assert_eq!(names("kneo-spec/src/loader.rs", "use std::fs;"), 1);
    assert_eq!(names("kneo-spec/src/loader/fs.rs", "use std::fs;"), 0);
    assert_eq!(names("kneo-spec/src/loader/fs.rs", "use std::env;"), 1);
    assert_eq!(names("kneo-cli/src/main.rs", "use std::env;"), 0);
    assert_eq!(names(engine, "#[cfg(test)]\nmod tests { use std::fs; }\n// tokio::spawn"), 0);
    assert_eq!(names("kneo-tools/src/command.rs", "thread_local! { static X: u8 = 1; }"), 1);

    let globals = |code: &str| mutable_globals("x.rs", &RustSource::new(code)).len();
    assert_eq!(globals("pub static A: AtomicU32 = x;\nstatic B: Mutex<u8> = y;\nstatic mut C: u8 = 1;"), 3);
    assert_eq!(globals("static A: LazyLock<Regex> = x;\nfn f(x: &'static Mutex<u8>) {}\nconst B: u8 = 1;"), 0);

    let words = |code: &str| unfinished("x.rs", &RustSource::new(code)).len();
    assert_eq!(words("// TODO: later\n/* FIXME */\nfn f() { todo!() }\nfn g() { unimplemented!(\"x\") }"), 4);
    assert_eq!(words("fn f() { \"TODO\"; }\n// The TODOs of others."), 0);

    let lints = |code: &str| allowed_lints("x.rs", &RustSource::new(code)).len();
    assert_eq!(lints("#[allow(dead_code)]\n#![allow (x)]\n#[cfg_attr(test, allow(y))]"), 3);
    assert_eq!(lints("#[expect(dead_code, reason = \"x\")]\n// #[allow(x)]"), 0);

    assert_eq!(
        links("[a](b.md#c) `[x](y)` [d](https://e/f)\n```\n[g](h)\n```\n[i](j.md)"),
        ["b.md", "https://e/f", "j.md"]
    );
    assert_eq!(guards("is `a/b.rs::c` and `d`; `e.rs::f`"), [("a/b.rs", "c"), ("e.rs", "f")]);

    let text = "# A\n1. no\n\n## Invariants\n\nWords.\n\n1. one\n   `a.rs::b`\n2. two\n\n## B\n3. no";
    assert_eq!(invariants(text), ["1. one\n   `a.rs::b`", "2. two"]);
}
