//! `repair` and `render` over every report the cases give, and what both refuse.
//! The packet planned again from a report is the packet that was planned with it, byte for byte.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use boon::{Compiler, Draft, SchemaIndex, Schemas};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::support::evidence::write;
use crate::support::outputs::{self, Judged};
use crate::support::program::{command, finish, run};
use crate::support::{HEAD, NOW, fixture, here};

static SARIF: LazyLock<(Schemas, SchemaIndex)> = LazyLock::new(|| {
    const URL: &str = "https://schemas.invalid/sarif";
    let schema: Value = serde_json::from_slice(&fixture("oasis/sarif-schema-2.1.0.json")).unwrap();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.set_default_draft(Draft::V4);
    compiler.add_resource(URL, schema).unwrap();
    let index = compiler.compile(URL, &mut schemas).unwrap();
    (schemas, index)
});

/// Everything that must hold of a judgement's report in `folder/out`; says what does not.
pub fn check(folder: &Path, judged: &Judged) -> Vec<String> {
    let mut wrong: Vec<String> = ["sarif", "junit", "openmetrics"]
        .into_iter()
        .flat_map(|form| {
            let ran = run(folder, &["render", "--from", "out/gate_report.json", form]);
            if ran.exit != 0 {
                return vec![format!("`render {form}` exits {}: {}", ran.exit, ran.stderr)];
            }
            match form {
                "sarif" => check_sarif(&judged.report, &ran.stdout),
                "junit" => check_junit(folder, &judged.report, &ran.stdout),
                _ => check_openmetrics(&ran.stdout),
            }
        })
        .collect();
    if judged.verdict() != "none" {
        wrong.extend(check_repair(folder, judged));
        wrong.extend(check_intoto(folder, judged));
    }
    wrong
}

fn check_repair(folder: &Path, judged: &Judged) -> Option<String> {
    let head = judged.packet["target_sha"].as_str().unwrap();
    let at = judged.report["evaluated_at"].as_str().unwrap();
    let mut arguments = vec!["repair", "out/gate_report.json", "--head", head, "--now", at];
    if folder.join("policy.toml").is_file() {
        arguments.extend(["--policy", "policy.toml"]);
    }
    let ran = run(folder, &arguments);
    let packet = std::fs::read_to_string(folder.join("out/repair_instruction.json")).unwrap();
    (ran.exit != 0 || ran.stdout != packet)
        .then(|| format!("`repair` plans another packet (exit {}): {}{}", ran.exit, ran.stderr, ran.stdout))
}

/// The schema, and what GitHub and Microsoft's validator ask for beyond it.
fn check_sarif(report: &Value, text: &str) -> Vec<String> {
    let log: Value = serde_json::from_str(text).unwrap();
    let (schemas, index) = &*SARIF;
    let broken = schemas.validate(&log, *index).err();
    let mut wrong: Vec<String> = broken.iter().map(|error| format!("SARIF: {error}")).collect();
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    let blockers: usize = report["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| gate["blockers"].as_array().unwrap().len())
        .sum();
    if results.len() != blockers.min(5000) {
        wrong.push(format!("SARIF: {} results for {blockers} blockers", results.len()));
    }
    for rule in rules {
        for text in
            [&rule["help"]["text"], &rule["shortDescription"]["text"], &rule["fullDescription"]["text"]]
        {
            if !text.as_str().is_some_and(|text| text.ends_with('.') && text.len() > 10) {
                wrong.push(format!("SARIF: {} has no sentence: {text}", rule["id"]));
            }
        }
        if !rule["name"].as_str().unwrap().chars().all(char::is_alphanumeric) {
            wrong.push(format!("SARIF: {} is no Pascal case", rule["name"]));
        }
    }
    let mut prints = BTreeSet::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap_or("");
        let good = rules[index]["id"] == result["ruleId"]
            && !uri.is_empty()
            && !uri.starts_with('/')
            && !uri.contains("..")
            && !uri.contains([':', ' ', '\\'])
            && place["region"]["startLine"].as_u64().is_some_and(|line| line > 0)
            && result["message"]["text"].as_str().is_some_and(|text| text.ends_with('.'))
            && run["originalUriBaseIds"]
                .get(place["artifactLocation"]["uriBaseId"].as_str().unwrap())
                .is_some()
            && prints.insert(result["partialFingerprints"].to_string());
        if !good {
            wrong.push(format!("SARIF: {result}"));
        }
    }
    wrong
}

