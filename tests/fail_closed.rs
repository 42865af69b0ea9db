//! Three properties of every judgement. Evidence that is removed, cut or aged never passes; every output names the
//! same gates; exit code 0 if and only if the verdict is `pass` and every output was written. And a panic is exit 1.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use patchwarden::evidence::{Format, Limits};
use proptest::prelude::*;

use crate::support::evidence::{Artifact, Recorded, write};
use crate::support::outputs::{self, Judged};
use crate::support::program::{Ran, command, finish};
use crate::support::{HEAD, NOW, fixture};

/// A piece of evidence in a green and a red form.
struct Piece {
    id: &'static str,
    format: &'static str,
    gate: &'static str,
    tool: &'static str,
    green: fn() -> Vec<u8>,
    red: fn() -> Vec<u8>,
    red_exit: i32,
}

const PIECES: [Piece; 5] = [
    Piece {
        id: "unit",
        format: "junit",
        gate: "kind = \"tests\"",
        tool: "pytest",
        green: || fixture("pytest/pass.xunit2.xml"),
        red: || fixture("pytest/mixed-fail.xunit2.xml"),
        red_exit: 1,
    },
    Piece {
        id: "lint",
        format: "sarif",
        gate: "kind = \"findings\"",
        tool: "ruff",
        green: || fixture("ruff/clean.sarif"),
        red: || fixture("ruff/fail.sarif"),
        red_exit: 1,
    },
    Piece {
        id: "python",
        format: "cobertura",
        gate: "kind = \"coverage\"\nmin_lines = 50.0",
        tool: "coverage",
        green: || fixture("coverage/coveragepy.cobertura.xml"),
        red: || fixture("coverage/coveragepy.nothing-covered.cobertura.xml"),
        red_exit: 0,
    },
    Piece {
        id: "javascript",
        format: "lcov",
        gate: "kind = \"coverage\"\nmin_lines = 50.0",
        tool: "jest",
        green: || fixture("coverage/jest.lcov.info"),
        red: || b"SF:a.js\nDA:1,0\nDA:2,1\nDA:3,0\nend_of_record\n".to_vec(),
        red_exit: 0,
    },
    Piece {
        id: "smoke",
        format: "json",
        gate: "kind = \"json\"\nrequire = \"doc.ok\"",
        tool: "smoke",
        green: || b"{ \"ok\": true }\n".to_vec(),
        red: || b"{ \"ok\": false }\n".to_vec(),
        red_exit: 0,
    },
];

/// What is done to a piece after it was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Harm {
    RemoveArtifact,
    RemoveReport,
    RemoveManifest,
    /// To this many thousandths of its length.
    CutReport(usize),
    CutManifest(usize),
    EmptyReport,
}

/// One piece of one generated judgement.
#[derive(Debug, Clone, Copy)]
struct Plan {
    is_green: bool,
    is_optional: bool,
    is_zip: bool,
    harm: Option<Harm>,
}

impl Plan {
    /// Whether its absence is what the policy calls a skip.
    fn may_be_skipped(self) -> bool {
        self.is_optional && matches!(self.harm, Some(Harm::RemoveArtifact | Harm::RemoveReport))
    }
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        Just(Harm::RemoveArtifact),
        Just(Harm::RemoveReport),
        Just(Harm::RemoveManifest),
        (0_usize..1000).prop_map(Harm::CutReport),
        (0_usize..1000).prop_map(Harm::CutManifest),
        Just(Harm::EmptyReport),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let harm = proptest::option::weighted(0.3, harm());
    (proptest::bool::weighted(0.85), proptest::bool::weighted(0.3), any::<bool>(), harm)
        .prop_map(|(is_green, is_optional, is_zip, harm)| Plan { is_green, is_optional, is_zip, harm })
}

fn cut(bytes: &mut Vec<u8>, thousandths: usize) {
    bytes.truncate(bytes.len() * thousandths / 1000);
}

const MANIFEST: &str = "patchwarden-manifest.json";

