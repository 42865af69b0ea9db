//! The decision: a class, a bundle and a time in; the contract out. No network, no clock, nothing carried out.

use crate::evidence::Document;
use crate::evidence::runtime_bundle::{Bundle, BundleFile};
use crate::model::{Code, Digest, Outcome, Span, Timestamp, sanitize};

use super::classes::RepairClass;
use super::documents::{PLANS, SIMULATOR, faults, role};
use super::report::{
    Completeness, EvidenceAxes, Freshness, Observation, Reason, RepairVerdict, RuntimeRepair, SCHEMA,
};

/// Judges a bundle under a class.
pub fn decide(class: &RepairClass, bundle: &Bundle, now: Timestamp) -> RuntimeRepair {
    let mut reasons = faults(bundle);
    let mut notes = Vec::new();
    let evidence: Vec<EvidenceAxes> =
        class.required_evidence.iter().map(|role| axes(role, class, bundle, now, &mut reasons)).collect();
    let bundle_class = bundle_class(bundle);
    judge_class(class, bundle_class.as_deref(), &mut reasons, &mut notes);
    for file in bundle.files.iter().filter(|file| PLANS.contains(&role(file).as_str())) {
        judge_plan(class, file, &mut reasons);
    }
    for file in &bundle.files {
        judge_marks(class, file, &mut reasons);
    }
    if class.is_mutating() {
        reasons.push(Reason {
            code: Code::RuntimeOperatorRequired,
            subject: sanitize(&class.id, 80),
            text: format!(
                "class `{}` changes something, so only an operator may go on",
                sanitize(&class.id, 80)
            ),
        });
    }
    reasons.sort_by(|a, b| (a.code, &a.subject, &a.text).cmp(&(b.code, &b.subject, &b.text)));
    reasons.dedup();
    let verdict = match reasons.iter().map(|reason| reason.code.info().outcome).min() {
        None => RepairVerdict::EligibleRepairDryRun,
        Some(Outcome::NeedsHuman) => RepairVerdict::NeedsHuman,
        Some(_) => RepairVerdict::Blocked,
    };
    let parts: Vec<&str> =
        bundle.files.iter().flat_map(|file| [file.path.as_str(), file.sha256.as_str()]).collect();
    RuntimeRepair {
        schema: SCHEMA.to_owned(),
        verdict,
        repair_class: sanitize(&class.id, 80),
        mutates: class.mutates.clone(),
        bundle_class,
        evaluated_at: now,
        bundle_sha256: Digest::of_parts(&parts),
        evidence,
        reasons,
        notes,
        external_write_allowed: false,
    }
}

/// The class the bundle's own listing names; sanitized.
fn bundle_class(bundle: &Bundle) -> Option<String> {
    let mut classes = bundle
        .files
        .iter()
        .filter_map(|file| file.document.as_ref().ok()?.get("repair_class")?.as_text())
        .map(|class| sanitize(class, 80));
    classes.next()
}

/// A bundle made for one class says nothing for another that changes something. A class that only looks may read any.
fn judge_class(
    class: &RepairClass,
    bundle_class: Option<&str>,
    reasons: &mut Vec<Reason>,
    notes: &mut Vec<String>,
) {
    let Some(made_for) = bundle_class.filter(|made_for| *made_for != class.id) else { return };
    let id = sanitize(&class.id, 80);
    if class.is_mutating() {
        reasons.push(Reason {
            code: Code::RuntimeClassMismatch,
            subject: id.clone(),
            text: format!("the bundle was made for class `{made_for}`, `{id}` is judged"),
        });
    } else {
        notes.push(format!(
            "the bundle was made for class `{made_for}`; it is read as evidence for `{id}` alone, and this verdict \
             says nothing of `{made_for}`"
        ));
    }
}

