//! What the functions cost that every judgement goes through, over genuine reports of the samples:
//! `cargo bench --bench functions`. For comparing a change with what was there before it, on one machine.

#![expect(clippy::expect_used, reason = "the inputs are ours, and a bench that cannot begin shall end")]

use std::path::Path;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use patchwarden::app::Command;
use patchwarden::evidence::source::MemoryFiles;
use patchwarden::evidence::{Content, Limits, read};
use patchwarden::gate::Gates;
use patchwarden::model::{Digest, sanitize};
use patchwarden::policy::Policy;

fn main() {
    divan::main();
}

fn file(path: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn fixture(path: &str) -> Vec<u8> {
    file(&format!("tests/fixtures/{path}"))
}

fn content(bytes: &[u8]) -> Content {
    let mut source = MemoryFiles(vec![("report", bytes)]);
    let inspected = read::inspect(&mut source, None, &Limits::default()).expect("a sample can be read");
    let reading = inspected.readings.into_iter().next().expect("there is one file");
    reading.result.expect("a sample is well formed").into_content()
}

/// Recognising, hashing and parsing a report.
#[divan::bench(args = [
    "pytest/mixed-fail.xunit2.xml",
    "huge/pytest-30000-tests.xml",
    "huge/node-200-nested-suites.xml",
    "huge/ruff-6000-findings.sarif",
    "fallow-py/demo.full-report.json",
    "go/go-test.jsonl",
    "coverage/coveragepy.cobertura.xml",
    "coverage/jest.lcov.info",
    "coverage/jest.coverage-final.json",
])]
fn inspect(bencher: Bencher, path: &str) {
    let bytes = fixture(path);
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| content(black_box(&bytes)));
}

/// What a report has that the base's has not, where they are the same.
#[divan::bench]
fn nothing_new(bencher: Bencher) {
    let Content::Findings(report) = content(&fixture("huge/ruff-6000-findings.sarif")) else {
        panic!("it is a report of findings")
    };
    bencher.bench_local(|| black_box(&report).new_against(black_box(&report)));
}

/// What changed between two test reports, where nothing did.
#[divan::bench]
fn no_test_removed(bencher: Bencher) {
    let Content::Tests(report) = content(&fixture("huge/pytest-30000-tests.xml")) else {
        panic!("it is a report of tests")
    };
    bencher.bench_local(|| black_box(&report.roll).changes(black_box(&report.roll), 10));
}

/// Reading a policy and building its gates.
#[divan::bench(args = [".forgejo/patchwarden.toml", "examples/contracts/patchwarden.policy.v1.toml"])]
fn policy(bencher: Bencher, path: &str) {
    let text = String::from_utf8(file(path)).expect("a policy is text");
    bencher.bench_local(|| {
        let (policy, problems) = Policy::read(black_box(&text)).expect("it is TOML");
        assert!(problems.is_empty());
        Gates::build(&policy).map(|gates| gates.ids().count()).map_err(|problems| problems.len())
    });
}

/// Cleaning a text of a report: a plain one, and one with characters that are shown as their numbers.
#[divan::bench(args = ["plain", "hidden"])]
fn clean(bencher: Bencher, which: &str) {
    let text = match which {
        "plain" => "a plain message of one line that a tool might write",
        _ => "a\u{202e}b\u{1b}[31mred\u{200b}\u{0} text",
    };
    bencher.bench_local(|| sanitize(black_box(text), 400));
}

#[divan::bench(args = [64, 65_536, 4_194_304])]
fn sha256(bencher: Bencher, length: usize) {
    let bytes = vec![b'x'; length];
    bencher.counter(BytesCount::new(length)).bench_local(|| Digest::of(black_box(&bytes)));
}

/// The arguments of a gate.
#[divan::bench]
fn arguments() -> Command {
    let words = [
        "patchwarden",
        "gate",
        "--evidence",
        "artifacts",
        "--head",
        "0123456789abcdef0123456789abcdef01234567",
    ];
    match patchwarden::cli::parse(words.map(Into::into)) {
        Ok(patchwarden::cli::Parsed::Run(command)) => *command,
        _ => panic!("they are those of a gate"),
    }
}
