//! Input built to break a reader: each gives a named code or error and its exit, outputs are still written,
//! and sound evidence beside it is still judged. What fits a text file is the case `reports-built-to-mislead`.

use std::io::{Cursor, Write as _};
use std::path::Path;

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::support::evidence::{Artifact, write};
use crate::support::outputs::{self, Judged};
use crate::support::program::run;
use crate::support::{HEAD, fixture};

/// One artifact named `bad` with evidence `bad` of this format, and a sound one beside it.
fn judge_beside_a_sound_one(format: &str, kind: &str, keys: &str, put: impl Fn(&Path)) -> Judged {
    let scratch = tempfile::tempdir().unwrap();
    let evidence = scratch.path().join("evidence");
    Artifact::of("junit.xml", fixture("pytest/pass.xunit2.xml")).write_folder(&evidence, "sound");
    put(&evidence);
    let policy = format!(
        "version = 1\n\
         [evidence.bad]\nartifact = \"bad\"\nformat = \"{format}\"\n\
         [evidence.sound]\nartifact = \"sound\"\nformat = \"junit\"\n\
         [[gate]]\nid = \"bad\"\nkind = \"{kind}\"\nevidence = [\"bad\"]\n{keys}\n\
         [[gate]]\nid = \"sound\"\nkind = \"tests\"\nevidence = [\"sound\"]\n"
    );
    write(&scratch.path().join("policy.toml"), policy.as_bytes());
    let judged = outputs::gate(scratch.path(), HEAD, &["--policy", "policy.toml"]);
    assert_eq!(judged.outcome("sound"), "pass", "the sound evidence was not judged: {judged:?}");
    assert_eq!(judged.outputs_agree(), Ok(()));
    judged
}

fn judge_junit(put: impl Fn(&Path)) -> Judged {
    judge_beside_a_sound_one("junit", "tests", "", put)
}

/// Asserts how the bad gate ended: its one code and the exit code of the run.
fn assert_refused(judged: &Judged, code: &str, exit: i32) {
    assert_eq!((judged.codes("bad"), judged.ran.exit), (vec![code], exit), "{}", judged.ran.stdout);
}

fn put_report(bytes: &[u8]) -> impl Fn(&Path) + '_ {
    move |evidence| write(&evidence.join("bad/report"), bytes)
}

fn put_zip(bytes: &[u8]) -> impl Fn(&Path) + '_ {
    move |evidence| write(&evidence.join("bad.zip"), bytes)
}

fn zip(fill: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    fill(&mut writer);
    writer.finish().unwrap().into_inner()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip(|writer| {
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
    })
}

fn utf16(text: &str, little: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}

#[test]
fn an_empty_or_binary_report_is_malformed() {
    let png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\xff\xfe\x00";
    for bytes in [&b""[..], b" \n", png, &[0xff; 4096], &[0; 4096]] {
        for (format, kind, keys) in [
            ("junit", "tests", ""),
            ("sarif", "findings", ""),
            ("cobertura", "coverage", "min_lines = 1.0"),
            ("lcov", "coverage", "min_lines = 1.0"),
            ("json", "json", "require = \"doc.ok\""),
            ("auto", "presence", ""),
        ] {
            let judged = judge_beside_a_sound_one(format, kind, keys, put_report(bytes));
            assert_refused(&judged, "evidence.malformed", 11);
        }
    }
}

#[test]
fn utf16_is_read_as_the_text_it_is() {
    let green = "<testsuites><testsuite name=\"s\"><testcase name=\"t\"/></testsuite></testsuites>";
    let red = "<testsuites><testsuite name=\"s\"><testcase name=\"t\"><failure/></testcase></testsuite></testsuites>";
    for little in [true, false] {
        assert_eq!(judge_junit(put_report(&utf16(green, little))).outcome("bad"), "pass");
        assert_refused(&judge_junit(put_report(&utf16(red, little))), "tests.failed", 11);
    }
    let mut cut = utf16(green, true);
    cut.truncate(cut.len() - 9);
    assert_refused(&judge_junit(put_report(&cut)), "evidence.malformed", 11);
}