/// One required document by its three axes; what is wrong with it becomes reasons.
fn axes(
    wanted: &str,
    class: &RepairClass,
    bundle: &Bundle,
    now: Timestamp,
    reasons: &mut Vec<Reason>,
) -> EvidenceAxes {
    let shown = sanitize(wanted, 80);
    let mut refuse = |code, text: String| reasons.push(Reason { code, subject: shown.clone(), text });
    let mut axes = EvidenceAxes {
        role: shown.clone(),
        path: None,
        sha256: None,
        age_seconds: None,
        observation: Observation::Failed,
        freshness: Freshness::Unknown,
        completeness: Completeness::Unknown,
    };
    let fitting: Vec<&BundleFile> = bundle.files.iter().filter(|file| role(file) == wanted).collect();
    let file = match fitting.as_slice() {
        [one] => *one,
        [] => {
            refuse(Code::RuntimeEvidenceMissing, format!("`{shown}` is not in the bundle"));
            return axes;
        }
        several => {
            let text = format!("{} files are `{shown}`, so none can be trusted", several.len());
            refuse(Code::RuntimeEvidenceFailed, text);
            return axes;
        }
    };
    axes.path = Some(sanitize(&file.path, 200));
    axes.sha256 = Some(file.sha256.clone());
    let Ok(document) = &file.document else {
        refuse(Code::RuntimeEvidenceMissing, format!("`{shown}` is no JSON document"));
        return axes;
    };
    axes.observation = observation(wanted, document);
    axes.completeness = completeness(document, axes.observation);
    (axes.freshness, axes.age_seconds) = freshness(document, class.max_age, now);
    if axes.observation == Observation::Failed {
        refuse(Code::RuntimeEvidenceFailed, format!("`{shown}` does not say that it succeeded"));
    }
    if axes.completeness != Completeness::Complete {
        refuse(Code::RuntimeEvidenceFailed, format!("`{shown}` does not say that it is complete"));
    }
    match (axes.freshness, axes.age_seconds) {
        (Freshness::Fresh, _) => {}
        (Freshness::Stale, Some(age)) => {
            let age = Span::from_seconds(age);
            refuse(
                Code::RuntimeEvidenceStale,
                format!("`{shown}` is {age} old or past its own end, the class allows {}", class.max_age),
            );
        }
        (Freshness::Stale | Freshness::Unknown, _) => {
            refuse(
                Code::RuntimeEvidenceStale,
                format!("`{shown}` does not say when it was made, before now"),
            );
        }
    }
    axes
}

/// The axis the document gives itself, if it does.
fn own_axis<'a>(document: &'a Document, axis: &str) -> Option<&'a Document> {
    document.get("axes").and_then(|axes| axes.get(axis)).or_else(|| document.get(axis))
}

fn has_errors(document: &Document) -> bool {
    document.get("errors").is_some_and(|errors| !errors.is_empty())
}

/// Success is said in so many words, and nothing speaks against it.
fn observation(role: &str, document: &Document) -> Observation {
    let word = |value: Option<&Document>, wanted: &str| value.and_then(Document::as_text) == Some(wanted);
    let status = document.get("status");
    let says = if role == SIMULATOR && document.get("verdict").is_some() {
        word(document.get("verdict"), "ready_for_operator_plan") && every_status_is_success(document)
    } else {
        word(status, "success") || (status.is_none() && word(own_axis(document, "observation"), "success"))
    };
    let denies = own_axis(document, "observation").is_some_and(|axis| !word(Some(axis), "success"));
    if says && !denies && !has_errors(document) { Observation::Success } else { Observation::Failed }
}

/// The simulator's verdict lists the status of each piece of evidence it is based on.
fn every_status_is_success(document: &Document) -> bool {
    let statuses = document.get("decision_content").and_then(|content| content.get("evidence_status"));
    match statuses {
        Some(Document::Map(statuses)) => {
            !statuses.is_empty() && statuses.values().all(|status| status.as_text() == Some("success"))
        }
        _ => false,
    }
}

