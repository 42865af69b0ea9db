//! Policies with artifacts in memory, judged as `gate` judges them: gates that compare with the base or with the
//! change, and exit codes that the policy explains.

use crate::evidence::baseline::{BaselineFile, BaselineFiles};
use crate::evidence::changed_lines::{ChangedLines, changed_lines};
use crate::evidence::read::{ArtifactState, Artifacts, read_artifact};
use crate::evidence::source::MemoryFiles;
use crate::evidence::{Binding, Demand, Target};
use crate::gate::{Facts, GateResult, evaluate};
use crate::model::{CommitSha, Digest, Outcome};

use super::judge::{SoundPolicy, assess_all, limits, pieces};

const HEAD: &str = "1111111111111111111111111111111111111112";
const BASE: &str = "2222222222222222222222222222222222222223";

const BOTH: &str = r#"<testsuite name="s"><testcase classname="A" name="one"/><testcase classname="A" name="two"/></testsuite>"#;
const ONE: &str = r#"<testsuite name="s"><testcase classname="A" name="one"/></testsuite>"#;
const SKIPPED: &str = r#"<testsuite name="s"><testcase classname="A" name="one"/><testcase classname="A" name="two"><skipped/></testcase></testsuite>"#;
const RED: &str = r#"<testsuite name="s"><testcase classname="A" name="one"><failure message="no"/></testcase></testsuite>"#;

/// One file of an artifact: the artifact, its name there, its content.
type File<'b> = (&'b str, &'b str, &'b [u8]);

struct Scene<'b> {
    policy: String,
    files: Vec<File<'b>>,
    origin: Binding,
    base: Option<CommitSha>,
    baselines: BaselineFiles,
    changed_lines: Result<ChangedLines, String>,
}

impl<'b> Scene<'b> {
    fn new(policy: &str, files: &[File<'b>]) -> Self {
        Self {
            policy: format!("version = 1\n{policy}"),
            files: files.to_vec(),
            origin: Binding::AssertedByCaller,
            base: Some(BASE.parse().unwrap()),
            baselines: BaselineFiles::new(),
            changed_lines: Err("there is none".to_owned()),
        }
    }

    fn with_baseline(mut self, file: BaselineFile) -> Self {
        self.baselines.insert("base.report".parse().unwrap(), file);
        self
    }

    fn read(&self, demands: &[&Demand]) -> Artifacts {
        let mut artifacts = Artifacts::new();
        for demand in demands {
            let of_it = |file: &&File<'b>| file.0 == demand.artifact.as_str();
            let files: Vec<_> = self.files.iter().filter(of_it).map(|file| (file.1, file.2)).collect();
            let present: Vec<&Demand> =
                demands.iter().copied().filter(|other| other.artifact == demand.artifact).collect();
            let state = match files.len() {
                0 => ArtifactState::Missing,
                _ => {
                    ArtifactState::Read(Box::new(read_artifact(&mut MemoryFiles(files), &present, &limits())))
                }
            };
            artifacts.insert(demand.artifact.clone(), state);
        }
        artifacts
    }

    fn judge(self) -> GateResult {
        let sound = SoundPolicy::read(&self.policy).map_err(|problems| format!("{problems:?}")).unwrap();
        let artifacts = self.read(&sound.demands());
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let head: CommitSha = HEAD.parse().unwrap();
        let target = Target {
            head: head.clone(),
            base: self.base.clone(),
            repo: None,
            pull_request: None,
            origin: Some(self.origin),
            passed_digests: std::collections::BTreeSet::new(),
            job_starts: std::collections::BTreeMap::new(),
            now,
        };
        let facts = Facts {
            base: self.base,
            baselines: self.baselines,
            changed_lines: self.changed_lines,
            ..Facts::of_head(head, now)
        };
        let evidence = assess_all(&sound, &pieces(artifacts), &target);
        evaluate(&sound.policy, &sound.gates, &evidence, &facts, Vec::new()).results.remove(0)
    }
}

fn told(result: &GateResult) -> (Outcome, Vec<&'static str>) {
    (result.outcome, result.blockers.iter().map(|blocker| blocker.code.as_str()).collect())
}

fn problems(policy: &str) -> Vec<String> {
    match SoundPolicy::read(&format!("version = 1\n{policy}")) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| problem.message).collect(),
    }
}