#[test]
fn utf16_json_is_refused_or_read_but_never_passes_for_something_else() {
    let judged = judge_beside_a_sound_one(
        "json",
        "json",
        "require = \"doc.ok\"",
        put_report(&utf16("{\"ok\": false}", true)),
    );
    assert_eq!(judged.outcome("bad"), "fail");
    assert_eq!(judged.ran.exit, 11);
}

#[test]
fn twenty_thousand_levels_are_too_large_in_every_format() {
    let deep = |open: &str, close: &str, from: &str, to: &str| {
        format!("{from}{}{}{to}", open.repeat(20_000), close.repeat(20_000))
    };
    let suites = deep("<testsuite>", "</testsuite>", "<testsuites>", "</testsuites>");
    assert_refused(&judge_junit(put_report(suites.as_bytes())), "evidence.too_large", 12);
    let packages = deep("<p>", "</p>", "<coverage>", "</coverage>");
    let judged =
        judge_beside_a_sound_one("cobertura", "coverage", "min_lines = 1.0", put_report(packages.as_bytes()));
    assert_refused(&judged, "evidence.too_large", 12);
    let lists = deep("[", "]", "{\"ok\":", "}");
    let judged =
        judge_beside_a_sound_one("json", "json", "require = \"doc.ok\"", put_report(lists.as_bytes()));
    assert_refused(&judged, "evidence.too_large", 12);
    let runs = deep("[", "]", "{\"version\":\"2.1.0\",\"runs\":[],\"properties\":", "}");
    let judged = judge_beside_a_sound_one("sarif", "findings", "", put_report(runs.as_bytes()));
    assert_refused(&judged, "evidence.too_large", 12);
}

#[test]
fn a_deep_manifest_is_refused_and_does_not_crash() {
    let judged = judge_junit(|evidence| {
        Artifact::of("junit.xml", fixture("pytest/pass.xunit2.xml")).write_folder(evidence, "bad");
        write(&evidence.join("bad/patchwarden-manifest.json"), "[".repeat(20_000).as_bytes());
    });
    assert_refused(&judged, "evidence.manifest_malformed", 11);
}