/// Read back by our own reader: as many tests as gates, and red exactly where an enforced gate did not pass.
fn check_junit(folder: &Path, report: &Value, text: &str) -> Vec<String> {
    write(&folder.join("rendered/gates.xml"), text.as_bytes());
    let ran = run(folder, &["inspect", "--as", "junit", "--format", "json", "rendered/gates.xml"]);
    std::fs::remove_dir_all(folder.join("rendered")).unwrap();
    let gates = report["gates"].as_array().unwrap();
    let red = gates.iter().filter(|gate| {
        gate["enforced"] == true && !["pass", "skipped"].contains(&gate["outcome"].as_str().unwrap())
    });
    let expected = red.count() + usize::from(report["verdict"].is_null());
    let shown = text.matches("<failure").count() + text.matches("<error").count();
    let mut wrong = Vec::new();
    if ran.exit != 0 {
        wrong.push(format!("JUnit is not read back: {}{}", ran.stdout, ran.stderr));
    }
    if shown != expected {
        wrong.push(format!("JUnit shows {shown} red gates of {expected}"));
    }
    wrong
}

/// Every sample belongs to a metric that was declared just before, none comes twice, and the end is marked.
fn check_openmetrics(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut metric, mut seen) = (String::new(), BTreeSet::new());
    let Some(body) = text.strip_suffix("# EOF\n") else {
        return vec!["OpenMetrics without its end".to_owned()];
    };
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            metric = rest.split(' ').next().unwrap().to_owned();
            continue;
        }
        if line.starts_with("# ") {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        if name != metric || value.parse::<f64>().is_err() || !seen.insert(series.to_owned()) {
            wrong.push(format!("OpenMetrics: {line}"));
        }
    }
    wrong
}

fn check_intoto(folder: &Path, judged: &Judged) -> Option<String> {
    let ran = run(folder, &["render", "--from", "out/gate_report.json", "intoto"]);
    let statement: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
    let passed = if judged.verdict() == "pass" { "PASSED" } else { "FAILED" };
    let good = statement["_type"] == "https://in-toto.io/Statement/v1"
        && statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
        && statement["subject"][0]["digest"]["gitCommit"] == judged.packet["target_sha"]
        && statement["predicate"]["verificationResult"] == passed
        && statement["predicate"]["policy"]["digest"]["sha256"].as_str().map(|hex| format!("sha256:{hex}"))
            == judged.packet["policy_sha256"].as_str().map(str::to_owned);
    (!good).then(|| format!("in-toto (exit {}): {}{}", ran.exit, ran.stdout, ran.stderr))
}

/// A judged folder: one red test report.
fn judged() -> (tempfile::TempDir, Judged) {
    let folder = tempfile::tempdir().unwrap();
    let policy = "version = 1\n[evidence]\nunit = { artifact = \"unit\", path = \"junit.xml\" }\n[[gate]]\nid = \"unit\"\nkind = \"tests\"\nevidence = [\"unit\"]\n";
    write(&folder.path().join("policy.toml"), policy.as_bytes());
    write(&folder.path().join("evidence/unit/junit.xml"), &fixture("pytest/mixed-fail.xunit2.xml"));
    let judged = outputs::gate(folder.path(), HEAD, &["--policy", "policy.toml"]);
    assert_eq!(judged.ran.exit, 11, "{:?}", judged.ran);
    (folder, judged)
}

#[test]
fn an_attestation_is_signed_by_the_key_of_the_environment() {
    let (folder, _) = judged();
    let seed = [7_u8; 32];
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let mut command = command(folder.path(), &["render", "--from", "out/gate_report.json", "intoto"]);
    command.env("PATCHWARDEN_SIGNING_KEY", BASE64.encode(seed));
    let ran = finish(command);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let envelope: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    let decode = |value: &Value| BASE64.decode(value.as_str().unwrap()).unwrap();
    let payload = decode(&envelope["payload"]);
    let mut signed = format!("DSSEv1 28 application/vnd.in-toto+json {} ", payload.len()).into_bytes();
    signed.extend_from_slice(&payload);
    let public = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref());
    public.verify(&signed, &decode(&envelope["signatures"][0]["sig"])).unwrap();
    signed.push(b' ');
    public.verify(&signed, &decode(&envelope["signatures"][0]["sig"])).unwrap_err();
    let plain = run(folder.path(), &["render", "--from", "out/gate_report.json", "intoto"]);
    assert_eq!(plain.stdout.as_bytes(), payload);
}