fn manifest(sha: &str, id: &str, name: &str, content: &str, exit_code: i32) -> String {
    let (digest, bytes) = (Digest::of(content), content.len());
    format!(
        r#"{{"schema":"patchwarden.evidence_manifest.v1","target_sha":"{sha}","dirty":false,"evidence":[{{
        "id":"{id}","format":"junit","path":"{name}","report":"written","sha256":"{digest}","bytes":{bytes},
        "tool":"pytest","command":["pytest"],"exit_code":{exit_code},
        "started_at":"2026-11-21T11:00:00Z","finished_at":"2026-11-21T11:01:00Z"}}]}}"#
    )
}

const UNIT: &str = "[evidence.unit]\nartifact = \"unit\"\npath = \"j.xml\"\n";

#[test]
fn the_policys_exit_codes_go_before_the_tools() {
    let judge = |keys: &str, content: &str, exit: i32| {
        let manifest = manifest(HEAD, "unit", "j.xml", content, exit);
        let gate = "[[gate]]\nid = \"unit\"\nkind = \"tests\"\nevidence = [\"unit\"]\n";
        let files = [
            ("unit", "j.xml", content.as_bytes()),
            ("unit", "patchwarden-manifest.json", manifest.as_bytes()),
        ];
        told(&Scene::new(&format!("{UNIT}{keys}\n{gate}"), &files).judge())
    };
    let own = "exit_codes = { red = [7], nothing = [9] }";
    assert_eq!(judge("", RED, 7), (Outcome::Fail, vec!["evidence.tool_crashed", "tests.failed"]));
    assert_eq!(judge(own, RED, 7), (Outcome::Fail, vec!["tests.failed"]));
    assert_eq!(judge(own, BOTH, 7), (Outcome::Fail, vec!["evidence.exit_code_disagrees"]));
    assert_eq!(judge(own, BOTH, 9), (Outcome::Fail, vec!["evidence.nothing_measured"]));
    assert_eq!(judge(own, RED, 1), (Outcome::Fail, vec!["evidence.tool_crashed", "tests.failed"]));
    assert_eq!(judge(own, BOTH, 0), (Outcome::Pass, vec![]));
    assert_eq!(judge(own, RED, 127).1, ["evidence.tool_crashed", "tests.failed"]);
    let wrong = problems(&format!("{UNIT}exit_codes = {{ red = [0] }}\n"));
    assert_eq!(wrong, ["`exit_codes` lists 0, which is always clean"]);
}

const NO_LOSS: &str = "[[gate]]\nid = \"unit\"\nkind = \"tests\"\nevidence = [\"unit\"]\nno_removed = true\nno_newly_skipped = true\n";

fn against_file(head: &str, baseline: BaselineFile) -> (Outcome, Vec<&'static str>) {
    let policy = format!("{UNIT}{NO_LOSS}baseline_file = \"base.report\"\n");
    told(&Scene::new(&policy, &[("unit", "j.xml", head.as_bytes())]).with_baseline(baseline).judge())
}

#[test]
fn tests_of_the_base_that_are_gone_or_skipped_block() {
    let base = || BaselineFile::parse(BOTH.as_bytes(), &limits());
    assert_eq!(against_file(BOTH, base()), (Outcome::Pass, vec![]));
    assert_eq!(against_file(ONE, base()), (Outcome::Fail, vec!["tests.removed"]));
    assert_eq!(against_file(SKIPPED, base()), (Outcome::Fail, vec!["tests.newly_skipped"]));
    let unavailable = (Outcome::Unmeasured, vec!["tests.baseline_unavailable"]);
    assert_eq!(against_file(BOTH, BaselineFile::Absent), unavailable);
    assert_eq!(against_file(BOTH, BaselineFile::Unreadable("no answer".to_owned())), unavailable);
    let findings = BaselineFile::parse(include_bytes!("../../tests/fixtures/ruff/fail.sarif"), &limits());
    assert_eq!(against_file(BOTH, findings), unavailable);
}