/// Writes a piece as planned.
fn lay_out(evidence: &Path, piece: &Piece, plan: Plan) {
    let bytes = if plan.is_green { (piece.green)() } else { (piece.red)() };
    let recorded = Recorded {
        id: piece.id,
        format: piece.format,
        path: "report",
        tool: piece.tool,
        exit_code: if plan.is_green { 0 } else { piece.red_exit },
        with_input: true,
    };
    let mut artifact = Artifact::of("report", bytes).recorded(&[recorded]);
    match plan.harm {
        Some(Harm::RemoveArtifact) => return,
        Some(Harm::RemoveReport) => drop(artifact.files.remove("report")),
        Some(Harm::RemoveManifest) => drop(artifact.files.remove(MANIFEST)),
        Some(Harm::CutReport(to)) => cut(artifact.files.get_mut("report").unwrap(), to),
        Some(Harm::CutManifest(to)) => cut(artifact.files.get_mut(MANIFEST).unwrap(), to),
        Some(Harm::EmptyReport) => artifact.files.get_mut("report").unwrap().clear(),
        None => {}
    }
    if plan.is_zip {
        artifact.write_zip(evidence, piece.id, false);
    } else {
        artifact.write_folder(evidence, piece.id);
    }
}

/// Lays out evidence and policy in a folder.
fn prepare(folder: &Path, plans: &[Plan]) {
    let mut policy = "version = 1\n".to_owned();
    std::fs::create_dir_all(folder.join("evidence")).unwrap();
    for (piece, plan) in PIECES.iter().zip(plans) {
        lay_out(&folder.join("evidence"), piece, *plan);
        let Piece { id, format, gate, .. } = piece;
        let _ = write!(
            policy,
            "[evidence.{id}]\nartifact = \"{id}\"\npath = \"report\"\nformat = \"{format}\"\n\
             require_binding = [\"manifest\"]\nmax_age = \"2h\"\noptional = {}\n\
             [[gate]]\nid = \"{id}\"\nevidence = [\"{id}\"]\n{gate}\n",
            plan.is_optional
        );
    }
    write(&folder.join("policy.toml"), policy.as_bytes());
}

fn judge(folder: &Path, plans: &[Plan], now: &str) -> Judged {
    prepare(folder, plans);
    outputs::gate(folder, HEAD, &["--policy", "policy.toml", "--now", now])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn removed_cut_or_aged_evidence_never_passes(
        plans in proptest::collection::vec(plan(), PIECES.len()),
        is_old in proptest::bool::weighted(0.15),
    ) {
        let scratch = tempfile::tempdir().unwrap();
        let now = if is_old { "2026-09-01T13:00:01Z" } else { "2026-09-01T13:00:00Z" };
        let judged = judge(scratch.path(), &plans, now);
        let mut passing = 0;
        let mut keeps_from_passing = false;
        for (piece, plan) in PIECES.iter().zip(&plans) {
            let outcome = judged.outcome(piece.id);
            if plan.may_be_skipped() {
                prop_assert_eq!(outcome, "skipped");
            } else if plan.harm.is_some() || is_old || !plan.is_green {
                prop_assert!(matches!(outcome, "fail" | "unmeasured"), "{}: {outcome}, {plan:?}", piece.id);
                keeps_from_passing = true;
            } else {
                prop_assert_eq!(outcome, "pass", "{}: {}", piece.id, judged.ran.stdout);
                passing += 1;
            }
        }
        let passes = !keeps_from_passing && passing > 0;
        prop_assert_eq!(judged.verdict() == "pass", passes);
        prop_assert_eq!(judged.ran.exit == 0, passes);
        // A skip, like everything else that did not pass, stands in every output.
        prop_assert_eq!(judged.outputs_agree(), Ok(()));
    }

    #[test]
    fn a_report_cut_anywhere_is_refused_by_its_reader(thousandths in 0_usize..1000, which in 0_usize..6) {
        // LCOV has no end of its own: cut after an `end_of_record` it is a whole, smaller tracefile, and only the hash
        // in a manifest tells. Cut anywhere else it is refused like the others.
        let (path, format) = [
            ("pytest/mixed-fail.xunit2.xml", Format::Junit),
            ("nextest/mixed-all.xml", Format::Junit),
            ("eslint/fail.sarif", Format::Sarif),
            ("coverage/jest.cobertura.xml", Format::Cobertura),
            ("cargo-audit/vulnerable.json", Format::Json),
            ("coverage/jest.lcov.info", Format::Lcov),
        ][which];
        let whole = fixture(path);
        prop_assert!(format.parse(&mut whole.as_slice(), &Limits::default()).is_ok());
        let end = whole.trim_ascii_end().len();
        let cut = &whole[..end * thousandths / 1000];
        prop_assert!(format.parse(&mut &*cut, &Limits::default()).is_err(), "{path} cut to {} bytes", cut.len());
    }
}

