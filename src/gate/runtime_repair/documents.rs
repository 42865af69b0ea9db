//! The bundle's documents by role, and what every one of them must hold: hashes that are re-derived, no claim of
//! authority, no sign of a change. FORMATS section 3.3 describes the genuine ones.

use std::fmt::Write as _;

use crate::evidence::Document;
use crate::evidence::runtime_bundle::{Bundle, BundleFile};
use crate::model::{Code, Digest, sanitize};

use super::report::Reason;

/// The role of the simulator's verdict.
pub(super) const SIMULATOR: &str = "openclaw-upgrade-simulator";
/// Roles whose documents plan actions.
pub(super) const PLANS: [&str; 2] = ["supervised-repair-plan", "remediation-proposal"];

/// The role a file has: by its schema, else by its name. `openclaw.safe_update.runtime_truth.v1` is the
/// `runtime-truth-report`, `openclaw.safe_update.status.v2` the simulator's verdict, any other schema the word before
/// its version; a file without a schema is what it is called.
pub(super) fn role(file: &BundleFile) -> String {
    let schema = file.document.as_ref().ok().and_then(|document| document.get("schema")?.as_text());
    let name = match schema {
        Some("openclaw.safe_update.status.v2") => return SIMULATOR.to_owned(),
        Some(schema) => {
            let mut words = schema.rsplit('.');
            let last = words.next().unwrap_or_default();
            let is_version =
                last.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
            if is_version { words.next().unwrap_or(last) } else { last }
        }
        None => {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            name.strip_suffix(".json").unwrap_or(name)
        }
    };
    match name.replace('_', "-").as_str() {
        "runtime-truth" => "runtime-truth-report".to_owned(),
        "upgrade-simulator" => SIMULATOR.to_owned(),
        other => other.to_owned(),
    }
}

/// Whether a file is meant to be JSON, by its name.
fn is_json(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"))
}

/// What is wrong with the bundle whatever class it is for.
pub(super) fn faults(bundle: &Bundle) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for file in &bundle.files {
        let path = sanitize(&file.path, 120);
        match &file.document {
            Ok(document) => {
                claims(document, &path, &mut reasons);
                hashes(document, &path, bundle, &mut reasons);
            }
            Err(why) if is_json(&file.path) => reasons.push(Reason {
                code: Code::RuntimeEvidenceMissing,
                subject: path.clone(),
                text: format!("`{path}` cannot be read: {}", sanitize(why, 160)),
            }),
            Err(_) => {}
        }
    }
    agreement(bundle, &mut reasons);
    reasons
}

/// No document gives an approval, and none that should only look has changed anything.
fn claims(document: &Document, path: &str, reasons: &mut Vec<Reason>) {
    const FLAGS: [&str; 2] = ["production_apply_allowed", "operator_approval"];
    let refuse = |code, text: String| Reason { code, subject: path.to_owned(), text };
    let text = |key: &str| document.get(key).and_then(Document::as_text);
    let read_only = text("effect").is_some_and(|effect| effect.starts_with("read_only"))
        || text("runtime_effect") == Some("none");
    for flag in FLAGS {
        let absent = read_only && document.get(flag).is_none();
        if absent || any_under(document, flag, &|value| *value != Document::Bool(false)) {
            let what = if absent { "is not there" } else { "is not exactly `false`" };
            reasons.push(refuse(Code::RuntimeClaimsAuthority, format!("`{flag}` in `{path}` {what}")));
        }
    }
    let looks = |value: &Document| {
        value.as_text().is_some_and(|effect| effect == "none" || effect.ends_with("_read_only"))
    };
    for key in ["runtime_effect", "external_effect", "external_write_effect"] {
        if any_under(document, key, &|value| !looks(value)) {
            reasons.push(refuse(
                Code::RuntimeMutationImplied,
                format!("`{key}` in `{path}` is neither `none` nor read-only"),
            ));
        }
    }
}

/// Whether anywhere in the document a value under this key fits.
fn any_under(document: &Document, key: &str, fits: &dyn Fn(&Document) -> bool) -> bool {
    match document {
        Document::Map(map) => {
            map.iter().any(|(name, value)| (name == key && fits(value)) || any_under(value, key, fits))
        }
        Document::List(list) => list.iter().any(|value| any_under(value, key, fits)),
        _ => false,
    }
}