#[test]
fn a_zip_with_a_link_is_malformed() {
    let bytes = zip(|writer| {
        writer.add_symlink("report.xml", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    });
    assert_refused(&judge_junit(put_zip(&bytes)), "evidence.malformed", 11);
}

#[test]
fn a_zip_whose_names_climb_is_malformed_and_nothing_is_written_outside() {
    let junit = fixture("pytest/pass.xunit2.xml");
    for name in
        ["../../escaped.xml", "/tmp/patchwarden-escaped.xml", "a/../../escaped.xml", "..\\escaped.xml"]
    {
        assert_refused(&judge_junit(put_zip(&zip_of(&[(name, &junit)]))), "evidence.malformed", 11);
    }
    assert!(!Path::new("/tmp/patchwarden-escaped.xml").exists());
}

#[test]
fn a_zip_bomb_is_too_large() {
    let bytes = zip_of(&[("junit.xml", &vec![b' '; 17 * 1024 * 1024])]);
    assert!(bytes.len() < 100_000);
    assert_refused(&judge_junit(put_zip(&bytes)), "evidence.too_large", 12);
}

#[test]
fn a_zip_with_more_files_than_the_bound_is_too_large() {
    let bytes = zip(|writer| {
        for number in 0..20_001 {
            writer.start_file(number.to_string(), SimpleFileOptions::default()).unwrap();
        }
    });
    assert_refused(&judge_junit(put_zip(&bytes)), "evidence.too_large", 12);
}

#[test]
fn a_zip_that_is_cut_or_none_is_malformed() {
    let whole = zip_of(&[("junit.xml", &fixture("pytest/pass.xunit2.xml"))]);
    for bytes in [&b""[..], b"not a zip", &whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
        assert_refused(&judge_junit(put_zip(bytes)), "evidence.malformed", 11);
    }
}

#[test]
fn two_artifacts_of_one_name_are_ambiguous() {
    let artifact = Artifact::of("junit.xml", fixture("pytest/pass.xunit2.xml"));
    let judged = judge_junit(|evidence| {
        artifact.write_folder(evidence, "bad");
        artifact.write_zip(evidence, "bad", false);
    });
    assert_refused(&judged, "evidence.ambiguous", 11);
}

#[cfg(unix)]
#[test]
fn links_in_an_evidence_folder_are_not_followed() {
    use std::os::unix::fs::symlink;
    let judged = judge_junit(|evidence| {
        std::fs::create_dir(evidence.join("bad")).unwrap();
        symlink(evidence.join("sound/junit.xml"), evidence.join("bad/junit.xml")).unwrap();
    });
    assert_refused(&judged, "evidence.malformed", 11);
    let judged = judge_junit(|evidence| symlink(evidence.join("sound"), evidence.join("bad")).unwrap());
    assert_refused(&judged, "evidence.malformed", 11);
}

#[cfg(unix)]
#[test]
fn a_file_name_that_is_no_text_is_malformed() {
    use std::os::unix::ffi::OsStrExt as _;
    let judged = judge_junit(|evidence| {
        let name = std::ffi::OsStr::from_bytes(b"\xff.xml");
        write(&evidence.join("bad").join(name), b"<testsuites/>");
    });
    assert_refused(&judged, "evidence.malformed", 11);
}

#[test]
fn a_policy_that_is_absent_no_text_or_no_file_is_exit_3_and_the_report_says_so() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::create_dir(scratch.path().join("evidence")).unwrap();
    write(&scratch.path().join("binary.toml"), b"version = \xff\n");
    write(&scratch.path().join("broken.toml"), b"version = = 1\n[[gate\n");
    for policy in ["absent.toml", "binary.toml", "broken.toml", "evidence"] {
        let judged = outputs::gate(scratch.path(), HEAD, &["--policy", policy]);
        assert_eq!((judged.ran.exit, judged.verdict()), (3, "none"), "{policy}");
        assert!(judged.ran.stderr.starts_with("error: no verdict was produced\n"), "{}", judged.ran.stderr);
        assert!(judged.packet.is_null() && judged.report["error"]["exit_code"] == 3);
        assert!(judged.summary.starts_with("# ✖ No verdict was produced\n"));
    }
}

#[test]
fn a_packet_of_an_earlier_run_does_not_outlive_a_run_without_a_verdict() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::create_dir(scratch.path().join("evidence")).unwrap();
    assert_eq!(outputs::gate(scratch.path(), HEAD, &[]).ran.exit, 12);
    assert!(scratch.path().join("out/repair_instruction.json").exists());
    let judged = outputs::gate(scratch.path(), "main", &[]);
    assert_eq!((judged.ran.exit, judged.packet.is_null()), (4, true));
}

#[test]
fn evidence_that_is_no_folder_is_exit_4() {
    let scratch = tempfile::tempdir().unwrap();
    let judged = outputs::gate(scratch.path(), HEAD, &[]);
    assert_eq!((judged.ran.exit, judged.verdict()), (4, "none"));
    assert!(judged.ran.stderr.contains("`evidence` could not be listed"), "{}", judged.ran.stderr);
}

#[test]
fn arguments_nobody_knows_are_exit_2_and_nothing_is_written() {
    let scratch = tempfile::tempdir().unwrap();
    for arguments in [&["gate", "--evidence", "x", "--haed", HEAD][..], &["judge"], &[]] {
        let ran = run(scratch.path(), arguments);
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(!ran.stderr.is_empty());
    }
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}