/// What keeps an output from being written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Obstacle {
    None,
    /// `--out` is a file.
    OutIsAFile,
    /// A folder stands where this output belongs.
    Blocked(&'static str),
    StdoutClosed,
    StdoutFull,
}

const OUTPUTS: [&str; 3] = ["gate_report.json", "repair_instruction.json", "summary.md"];

fn run_past(folder: &Path, obstacle: Obstacle, form: &str) -> Ran {
    let out = folder.join("out");
    match obstacle {
        Obstacle::OutIsAFile => write(&out, b"a file"),
        Obstacle::Blocked(name) => std::fs::create_dir_all(out.join(name)).unwrap(),
        Obstacle::None | Obstacle::StdoutClosed | Obstacle::StdoutFull => {}
    }
    let arguments =
        ["gate", "--evidence", "evidence", "--head", HEAD, "--now", NOW, "--policy", "policy.toml"];
    let mut command = command(folder, &[&arguments[..], &["--out", "out", "--format", form]].concat());
    match obstacle {
        Obstacle::StdoutClosed => {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            command.stdout(writer);
        }
        Obstacle::StdoutFull => {
            command.stdout(Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap()));
        }
        _ => {}
    }
    finish(command)
}

#[test]
fn exit_0_is_a_pass_whose_every_output_was_written() {
    let mut obstacles =
        vec![Obstacle::None, Obstacle::OutIsAFile, Obstacle::StdoutClosed, Obstacle::StdoutFull];
    obstacles.extend(OUTPUTS.map(Obstacle::Blocked));
    let green = Plan { is_green: true, is_optional: false, is_zip: false, harm: None };
    for obstacle in obstacles {
        for is_green in [true, false] {
            for form in ["text", "json"] {
                let scratch = tempfile::tempdir().unwrap();
                prepare(scratch.path(), &[Plan { is_green, ..green }; PIECES.len()]);
                let ran = run_past(scratch.path(), obstacle, form);
                let expected = match (is_green, obstacle) {
                    (true, Obstacle::None) => 0,
                    (true, _) => 5,
                    (false, _) => 11,
                };
                assert_eq!(ran.exit, expected, "{obstacle:?} {form}: {}", ran.stderr);
                assert_eq!(ran.stderr.is_empty(), obstacle == Obstacle::None, "{obstacle:?}: {}", ran.stderr);
                assert_others_written(scratch.path(), obstacle);
            }
        }
    }
}

/// What one output's failure must not take with it.
fn assert_others_written(folder: &Path, obstacle: Obstacle) {
    if obstacle == Obstacle::OutIsAFile {
        return;
    }
    for name in OUTPUTS {
        let path = folder.join("out").join(name);
        assert_eq!(path.is_file(), obstacle != Obstacle::Blocked(name), "{obstacle:?}: {name}");
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.join("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), OUTPUTS.len(), "{left:?}");
}

#[test]
fn a_panic_is_exit_1_and_not_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let two = ["--repo", "o/a", "--repo", "o/b"];
    let fixed =
        ["digest", "--offline", "--cache", "cache", "--server", "https://forge.example", "--now", NOW];
    let mut command = command(folder.path(), &[&fixed[..], &two].concat());
    // No machine gives a thread a stack of this size, and starting one is what panics then.
    command.env("RUST_MIN_STACK", (1_u64 << 46).to_string());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("panicked"), "it did panic: {said}");
    assert!(
        said.ends_with("error: an unexpected failure: this is a bug, and what it left is no result\n"),
        "{said}"
    );
}