fn completeness(document: &Document, observation: Observation) -> Completeness {
    match own_axis(document, "completeness").map(Document::as_text) {
        Some(Some("complete")) => Completeness::Complete,
        Some(Some("incomplete")) => Completeness::Incomplete,
        Some(_) => Completeness::Unknown,
        // A document without the axis is complete where it succeeded without an error.
        None if observation == Observation::Success => Completeness::Complete,
        None => Completeness::Unknown,
    }
}

/// By the document's own times, never by its own word for it: that word can only make it worse.
fn freshness(document: &Document, max_age: Span, now: Timestamp) -> (Freshness, Option<u64>) {
    let time = |key: &str| document.get(key).and_then(Document::as_text)?.parse::<Timestamp>().ok();
    let Some(age) = time("generated_at").and_then(|made| now.seconds_since(made)) else {
        return (Freshness::Unknown, None);
    };
    let says_otherwise = own_axis(document, "freshness").is_some_and(|axis| axis.as_text() != Some("fresh"));
    let expired = document.get("expires_at").is_some() && time("expires_at").is_none_or(|end| end < now);
    if age > max_age.seconds() || expired || says_otherwise {
        (Freshness::Stale, Some(age))
    } else {
        (Freshness::Fresh, Some(age))
    }
}

/// A plan's actions use only verbs of the class.
fn judge_plan(class: &RepairClass, file: &BundleFile, reasons: &mut Vec<Reason>) {
    let path = sanitize(&file.path, 120);
    let mut refuse = |text: String| {
        reasons.push(Reason { code: Code::RuntimeVerbNotAllowed, subject: path.clone(), text });
    };
    let Ok(document) = &file.document else { return };
    let Some(Document::List(actions)) = document.get("actions") else {
        refuse(format!("the plan `{path}` has no list of `actions`, so nobody knows what it would do"));
        return;
    };
    for action in actions {
        let verb = action.as_text().or_else(|| {
            ["verb", "action", "kind"].iter().find_map(|key| action.get(key).and_then(Document::as_text))
        });
        match verb {
            Some(verb) if class.allowed_verbs.iter().any(|allowed| allowed == verb) => {}
            Some(verb) => {
                refuse(format!(
                    "the plan `{path}` would `{}`, which the class does not allow",
                    sanitize(verb, 60)
                ));
            }
            None => refuse(format!("an action of the plan `{path}` has no verb")),
        }
        let mutates = action.get("mutates").and_then(Document::as_text).unwrap_or("none");
        if mutates != "none" && !class.is_mutating() {
            let text = format!(
                "the plan `{path}` changes `{}`, and the class changes nothing",
                sanitize(mutates, 60)
            );
            refuse(text);
        }
    }
}

/// Marks that leave a matter to a person, on a document or on an action in it.
fn judge_marks(class: &RepairClass, file: &BundleFile, reasons: &mut Vec<Reason>) {
    let Ok(document) = &file.document else { return };
    let actions = match document.get("actions") {
        Some(Document::List(actions)) => actions.as_slice(),
        _ => &[],
    };
    for holder in std::iter::once(document).chain(actions) {
        let marks = match holder.get("marks").or_else(|| holder.get("hard_manual")) {
            Some(Document::List(marks)) => marks.as_slice(),
            _ => &[],
        };
        let own = holder.get("mutates").map(std::slice::from_ref).unwrap_or_default();
        for mark in marks.iter().chain(own).filter_map(Document::as_text) {
            if class.hard_manual.iter().any(|hard| hard == mark) {
                let (path, mark) = (sanitize(&file.path, 120), sanitize(mark, 60));
                let text = format!("`{path}` is marked `{mark}`, which the class leaves to a person's hands");
                reasons.push(Reason {
                    code: Code::RuntimeHardManual,
                    subject: format!("{path} {mark}"),
                    text,
                });
            }
        }
    }
}