#[test]
fn a_key_that_is_none_is_refused_and_never_quoted() {
    let (folder, _) = judged();
    for bad in ["c2VjcmV0", "no base64 at all: s3cr3t"] {
        let mut command = command(
            folder.path(),
            &["render", "--from", "out/gate_report.json", "intoto", "--out", "a.json"],
        );
        command.env("PATCHWARDEN_SIGNING_KEY", bad);
        let ran = finish(command);
        assert_eq!((ran.exit, ran.stdout.as_str()), (4, ""));
        assert!(
            !ran.stderr.contains(bad) && ran.stderr.contains("PATCHWARDEN_SIGNING_KEY"),
            "{}",
            ran.stderr
        );
        assert!(!folder.path().join("a.json").exists());
    }
}

#[test]
fn what_is_no_report_is_not_rendered() {
    let (folder, _) = judged();
    write(&folder.path().join("broken.json"), b"{");
    for (file, form, exit) in [
        ("out/repair_instruction.json", "sarif", 2),
        ("broken.json", "junit", 2),
        ("none.json", "openmetrics", 2),
        ("out/gate_report.json", "html", 2),
    ] {
        let ran = run(folder.path(), &["render", "--from", file, form, "--out", "rendered"]);
        assert_eq!((ran.exit, ran.stdout.as_str()), (exit, ""), "{file} {form}: {}", ran.stderr);
        assert!(!folder.path().join("rendered").exists());
    }
}

/// Runs `repair` and wants a refusal with this exit code, these words, and nothing written.
fn refused(folder: &Path, arguments: &[&str], exit: i32, words: &str) {
    let ran = run(folder, &[&["repair", "--out", "packet.json", "--now", NOW], arguments].concat());
    assert_eq!((ran.exit, ran.stdout.as_str()), (exit, ""), "{arguments:?}: {}", ran.stderr);
    assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    assert!(!folder.join("packet.json").exists(), "{arguments:?} wrote a packet");
}

#[test]
fn a_verdict_that_is_malformed_stale_or_of_another_head_gives_no_packet() {
    let (folder, judged) = judged();
    let folder = folder.path();
    let other = "a".repeat(40);
    let report = "out/gate_report.json";
    let with = ["--head", HEAD, "--policy", "policy.toml"];
    refused(folder, &[report, "--head", &other, "--policy", "policy.toml"], 4, "not about the head");
    refused(folder, &[report, "--head", HEAD], 2, "--policy");
    refused(folder, &["none.json", "--head", HEAD], 2, "could not be read");
    write(&folder.join("other.toml"), b"version = 1\n");
    refused(folder, &[report, "--head", HEAD, "--policy", "other.toml"], 3, "this one is");
    refused(folder, &["out/repair_instruction.json", "--head", HEAD], 2, "its `schema` is");
    let change = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut report = judged.report.clone();
        change(&mut report);
        write(&folder.join(name), report.to_string().as_bytes());
    };
    change("old.json", &|report| report["evaluated_at"] = json!("2026-08-31T11:59:59Z"));
    change("future.json", &|report| report["evaluated_at"] = json!("2026-09-01T12:00:01Z"));
    change("pass.json", &|report| report["verdict"] = json!("pass"));
    change("null.json", &|report| report["verdict"] = Value::Null);
    change("outcome.json", &|report| report["gates"][0]["outcome"] = json!("pass"));
    change("subject.json", &|report| report["gates"][0]["blockers"][0]["subject"] = json!("x"));
    change("cut.json", &|report| drop(report.as_object_mut().unwrap().remove("gates")));
    for (file, exit, words) in [
        ("old.json", 4, "stale"),
        ("future.json", 4, "stale"),
        ("pass.json", 2, "its verdict is `pass`, and its parts make `blocked`"),
        ("null.json", 2, "it has no verdict"),
        ("outcome.json", 2, "its parts make `pass`"),
        ("subject.json", 2, "the key of a blocker"),
        ("cut.json", 2, "gates"),
    ] {
        refused(folder, &[&[file][..], &with].concat(), exit, words);
    }
}