#[test]
fn only_what_a_gate_compares_is_kept_for_comparing() {
    let tests = |id: &str, keys: &str| {
        format!(
            "[evidence.{id}]\nartifact = \"{id}\"\n[[gate]]\nid = \"{id}\"\nkind = \"tests\"\nevidence = [\"{id}\"]\n{keys}\n"
        )
    };
    let policy = [
        "version = 1\n[evidence.base]\nrole = \"baseline\"\nartifact = \"base\"\n".to_owned(),
        tests("alone", ""),
        tests("with-file", "no_removed = true\nbaseline_file = \"base.report\""),
        tests("with-report", "no_removed = true\nbaseline = \"base\""),
    ];
    let sound = SoundPolicy::read(&policy.concat()).map_err(|problems| format!("{problems:?}")).unwrap();
    let compared = sound.demands().into_iter().filter(|demand| demand.compared);
    let ids: Vec<&str> = compared.map(|demand| demand.id.as_str()).collect();
    assert_eq!(ids, ["base", "with-file", "with-report"]);
}

fn base_evidence<'b>(files: &[File<'b>]) -> Scene<'b> {
    let base = "[evidence.unit-base]\nrole = \"baseline\"\nartifact = \"base\"\npath = \"j.xml\"\n";
    Scene::new(&format!("{UNIT}{base}{NO_LOSS}baseline = \"unit-base\"\n"), files)
}

#[test]
fn a_baseline_in_the_folder_is_held_against_the_base() {
    let unit = ("unit", "j.xml", ONE.as_bytes());
    let report = ("base", "j.xml", BOTH.as_bytes());
    let removed = (Outcome::Fail, vec!["tests.removed"]);
    let unavailable = (Outcome::Unmeasured, vec!["tests.baseline_unavailable"]);
    assert_eq!(told(&base_evidence(&[unit, report]).judge()), removed);
    assert_eq!(told(&base_evidence(&[unit]).judge()), unavailable, "there is none");
    assert_eq!(told(&Scene { base: None, ..base_evidence(&[unit, report]) }.judge()), unavailable);
    let of_base = manifest(BASE, "unit-base", "j.xml", BOTH, 0);
    let of_head = manifest(HEAD, "unit-base", "j.xml", BOTH, 0);
    let with = |manifest| [unit, report, ("base", "patchwarden-manifest.json", manifest)];
    assert_eq!(told(&base_evidence(&with(of_base.as_bytes())).judge()), removed);
    assert_eq!(told(&base_evidence(&with(of_head.as_bytes())).judge()), unavailable, "it is the head's");
}

#[test]
fn an_artifact_of_the_judged_run_is_no_baseline() {
    let files = [("unit", "j.xml", ONE.as_bytes()), ("base", "j.xml", ONE.as_bytes())];
    let result = Scene { origin: Binding::Run, ..base_evidence(&files) }.judge();
    assert_eq!(told(&result), (Outcome::Unmeasured, vec!["tests.baseline_unavailable"]));
    assert!(
        result.blockers[0].reason.contains("artifact of the judged run"),
        "{}",
        result.blockers[0].reason
    );
}

#[test]
fn every_test_left_out_counts_as_skipped() {
    let disabled =
        r#"<testsuite name="s"><testcase name="a"/><testcase name="b" status="disabled"/></testsuite>"#;
    let judge = |max: &str, content: &str| {
        let gate = "[[gate]]\nid = \"unit\"\nkind = \"tests\"\nevidence = [\"unit\"]\n";
        Scene::new(&format!("{UNIT}{gate}{max}\n"), &[("unit", "j.xml", content.as_bytes())]).judge()
    };
    assert_eq!(told(&judge("max_skipped = 0", SKIPPED)), (Outcome::Fail, vec!["tests.skipped"]));
    assert_eq!(told(&judge("max_skipped = 1", SKIPPED)), (Outcome::Pass, vec![]));
    let result = judge("max_skipped = 0", disabled);
    assert_eq!(told(&result), (Outcome::Fail, vec!["tests.skipped"]), "{}", result.observed);
    assert!(result.observed.contains("1 disabled"), "{}", result.observed);
}

