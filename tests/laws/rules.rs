//! The laws themselves: each takes one source file and says what in it breaks the law, line by line.
//! Each is proved able to fail by a small text below.

use super::source::Source;

/// The pure layers, each with what it may import beside itself. Order is DESIGN section 2, law 1.
const LAYERS: &[(&str, &[&str])] = &[
    ("context", &["model"]),
    ("policy", &["model", "evidence"]),
    ("gate", &["model", "context", "evidence", "policy"]),
    ("verdict", &["model", "context", "evidence", "policy", "gate"]),
    ("repair", &["model", "context", "evidence", "policy", "gate", "verdict"]),
    ("report", &["model", "context", "evidence", "policy", "gate", "verdict", "repair"]),
    ("output", &["model", "context", "evidence", "policy", "gate", "verdict", "repair", "report"]),
    // The operator's window reads what was decided, and decides nothing.
    ("ledger", &["model", "evidence", "policy", "repair"]),
    ("feedback", &["model", "evidence", "policy", "repair"]),
    ("audit", &["model"]),
    (
        "status",
        &[
            "model", "evidence", "policy", "gate", "verdict", "repair", "report", "ledger", "metrics",
            "feedback", "audit",
        ],
    ),
    // The digest counts what was read of many repositories.
    ("digest", &["model", "evidence", "repair", "report", "output"]),
    (
        "contracts",
        &[
            "model", "context", "evidence", "policy", "gate", "verdict", "repair", "report", "output",
            "ledger", "metrics", "feedback", "audit", "status", "digest",
        ],
    ),
];

/// Layers that are crates: the compiler holds what they may import.
const CRATES: &[&str] = &["evidence", "metrics", "model"];

/// What is no layer: the shell and its parts. These may see the layers; no layer sees them.
const SHELL: &[&str] = &["app", "cli", "error", "forge", "lib", "main", "sink"];

/// Where the outside may be touched: the shell's own modules, and `main` and `error` for their last words.
const MAY_TOUCH_THE_OUTSIDE: &[&str] = &["app", "forge", "sink", "error", "main"];

/// What touches the outside: files, environment, network, processes, clocks, and crates that do.
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::os",
    "std::thread",
    "std::time::SystemTime",
    "std::time::Instant",
    "tempfile",
    "rustix",
];

