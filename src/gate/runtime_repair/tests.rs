//! Genuine bundles, tampered ones, and every class against every state of its evidence.

use super::*;
use crate::evidence::Document;
use crate::evidence::runtime_bundle::{Bundle, BundleFile};
use crate::model::{Digest, Timestamp};

/// A genuine bundle of the tool, as its folder lies in the fixtures.
fn genuine(name: &str) -> Bundle {
    let folder = format!("{}/tests/fixtures/openclaw-safe-update/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<BundleFile> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let text = std::fs::read_to_string(entry.path()).unwrap();
            file(&entry.file_name().to_string_lossy(), &text)
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Bundle { files }
}

fn file(path: &str, text: &str) -> BundleFile {
    let document = serde_json::from_str::<Document>(text).map_err(|error| error.to_string());
    BundleFile { path: path.to_owned(), sha256: Digest::of(text), document }
}

/// Half an hour after the genuine bundles were made.
fn soon() -> Timestamp {
    "2026-11-20T20:50:00Z".parse().unwrap()
}

fn judge(class: &str, bundle: &Bundle, now: Timestamp) -> RuntimeRepair {
    decide(find_class(&built_in(), class).unwrap(), bundle, now)
}

fn codes(repair: &RuntimeRepair) -> Vec<Code> {
    let mut codes: Vec<Code> = repair.reasons.iter().map(|reason| reason.code).collect();
    codes.dedup();
    codes
}

/// The genuine bundle with one file's text changed and nothing else.
fn tampered(path: &str, from: &str, to: &str) -> Bundle {
    let folder = format!("{}/tests/fixtures/openclaw-safe-update/ready", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(format!("{folder}/{path}")).unwrap();
    assert!(text.contains(from), "{path} has no {from}");
    let mut bundle = genuine("ready");
    let slot = bundle.files.iter_mut().find(|file| file.path == path).unwrap();
    *slot = file(path, &text.replacen(from, to, 1));
    bundle
}

fn with(mut bundle: Bundle, path: &str, text: &str) -> Bundle {
    bundle.files.push(file(path, text));
    bundle
}

#[test]
fn a_green_upgrade_still_wants_a_person() {
    let repair = judge("openclaw_upgrade", &genuine("ready"), soon());
    assert_eq!(repair.verdict, RepairVerdict::NeedsHuman, "{:?}", repair.reasons);
    assert_eq!(codes(&repair), [Code::RuntimeOperatorRequired]);
    for axes in &repair.evidence {
        assert_eq!(
            (axes.observation, axes.freshness, axes.completeness),
            (Observation::Success, Freshness::Fresh, Completeness::Complete),
            "{axes:?}"
        );
    }
}

#[test]
fn a_probe_of_the_same_bundle_is_eligible_and_says_what_it_does_not_speak_for() {
    let repair = judge("deploy_drift_probe", &genuine("ready"), soon());
    assert_eq!(repair.verdict, RepairVerdict::EligibleRepairDryRun, "{:?}", repair.reasons);
    assert!(repair.notes[0].contains("says nothing of `openclaw_upgrade`"));
}

#[test]
fn the_blocked_bundle_is_blocked_under_every_class() {
    for class in built_in() {
        let repair = decide(&class, &genuine("blocked"), soon());
        assert_eq!(repair.verdict, RepairVerdict::Blocked);
        assert!(codes(&repair).contains(&Code::RuntimeEvidenceFailed));
        // Its hashes and digests are sound: that it failed is all that is wrong with it.
        assert!(!codes(&repair).contains(&Code::RuntimeHashMismatch), "{:?}", repair.reasons);
    }
}

#[test]
fn old_evidence_and_evidence_from_the_future_block() {
    for now in ["2026-11-21T20:21:46Z", "2026-11-20T21:21:47Z", "2026-11-20T20:00:00Z"] {
        let repair = judge("deploy_drift_probe", &genuine("ready"), now.parse().unwrap());
        assert_eq!(codes(&repair), [Code::RuntimeEvidenceStale], "{now}");
    }
}

#[test]
fn missing_evidence_blocks_where_the_class_requires_it() {
    let repair = judge("autoheal_probe", &genuine("ready"), soon());
    assert_eq!(codes(&repair), [Code::RuntimeEvidenceMissing]);
    let dashboard = r#"{"generated_at":"2026-11-20T20:40:00Z","status":"success","errors":[]}"#;
    let bundle = with(genuine("ready"), "autoheal-dashboard.json", dashboard);
    assert_eq!(judge("autoheal_probe", &bundle, soon()).verdict, RepairVerdict::EligibleRepairDryRun);
    let twice = with(bundle, "copy/autoheal-dashboard.json", dashboard);
    assert_eq!(codes(&judge("autoheal_probe", &twice, soon())), [Code::RuntimeEvidenceFailed]);
}

#[test]
fn every_hash_and_digest_is_derived_again() {
    for (path, from, to) in [
        ("runtime-truth.json", "\"1.1.0\"", "\"1.2.0\""),
        ("evidence-bundle.json", "\"success\"", "\"failed\""),
        ("verdict.json", "\"prepare_operator_plan\"", "\"repair_and_rerun\""),
        ("verdict.json", "sha256:55a58647", "sha256:65a58647"),
        ("installation-attestation.json", "\"residue\": []", "\"residue\": [\"x\"]"),
        ("conservative-gates.json", "sha256:3b5d7371", "sha256:4b5d7371"),
    ] {
        let repair = judge("openclaw_upgrade", &tampered(path, from, to), soon());
        assert_eq!(repair.verdict, RepairVerdict::Blocked, "{path}");
        assert!(codes(&repair).contains(&Code::RuntimeHashMismatch), "{path}: {:?}", repair.reasons);
    }
    let mut above = genuine("ready");
    above.files.iter_mut().for_each(|file| file.path.insert_str(0, "safe-update/"));
    let repair = judge("openclaw_upgrade", &above, soon());
    assert!(codes(&repair).contains(&Code::RuntimeHashMismatch));
    assert!(repair.reasons.iter().any(|reason| reason.text.ends_with("name the folder it is in")));
    let mut lost = genuine("ready");
    lost.files.retain(|file| file.path != "coverage-report.json");
    assert!(codes(&judge("openclaw_upgrade", &lost, soon())).contains(&Code::RuntimeHashMismatch));
}

#[test]
fn no_evidence_gives_an_approval() {
    for value in ["true", "null", "0", "\"false\"", "{}"] {
        for flag in ["production_apply_allowed", "operator_approval"] {
            // In a file that no hash covers, so that nothing else is wrong.
            let text = format!(
                r#"{{"effect":"read_only_x","production_apply_allowed":false,"operator_approval":false,"deep":[{{"{flag}":{value}}}]}}"#
            );
            let repair = judge("deploy_drift_probe", &with(genuine("ready"), "note.json", &text), soon());
            assert_eq!(codes(&repair), [Code::RuntimeClaimsAuthority], "{flag} {value}");
        }
    }
    let silent = with(genuine("ready"), "note.json", r#"{"effect":"read_only_x"}"#);
    assert_eq!(codes(&judge("deploy_drift_probe", &silent, soon())), [Code::RuntimeClaimsAuthority]);
}

#[test]
fn a_sign_of_a_change_is_refused() {
    for text in [
        r#"{"runtime_effect":"restarted"}"#,
        r#"{"x":{"external_write_effect":"pushed"}}"#,
        r#"{"external_effect":true}"#,
    ] {
        let repair = judge("deploy_drift_probe", &with(genuine("ready"), "note.json", text), soon());
        assert_eq!(codes(&repair), [Code::RuntimeMutationImplied], "{text}");
    }
}

#[test]
fn a_plan_uses_only_verbs_of_its_class() {
    let plan = |actions: &str| {
        let text = format!(r#"{{"schema":"acme.supervised_repair_plan.v1","actions":{actions}}}"#);
        let bundle = with(genuine("ready"), "plan.json", &text);
        (
            codes(&judge("deploy_drift_probe", &bundle, soon())),
            codes(&judge("openclaw_upgrade", &bundle, soon())),
        )
    };
    let person = || vec![Code::RuntimeOperatorRequired];
    let refused = || vec![Code::RuntimeVerbNotAllowed];
    let both = || vec![Code::RuntimeVerbNotAllowed, Code::RuntimeOperatorRequired];
    assert_eq!(plan(r#"[{"verb":"compare"},"report"]"#), (vec![], both()));
    assert_eq!(plan(r#"[{"verb":"restart"}]"#), (refused(), person()));
    assert_eq!(plan(r#"[{"verb":"verify","mutates":"runtime"}]"#), (refused(), person()));
    assert_eq!(plan("[{}]"), (refused(), both()));
    assert_eq!(plan("{}"), (refused(), both()));
}

#[test]
fn a_hard_mark_leaves_a_probe_to_a_person() {
    let bundle = with(genuine("ready"), "note.json", r#"{"marks":["auth"]}"#);
    let repair = judge("deploy_drift_probe", &bundle, soon());
    assert_eq!((codes(&repair), repair.verdict), (vec![Code::RuntimeHardManual], RepairVerdict::NeedsHuman));
}

#[test]
fn a_bundle_for_one_class_changes_nothing_under_another() {
    let text = "[[class]]\nid = \"rotate_keys\"\nmutates = [\"auth\"]\nrequired_evidence = [\"runtime-truth-report\"]\nmax_age = \"1h\"\n";
    let classes = read_classes(text).unwrap();
    let repair = decide(&classes[0], &genuine("ready"), soon());
    assert_eq!(codes(&repair), [Code::RuntimeClassMismatch, Code::RuntimeOperatorRequired]);
}

/// What one required document may be like.
const STATES: [&str; 8] = [
    r#"{"generated_at":"2026-11-20T20:40:00Z","status":"success","verdict":"ready_for_operator_plan","decision_content":{"evidence_status":{"x":"success"}},"decision_digest":"sha256:DIGEST"}"#,
    r#"{"generated_at":"2026-11-20T20:40:00Z","status":"failed","verdict":"blocked"}"#,
    r#"{"generated_at":"2026-11-19T20:40:00Z","status":"success","verdict":"ready_for_operator_plan"}"#,
    r#"{"status":"success","verdict":"ready_for_operator_plan"}"#,
    r#"{"generated_at":"2026-11-20T20:40:00Z","status":"success","axes":{"completeness":"incomplete"}}"#,
    r#"{"generated_at":"2026-11-20T20:40:00Z","status":"success","operator_approval":true}"#,
    "not JSON",
    "",
];

/// Every class against every combination of its documents' states, some of them absent: a class that changes something
/// is never eligible, and one that does not is only with everything green.
#[test]
fn no_combination_of_evidence_makes_a_mutating_class_eligible() {
    let content = serde_json::from_str::<Document>(r#"{"evidence_status":{"x":"success"}}"#).unwrap();
    let digest = Digest::of(super::documents::canonical(&content));
    let green = STATES[0].replace("sha256:DIGEST", digest.as_str());
    let mut classes = built_in();
    for mutation in [Mutation::Runtime, Mutation::Auth, Mutation::Network, Mutation::Destructive] {
        classes.push(RepairClass {
            id: format!("{mutation:?}"),
            mutates: vec![mutation],
            required_evidence: vec!["runtime-truth-report".to_owned(), "autoheal-dashboard".to_owned()],
            ..classes[0].clone()
        });
    }
    let mut eligible = 0;
    for class in &classes {
        let roles = &class.required_evidence;
        let states = STATES.len() + 1;
        for combination in 0..states.pow(u32::try_from(roles.len()).unwrap()) {
            let mut rest = combination;
            let mut all_green = true;
            let mut bundle = Bundle::default();
            for role in roles {
                let state = rest % states;
                rest /= states;
                all_green &= state == 0;
                if let Some(text) = STATES.get(state) {
                    let text = if state == 0 { green.as_str() } else { text };
                    bundle.files.push(file(&format!("{role}.json"), text));
                }
            }
            let verdict = decide(class, &bundle, soon()).verdict;
            let expected = match (all_green, class.is_mutating()) {
                (false, _) => RepairVerdict::Blocked,
                (true, true) => RepairVerdict::NeedsHuman,
                (true, false) => RepairVerdict::EligibleRepairDryRun,
            };
            assert_eq!(verdict, expected, "{} {bundle:?}", class.id);
            eligible += usize::from(verdict == RepairVerdict::EligibleRepairDryRun);
        }
    }
    assert_eq!(eligible, classes.iter().filter(|class| !class.is_mutating()).count());
}

#[test]
fn text_is_written_as_the_producers_python_writes_it() {
    let document: Document =
        serde_json::from_str(r#"{"b":"zażółć 😀\u007f\"\\\n","a":[1,-2,1.5,true,null]}"#).unwrap();
    assert_eq!(
        super::documents::canonical(&document),
        r#"{"a":[1,-2,1.5,true,null],"b":"za\u017c\u00f3\u0142\u0107 \ud83d\ude00\u007f\"\\\n"}"#
    );
}