#[test]
fn baseline_keys_that_make_no_sense_are_problems() {
    let base = "[evidence.old]\nrole = \"baseline\"\nartifact = \"b\"\n";
    let gate = |evidence: &str, keys: &str| {
        format!("{UNIT}{base}[[gate]]\nid = \"g\"\nkind = \"tests\"\nevidence = [\"{evidence}\"]\n{keys}\n")
    };
    for (policy, words) in [
        (gate("unit", "no_removed = true"), "`no_removed` needs a `baseline` or a `baseline_file`"),
        (
            gate("unit", "baseline = \"old\""),
            "`baseline` is set, and none of `no_removed`, `no_newly_skipped`",
        ),
        (gate("unit", "no_removed = true\nbaseline = \"unit\""), "which has no `role = \"baseline\"`"),
        (gate("unit", "no_removed = true\nbaseline = \"none\""), "which is not declared"),
        (gate("unit", "no_removed = true\nbaseline = \"old\"\nbaseline_file = \"x\""), "are both set"),
        (gate("old", ""), "judges evidence `old`, which is a baseline"),
    ] {
        let found = problems(&policy);
        assert!(found.len() == 1 && found[0].contains(words), "{words}: {found:?}");
    }
    assert!(problems(&gate("unit", "no_removed = true\nbaseline = \"old\"")).is_empty());
}

const RUFF: &[u8] = include_bytes!("../../tests/fixtures/ruff/fail.sarif");
const RUFF_CLEAN: &[u8] = include_bytes!("../../tests/fixtures/ruff/clean.sarif");

fn findings(keys: &str, head: &[u8], baseline: BaselineFile) -> (Outcome, Vec<&'static str>) {
    let policy = format!(
        "[evidence.lint]\nartifact = \"lint\"\n[[gate]]\nid = \"lint\"\nkind = \"findings\"\nevidence = [\"lint\"]\n\
         baseline_file = \"base.report\"\n{keys}\n"
    );
    told(&Scene::new(&policy, &[("lint", "a.sarif", head)]).with_baseline(baseline).judge())
}

#[test]
fn only_findings_the_base_did_not_have_count() {
    let new_only = |baseline| findings("new_only = true", RUFF, baseline);
    let parse = |bytes| BaselineFile::parse(bytes, &limits());
    let over = (Outcome::Fail, vec!["findings.over_limit"]);
    assert_eq!(new_only(parse(RUFF)), (Outcome::Pass, vec![]));
    assert_eq!(new_only(parse(RUFF_CLEAN)), over);
    assert_eq!(new_only(BaselineFile::Absent), over, "where none ever existed every finding is new");
    let unavailable = (Outcome::Unmeasured, vec!["findings.baseline_unavailable"]);
    assert_eq!(new_only(parse(b"{")), unavailable);
    assert_eq!(new_only(parse(BOTH.as_bytes())), unavailable, "it is not a findings report");
    let within = "new_only = true\nmax = { error = 1000, warning = 1000 }";
    assert_eq!(
        findings(within, RUFF, parse(b"{")),
        (Outcome::Pass, vec![]),
        "nobody needs to know what is old"
    );
}

/// A report of old findings, and one new one behind them where asked for.
fn many(old: usize, new: bool) -> Vec<u8> {
    let one = |at: usize, rule: &str| {
        format!(
            r#"{{"ruleId":"{rule}","level":"error","message":{{"text":"m{at}"}},"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":"a.py"}},"region":{{"startLine":{}}}}}}}]}}"#,
            at + 1
        )
    };
    let mut results: Vec<String> = (0..old).map(|at| one(at, "old")).collect();
    results.extend(new.then(|| one(old, "new")));
    format!(
        r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"t"}}}},"invocations":[{{"executionSuccessful":true}}],"results":[{}]}}]}}"#,
        results.join(",")
    )
    .into_bytes()
}

#[test]
fn a_new_finding_behind_many_old_ones_is_counted_and_shown() {
    let policy = "[evidence.lint]\nartifact = \"lint\"\n[[gate]]\nid = \"lint\"\nkind = \"findings\"\nevidence = [\"lint\"]\n\
                  baseline_file = \"base.report\"\nnew_only = true\n";
    let judge = |old: usize| {
        let (head, base) = (many(old, true), many(old, false));
        let files = [("lint", "a.sarif", head.as_slice())];
        Scene::new(policy, &files).with_baseline(BaselineFile::parse(&base, &limits())).judge()
    };
    let result = judge(4_900);
    assert_eq!(told(&result), (Outcome::Fail, vec!["findings.over_limit"]));
    assert!(result.blockers[0].quotes[0].text.contains("m4900"), "{:?}", result.blockers[0].quotes);
    // Further back it is still counted exactly; that its text was not kept is said.
    let result = judge(6_000);
    let reason = &result.blockers[0].reason;
    assert!(reason.starts_with("1 new finding of level error") && reason.contains("first 5000"), "{reason}");
}