fn starts_with(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn broken(source: &Source, line: usize, what: &str) -> String {
    format!("{}:{line}: {what}", source.path)
}

/// Law 1: a layer imports only what lies below it.
pub fn layers(source: &Source) -> Vec<String> {
    let module = source.module();
    let Some((_, below)) = LAYERS.iter().find(|(layer, _)| *layer == module) else {
        if SHELL.contains(&module) || CRATES.contains(&module) {
            return Vec::new();
        }
        return vec![broken(
            source,
            1,
            &format!("`{module}` has no place among the layers: give it one in LAYERS"),
        )];
    };
    let names = source.names();
    let imports = names.iter().filter_map(|name| {
        let import = name.path.strip_prefix("crate::")?.split("::").next()?;
        Some((name.line, import))
    });
    imports
        .filter(|(_, import)| *import != module && !below.contains(import))
        .map(|(line, import)| {
            broken(source, line, &format!("`{module}` may not import `{import}`: it may import {below:?}"))
        })
        .collect()
}

/// Law 1: no file system, environment, network, process or clock below the shell.
pub fn purity(source: &Source) -> Vec<String> {
    if MAY_TOUCH_THE_OUTSIDE.contains(&source.module()) {
        return Vec::new();
    }
    let names = source.names();
    names
        .iter()
        .filter(|name| {
            OUTSIDE.iter().any(|outside| starts_with(&name.path, outside)) || name.path.ends_with("::now")
        })
        .map(|name| {
            broken(
                source,
                name.line,
                &format!("`{}` belongs to app, forge or sink; take it as an argument", name.path),
            )
        })
        .collect()
}

/// Law 2: clap in `cli.rs` and `cli/`, the HTTP crates in `forge/client`, untyped JSON inside `evidence`, `forge` and the registry.
pub fn crates(source: &Source) -> Vec<String> {
    let in_client = source.path == "forge/client.rs" || source.path.starts_with("forge/client/");
    // The server of `status --watch` is made of the same crates.
    let may_serve = in_client || source.path == "app/watch.rs";
    let may_hold_json = ["evidence", "forge", "contracts"].contains(&source.module());
    let names = source.names();
    let mut found = Vec::new();
    for name in &names {
        let (is_kept, what) = if starts_with(&name.path, "clap") {
            (source.module() == "cli", "`clap` belongs to cli.rs and cli/")
        } else if ["hyper_rustls", "hyper_util::client"].iter().any(|http| starts_with(&name.path, http)) {
            (in_client, "the HTTP crates belong to forge/client.rs and forge/client/")
        } else if starts_with(&name.path, "hyper") || starts_with(&name.path, "hyper_util") {
            (may_serve, "the HTTP crates belong to forge/client.rs and forge/client/")
        } else if ["Value", "Map", "json", "Number"]
            .iter()
            .any(|item| starts_with(&name.path, &format!("serde_json::{item}")))
        {
            (may_hold_json, "untyped JSON stays inside evidence/ and forge/: convert it to a type of ours")
        } else {
            continue;
        };
        if !is_kept {
            found.push(broken(source, name.line, &format!("{what} (`{}`)", name.path)));
        }
    }
    found
}

/// Law 3: printing only in `sink.rs` and `error.rs`.
pub fn printing(source: &Source) -> Vec<String> {
    if ["sink.rs", "error.rs"].contains(&source.path.as_str()) {
        return Vec::new();
    }
    let macros = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
    let streams = ["io::stdout", "io::stderr"];
    let by_macro = source.code.lines().enumerate().flat_map(|(index, line)| {
        let said = macros.iter().filter(move |one| {
            line.match_indices(*one)
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        said.map(move |one| (index + 1, (*one).to_owned()))
    });
    let names = source.names();
    let by_stream = names
        .iter()
        .filter(|name| streams.iter().any(|stream| name.path.ends_with(stream)))
        .map(|name| (name.line, name.path.clone()));
    by_macro
        .chain(by_stream)
        .map(|(line, what)| {
            broken(source, line, &format!("`{what}`: printing belongs to sink.rs and error.rs"))
        })
        .collect()
}

/// Law 3: exit codes are made in `verdict.rs`, `error.rs` and `main.rs`; elsewhere their constants are used.
pub fn exit_codes(source: &Source) -> Vec<String> {
    if ["verdict.rs", "error.rs", "main.rs"].contains(&source.path.as_str()) {
        return Vec::new();
    }
    let lines = source.code.lines().enumerate();
    let constants = lines.filter(|(_, line)| line.contains("const EXIT_")).map(|(index, _)| index + 1);
    let names = source.names();
    let made = ["process::exit", "process::ExitCode"];
    let exits =
        names.iter().filter(|name| made.iter().any(|made| name.path.ends_with(made))).map(|name| name.line);
    constants
        .chain(exits)
        .map(|line| broken(source, line, "exit codes are made in verdict.rs, error.rs and main.rs"))
        .collect()
}

/// Law 4: foreign JSON is read into private types: a `wire` module is never public.
pub fn wire(source: &Source) -> Vec<String> {
    let lines = source.code.lines().enumerate();
    lines
        .filter(|(_, line)| {
            let line = line.trim_start();
            line.starts_with("pub") && (line.contains("mod wire") || line.contains("use wire::"))
        })
        .map(|(index, _)| {
            broken(source, index + 1, "wire types are private to the reader that converts them")
        })
        .collect()
}

/// Every module opens by saying what it owns, and no file is longer than 500 lines.
pub fn size(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let lines = source.text.lines().count();
    if lines > 500 {
        found.push(broken(source, lines, "the file is longer than 500 lines: it has more than one subject"));
    }
    if !source.text.starts_with("//! ") {
        found.push(broken(source, 1, "the file does not open with `//!` and what it owns"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that a law refuses a text in one file and accepts it in another.
    fn assert_refused(law: fn(&Source) -> Vec<String>, text: &str, refused: &str, accepted: &str) {
        let found = law(&Source::read(refused, text));
        assert!(!found.is_empty() && found[0].contains(refused), "{text} in {refused}: {found:?}");
        let found = law(&Source::read(accepted, text));
        assert!(found.is_empty(), "{text} in {accepted}: {found:?}");
    }

    #[test]
    fn a_layer_that_looks_up_is_refused() {
        assert_refused(layers, "use crate::gate::Blocker;", "policy/x.rs", "repair/x.rs");
        assert_refused(layers, "use crate::{model::Code, output};", "verdict.rs", "app/x.rs");
        assert_refused(layers, "fn f() { crate::sink::say(x) }", "output/x.rs", "app/x.rs");
        assert!(layers(&Source::read("utils.rs", ""))[0].contains("no place among the layers"));
    }

    #[test]
    fn a_core_that_touches_the_outside_is_refused() {
        for text in [
            "use std::fs;",
            "use std::{io, env};",
            "fn f() { std::net::TcpStream::connect(x) }",
            "use std::time::{Duration, Instant};",
            "fn f() { jiff::Timestamp::now() }",
            "fn f() { tempfile::tempfile() }",
        ] {
            assert_refused(purity, text, "gate/x.rs", "app/x.rs");
        }
        assert!(purity(&Source::read("gate/x.rs", "use std::time::Duration; use std::io::Read;")).is_empty());
    }

    #[test]
    fn a_crate_away_from_home_is_refused() {
        assert_refused(crates, "use clap::Parser;", "app/gate.rs", "cli.rs");
        assert_refused(crates, "use hyper_util::client::legacy;", "app/watch.rs", "forge/client/http.rs");
        assert_refused(crates, "use hyper::header::DATE;", "forge/rest/x.rs", "forge/client.rs");
        assert!(crates(&Source::read("app/watch.rs", "use hyper::server::conn::http1;")).is_empty());
        assert_refused(crates, "fn f(v: serde_json::Value) {}", "gate/json.rs", "evidence/document.rs");
        assert_refused(crates, "use serde_json::{Map, from_str};", "report/x.rs", "forge/x.rs");
        assert!(crates(&Source::read("gate/json.rs", "use cel::Value; use toml::Value;")).is_empty());
    }

    #[test]
    fn printing_elsewhere_is_refused() {
        for text in ["fn f() { println!(x) }", "fn f() { eprint!(x) }", "fn f() { std::io::stdout().lock() }"]
        {
            assert_refused(printing, text, "app/gate.rs", "sink.rs");
        }
        assert!(
            printing(&Source::read("app/x.rs", "fn f() { command.stdout(pipe); writeln!(out, x) }"))
                .is_empty()
        );
    }

    #[test]
    fn exit_codes_elsewhere_are_refused() {
        for text in
            ["const EXIT_ODD: u8 = 9;", "use std::process::ExitCode;", "fn f() { std::process::exit(1) }"]
        {
            assert_refused(exit_codes, text, "app/gate.rs", "error.rs");
        }
        assert!(exit_codes(&Source::read("app/x.rs", "use crate::error::EXIT_USAGE;")).is_empty());
    }

    #[test]
    fn public_wire_types_are_refused() {
        for text in ["pub mod wire;", "pub use wire::Job;", "pub(crate) mod wire;"] {
            assert_eq!(wire(&Source::read("forge/mod.rs", text)).len(), 1, "{text}");
        }
        assert!(wire(&Source::read("forge/mod.rs", "mod wire; use wire::Job;")).is_empty());
    }

    #[test]
    fn long_and_nameless_files_are_refused() {
        assert_eq!(size(&Source::read("x.rs", &"//! Owns x.\n".repeat(501))).len(), 1);
        assert_eq!(size(&Source::read("x.rs", "use std::io;\n")).len(), 1);
    }
}