/// Every `{path, sha256}` names a file of the bundle with that hash; every digest over content of the same document is
/// of that content.
fn hashes(document: &Document, path: &str, bundle: &Bundle, reasons: &mut Vec<Reason>) {
    let mut wrong = |text: String| {
        reasons.push(Reason { code: Code::RuntimeHashMismatch, subject: path.to_owned(), text });
    };
    let mut referred = Vec::new();
    references(document, &mut referred);
    for (name, claimed) in referred {
        let shown = sanitize(name, 120);
        let hex = claimed.strip_prefix("sha256:").unwrap_or(claimed);
        match bundle.files.iter().find(|file| file.path == name) {
            None => {
                // The whole bundle in a folder of its own is a caller who named the folder above.
                let below = bundle.files.iter().find(|file| file.path.ends_with(&format!("/{name}")));
                let where_ = below.map_or_else(
                    || "is not in the bundle".to_owned(),
                    |file| format!("lies at `{}`: name the folder it is in", sanitize(&file.path, 120)),
                );
                wrong(format!("`{path}` names `{shown}`, which {where_}"));
            }
            Some(file) if file.sha256.hex() != hex => {
                wrong(format!("`{shown}` has another hash than `{path}` names"));
            }
            Some(_) => {}
        }
    }
    for (content, digest) in
        [("decision_content", "decision_digest"), ("attestation_content", "attestation_digest")]
    {
        match (document.get(content), document.get(digest).and_then(Document::as_text)) {
            (Some(value), Some(claimed)) if Digest::of(canonical(value)).as_str() != claimed => {
                wrong(format!("`{digest}` in `{path}` is not the digest of `{content}`"));
            }
            (Some(_), None) => wrong(format!("`{content}` in `{path}` has no `{digest}`")),
            _ => {}
        }
    }
}

/// Every object with a text `path` and a text `sha256`, at any depth.
fn references<'a>(document: &'a Document, found: &mut Vec<(&'a str, &'a str)>) {
    match document {
        Document::Map(map) => {
            let text = |key| map.get(key).and_then(Document::as_text);
            if let (Some(path), Some(sha256)) = (text("path"), text("sha256")) {
                found.push((path, sha256));
            }
            for value in map.values() {
                references(value, found);
            }
        }
        Document::List(list) => {
            for value in list {
                references(value, found);
            }
        }
        _ => {}
    }
}

/// Documents that speak of each other agree: the bundle's verdict and statuses, the gates' decision.
fn agreement(bundle: &Bundle, reasons: &mut Vec<Reason>) {
    let mut wrong = |subject: &str, text: String| {
        reasons.push(Reason { code: Code::RuntimeHashMismatch, subject: subject.to_owned(), text });
    };
    let of_role = |wanted: &str| {
        bundle.files.iter().find(|file| role(file) == wanted).and_then(|file| file.document.as_ref().ok())
    };
    let text = |document: Option<&Document>, keys: &[&str]| {
        let mut value = document?;
        for key in keys {
            value = value.get(key)?;
        }
        value.as_text().map(str::to_owned)
    };
    let (listing, verdict) = (of_role("evidence-bundle"), of_role(SIMULATOR));
    let decided = text(verdict, &["verdict"]);
    for other in [text(listing, &["verdict"]), text(verdict, &["decision_content", "verdict"])] {
        if other.is_some() && decided.is_some() && other != decided {
            wrong(SIMULATOR, "the bundle, the verdict and its decision do not give one verdict".to_owned());
        }
    }
    let gates = text(of_role("conservative-gates"), &["decision_digest"]);
    let quoted = text(verdict, &["decision_content", "gate_decision", "decision_digest"]);
    if gates.is_some() && quoted.is_some() && gates != quoted {
        wrong(
            SIMULATOR,
            "the verdict is based on another decision of the gates than the bundle holds".to_owned(),
        );
    }
    let Some(Document::List(entries)) = listing.and_then(|listing| listing.get("evidence")) else { return };
    for entry in entries {
        let field = |key| entry.get(key).and_then(Document::as_text);
        let (Some(path), claimed) = (field("path"), field("status")) else { continue };
        let own = bundle
            .files
            .iter()
            .find(|file| file.path == path)
            .and_then(|file| file.document.as_ref().ok()?.get("status")?.as_text());
        if own.is_some() && own != claimed {
            let shown = sanitize(path, 120);
            wrong(
                "evidence-bundle",
                format!("the bundle gives `{shown}` another status than the file itself"),
            );
        }
    }
}

/// The bytes a digest is over: `json.dumps(x, sort_keys=True, separators=(",", ":"))` of the producer's Python, which
/// writes every character beyond ASCII as an escape.
pub(super) fn canonical(document: &Document) -> String {
    let mut out = String::new();
    write_canonical(document, &mut out);
    out
}

fn write_canonical(document: &Document, out: &mut String) {
    match document {
        Document::Null => out.push_str("null"),
        Document::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Document::Int(value) => {
            let _ = write!(out, "{value}");
        }
        Document::UInt(value) => {
            let _ = write!(out, "{value}");
        }
        // Python writes `1.0` for a whole number, as this does; exponents differ, and then the digest does too.
        Document::Float(value) => {
            let _ = write!(out, "{value:?}");
        }
        Document::Text(text) => write_text(text, out),
        Document::List(list) => {
            out.push('[');
            for (index, value) in list.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(value, out);
            }
            out.push(']');
        }
        Document::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write_canonical(value, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}