/// One finding, suppressed by a comment in the source.
const SUPPRESSED: &[u8] = br#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"invocations":[{"executionSuccessful":true}],
"results":[{"ruleId":"r","level":"error","message":{"text":"m"},"suppressions":[{"kind":"inSource"}],
"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a.py"},"region":{"startLine":1}}}]}]}]}"#;

#[test]
fn suppressions_that_the_change_adds_are_limited() {
    let judge = |baseline| findings("max_suppressed_new = 0", SUPPRESSED, baseline);
    let parse = |bytes| BaselineFile::parse(bytes, &limits());
    let refused = (Outcome::Fail, vec!["findings.suppressed"]);
    assert_eq!(judge(parse(SUPPRESSED)), (Outcome::Pass, vec![]));
    assert_eq!(judge(parse(RUFF_CLEAN)), refused);
    assert_eq!(judge(BaselineFile::Absent), refused);
    let unavailable = (Outcome::Unmeasured, vec!["findings.baseline_unavailable"]);
    assert_eq!(judge(parse(b"{")), unavailable);
    assert_eq!(findings("max_suppressed_new = 1", SUPPRESSED, parse(b"{")), (Outcome::Pass, vec![]));
}

fn diff_gate(keys: &str, report: &[u8], patch: Option<&str>) -> GateResult {
    let policy = format!(
        "[evidence.cov]\nartifact = \"cov\"\n[[gate]]\nid = \"cov\"\nkind = \"coverage\"\nevidence = [\"cov\"]\n\
         min_diff_lines = 50.0\n{keys}\n"
    );
    let mut scene = Scene::new(&policy, &[("cov", "report", report)]);
    if let Some(patch) = patch {
        scene.changed_lines = changed_lines(patch.as_bytes(), &limits()).map_err(|error| error.to_string());
    }
    scene.judge()
}

const LCOV: &[u8] = b"TN:\nSF:src/a.rs\nDA:1,1\nDA:2,0\nDA:3,0\nend_of_record\n";

fn patch(path: &str, first: u32, lines: u32) -> String {
    let added = "+x\n".repeat(lines as usize);
    format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -0,0 +{first},{lines} @@\n{added}")
}

#[test]
fn the_lines_of_the_change_are_covered() {
    let judge = |keys: &str, patch: &str| diff_gate(keys, LCOV, Some(patch));
    let below = (Outcome::Fail, vec!["coverage.below"]);
    assert_eq!(told(&judge("", &patch("src/a.rs", 1, 2))), (Outcome::Pass, vec![]));
    let result = judge("", &patch("src/a.rs", 1, 3));
    assert_eq!(told(&result), below);
    assert_eq!(result.blockers[0].paths, ["src/a.rs"]);
    let both = patch("src/a.rs", 1, 1) + &patch("src/new.rs", 1, 2);
    assert_eq!(told(&judge("", &both)), below, "a changed file that the report does not have is uncovered");
    assert_eq!(told(&judge("diff_except = [\"**/new.rs\"]", &both)), (Outcome::Pass, vec![]));
    assert_eq!(told(&judge("diff_paths = [\"src/*.py\"]", &both)), (Outcome::Pass, vec![]));
    assert_eq!(told(&judge("diff_root = \"pkg\"", &patch("pkg/src/a.rs", 1, 1))), (Outcome::Pass, vec![]));
}

#[test]
fn a_change_without_lines_is_unmeasured() {
    let unavailable = (Outcome::Unmeasured, vec!["coverage.diff_unavailable"]);
    assert_eq!(told(&diff_gate("", LCOV, None)), unavailable);
    assert_eq!(told(&diff_gate("", LCOV, Some("<html>"))), unavailable);
    let totals = include_bytes!("../../tests/fixtures/coverage/jest.coverage-summary.json");
    assert_eq!(told(&diff_gate("", totals, Some(&patch("src/a.rs", 1, 1)))), unavailable);
}