#[test]
fn a_quorum_gives_one_entry_per_lane_that_is_to_act() {
    let folder = tempfile::tempdir().unwrap();
    let lane = |name: &str, state: &str, action: &str| {
        json!({"name": name, "class": "ai", "family": null, "source": format!("artifact:review-{name}"),
               "state": state, "next_action": action, "bound_by": null, "detail": "as it says"})
    };
    let quorum = |verdict: &str, lanes: Value| {
        let count = json!({"approvals": 0, "need": 2, "human_approvals": 0, "need_human": 0, "families": 0,
                           "need_families": 0, "dissents": 0, "minor_dissents": 0});
        json!({"schema": "patchwarden.review_quorum.v1", "target_sha": HEAD, "verdict": verdict,
               "binding": "exact_head", "lanes": lanes, "count": count, "wanted": [], "summary": "0 of 2",
               "notes": []})
    };
    let lanes = json!([
        lane("a", "stale", "redrive_review_lane"),
        lane("b", "approved", "none"),
        lane("c", "missing", "redrive_review_lane")
    ]);
    write(&folder.path().join("quorum.json"), quorum("blocked", lanes.clone()).to_string().as_bytes());
    let ran = run(folder.path(), &["repair", "quorum.json", "--head", HEAD, "--now", NOW]);
    let packet: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let entries: Vec<(&str, &str)> = packet["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["source"]["code"].as_str().unwrap(), entry["action"]["lane"].as_str().unwrap()))
        .collect();
    assert_eq!(entries, [("review.lane_missing", "c"), ("review.lane_stale", "a")]);
    assert_eq!(packet["next"], packet["entries"][0]["key"]);
    write(&folder.path().join("lies.json"), quorum("pass", lanes).to_string().as_bytes());
    let ran = run(folder.path(), &["repair", "lies.json", "--head", HEAD, "--now", NOW]);
    let packet: Value = serde_json::from_str(&ran.stdout).unwrap();
    // A quorum that is met asks nothing of the lanes that it did not need.
    assert_eq!((&packet["verdict"], &packet["entries"]), (&json!("pass"), &json!([])));
    refused(folder.path(), &["quorum.json", "--head", &"b".repeat(40)], 4, "not about the head");
}

#[test]
fn the_other_verbs_verdicts_and_suggestions_are_planned_from() {
    let bundle = here("tests/fixtures/openclaw-safe-update/blocked");
    let folder = tempfile::tempdir().unwrap();
    let at = "2026-11-21T10:00:00Z";
    let bundle = bundle.to_str().unwrap();
    let ran = run(
        folder.path(),
        &[
            "runtime-repair-check",
            "--bundle",
            bundle,
            "--class",
            "openclaw_upgrade",
            "--format",
            "json",
            "--now",
            at,
        ],
    );
    assert_eq!(ran.exit, 11, "{}", ran.stderr);
    write(&folder.path().join("runtime.json"), ran.stdout.as_bytes());
    let planned = run(folder.path(), &["repair", "runtime.json", "--head", HEAD, "--now", at]);
    let packet: Value =
        serde_json::from_str(&planned.stdout).unwrap_or_else(|_| panic!("{}", planned.stderr));
    assert_eq!(packet["verdict"], "blocked");
    assert!(packet["entries"].as_array().unwrap().iter().any(|entry| entry["owner"] == "producer"));

    write(&folder.path().join("fallow.sarif"), &fixture("fallow-npm/audit-fail.sarif"));
    let planned = run(folder.path(), &["repair", "fallow.sarif", "--head", HEAD, "--now", at]);
    let packet: Value =
        serde_json::from_str(&planned.stdout).unwrap_or_else(|_| panic!("{}", planned.stderr));
    let entry = &packet["entries"][0];
    assert_eq!(
        (&entry["source"]["gate"], &entry["action"]["kind"]),
        (&json!("suggestions"), &json!("fix_findings"))
    );
    assert!(entry["action"]["command"].is_null() && !entry["untrusted"].as_array().unwrap().is_empty());
    // A report that names its commit is of that commit alone.
    write(&folder.path().join("bound.sarif"), &fixture("_constructed/sarif-bound-full-sha.sarif"));
    refused(folder.path(), &["bound.sarif", "--head", &"c".repeat(40)], 4, "not about the head");
    write(&folder.path().join("cut.sarif"), &fixture("_constructed/sarif-truncated.sarif"));
    refused(folder.path(), &["cut.sarif", "--head", HEAD], 2, "no verdict that can be planned from");
    write(&folder.path().join("tests.xml"), &fixture("pytest/pass.xunit1.xml"));
    refused(folder.path(), &["tests.xml", "--head", HEAD], 2, "no verdict that can be planned from");
}
