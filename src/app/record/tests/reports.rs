//! The command and its reports: what was written, what was left over, how it ended, what it looked at.
//! Named after the tools and accidents they stand for.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::*;
use crate::model::RelPath;

#[test]
fn a_report_is_copied_and_tied_to_the_head() {
    let place = Place::in_git();
    let recorded = place.record(&place.request("printf '<testsuite/>' >junit.xml; exit 1")).unwrap();
    assert_eq!((recorded.exit_code, recorded.failure.is_none()), (1, true));
    assert!(place.warnings.lock().unwrap().is_empty());
    let manifest = place.manifest();
    assert_eq!(manifest.target_sha.as_str(), place.git(&["rev-parse", "HEAD"]));
    assert_eq!(manifest.tree_sha.unwrap().as_str(), place.git(&["rev-parse", "HEAD^{tree}"]));
    assert_eq!((manifest.dirty, manifest.producer), (Some(false), None));
    let entry = &manifest.evidence[0];
    assert_eq!((entry.path.as_str(), entry.report, entry.exit_code), ("junit.xml", ReportState::Written, 1));
    let copy = fs::read(place.at("out/junit.xml")).unwrap();
    assert_eq!((entry.sha256.clone(), entry.bytes), (Some(Digest::of(&copy)), Some(copy.len() as u64)));
    assert_eq!(copy, b"<testsuite/>");
}

#[test]
fn the_stale_report_nextest_leaves_after_a_build_failure_is_unchanged() {
    let place = Place::outside_git();
    place.stale("junit.xml", "<testsuites tests='9'/>");
    let (recorded, entry) = place.entry("exit 101");
    assert_eq!((recorded.exit_code, entry.exit_code, entry.report), (101, 101, ReportState::Unchanged));
    assert_eq!((entry.sha256, entry.bytes), (None, None));
    assert!(!place.at("out/junit.xml").exists());
    place.warned_first("stale file");
}

#[test]
fn a_stale_report_that_only_changed_owner_or_mode_is_unchanged() {
    let place = Place::outside_git();
    place.stale("junit.xml", "<testsuites/>");
    assert_eq!(place.entry("chmod 600 junit.xml").1.report, ReportState::Unchanged);
}

#[test]
fn a_stale_report_in_the_out_folder_stays_without_a_hash() {
    let place = Place::outside_git();
    fs::create_dir(place.at("out")).unwrap();
    place.stale("out/junit.xml", "<testsuites/>");
    let request = RecordRequest {
        reports: only("out/junit.xml"),
        head: Some(HEAD.parse().unwrap()),
        ..place.request("true")
    };
    let entry = &place.record(&request).unwrap().entries[0];
    assert_eq!((entry.report, &entry.sha256), (ReportState::Unchanged, &None));
    assert!(place.at("out/junit.xml").exists());
}

#[test]
fn pytest_leaving_by_os_exit_writes_no_report_and_says_zero() {
    let (recorded, entry) = Place::outside_git().entry("exit 0");
    assert_eq!((recorded.exit_code, entry.report, entry.sha256), (0, ReportState::NotWritten, None));
}

#[test]
fn the_same_bytes_written_again_are_written() {
    let place = Place::outside_git();
    place.stale("junit.xml", "<testsuites/>");
    let (_, entry) = place.entry("printf '<testsuites/>' >junit.xml");
    assert_eq!((entry.report, entry.bytes), (ReportState::Written, Some(13)));
}

#[test]
fn a_command_killed_by_a_signal_is_recorded() {
    let (recorded, entry) = Place::outside_git().entry("kill -KILL $$");
    assert_eq!((recorded.exit_code, entry.exit_code, entry.signal), (137, 137, Some(9)));
}

#[test]
fn a_command_that_is_not_found_is_recorded() {
    let place = Place::outside_git();
    let request = RecordRequest {
        head: Some(HEAD.parse().unwrap()),
        command: vec![OsString::from("no-such-command-anywhere")],
        ..place.request("")
    };
    let recorded = place.record(&request).unwrap();
    assert_eq!((recorded.exit_code, place.manifest().evidence[0].exit_code), (127, 127));
    place.warned_first("not found");
}

#[test]
fn a_command_that_took_too_long_is_recorded() {
    let place = Place::outside_git();
    let request = RecordRequest {
        head: Some(HEAD.parse().unwrap()),
        timeout: Some(Duration::from_millis(20)),
        ..place.request("exec sleep 60")
    };
    assert_eq!(place.record(&request).unwrap().exit_code, 124);
    let entry = &place.manifest().evidence[0];
    assert_eq!((entry.exit_code, entry.timed_out, entry.signal), (124, true, Some(15)));
}

#[test]
fn a_huge_argument_is_passed_whole_and_recorded_cut() {
    let place = Place::in_git();
    let huge = "x".repeat(100_000);
    let mut request = place.request("printf '%s' \"$1\" | wc -c >junit.xml");
    request.command.extend(["sh".into(), huge.into()]);
    place.record(&request).unwrap();
    assert_eq!(fs::read_to_string(place.at("junit.xml")).unwrap().trim(), "100000");
    assert!(place.manifest().evidence[0].command[4].ends_with("… (100000 bytes in all)"));
}

#[test]
fn names_that_are_not_utf8_are_refused_where_they_would_be_listed() {
    let place = Place::in_git();
    let odd = PathBuf::from(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(place.folder.path().join(&odd)).unwrap();
    let with =
        |reports, inputs| RecordRequest { reports, inputs, ..place.request("echo a >caf\u{fffd}; true") };
    let named = vec![ReportRequest { path: odd.clone(), ..report("unit", "") }];
    let error = place.record(&with(named, vec![])).unwrap_err();
    assert!(matches!(error, RecordError::Usage(UsageError::ReportPath { .. })), "{error:?}");
    let error = place.record(&with(only("a.xml"), vec![odd.clone()])).unwrap_err();
    assert!(matches!(error, RecordError::Usage(UsageError::InputName(_))), "{error:?}");

    let below = vec![ReportRequest { path: odd.join("a.xml"), ..report("unit", "") }];
    let mut request = with(below, vec![]);
    request.command = vec!["sh".into(), "-c".into(), "echo a >\"$0\"/a.xml".into(), odd.into()];
    let entry = &place.record(&request).unwrap().entries[0];
    assert_eq!((entry.path.as_str(), entry.report), ("a.xml", ReportState::Written));
    assert_eq!(entry.command[3], "caf\u{fffd}");
}

#[test]
fn a_report_below_the_out_folder_stays_where_it_is() {
    let place = Place::in_git();
    // Neither folder is there before the command, and the path goes a long way round.
    let request = RecordRequest {
        reports: only("new/../out/deep/junit.xml"),
        ..place.request("mkdir -p new out/deep; echo a >out/deep/junit.xml")
    };
    let entry = &place.record(&request).unwrap().entries[0];
    assert_eq!((entry.path.as_str(), entry.report), ("deep/junit.xml", ReportState::Written));
    assert!(!place.at("out/junit.xml").exists());
}

#[test]
fn absolute_paths_are_as_good() {
    let place = Place::in_git();
    let request = RecordRequest {
        reports: only(place.at("junit.xml").to_str().unwrap()),
        out: place.at("out"),
        ..place.request("echo a >junit.xml")
    };
    let path: RelPath = "junit.xml".parse().unwrap();
    assert_eq!(place.record(&request).unwrap().entries[0].path, path);
    assert!(place.at("out/junit.xml").exists());
}

#[test]
fn inputs_are_hashed_before_the_command_changes_them() {
    let place = Place::in_git();
    fs::write(place.at("Cargo.lock"), "before").unwrap();
    fs::create_dir(place.at("src")).unwrap();
    let inputs = vec![PathBuf::from("Cargo.lock"), PathBuf::from("src")];
    let request = RecordRequest { inputs, ..place.request("echo after >Cargo.lock; echo a >junit.xml") };
    let inputs = place.record(&request).unwrap().entries[0].inputs.clone();
    assert_eq!(inputs["Cargo.lock"], Digest::of("before"));
    assert!(inputs["src"].binds_nothing());
    let request =
        RecordRequest { inputs: vec!["gone".into()], out: "other".into(), ..place.request("touch ran") };
    let error = place.record(&request).unwrap_err();
    assert!(matches!(error, RecordError::Usage(UsageError::Input { .. })), "{error:?}");
    assert!(!place.at("ran").exists());
}

#[test]
fn folders_links_and_patterns_are_no_reports() {
    let place = Place::in_git();
    fs::create_dir(place.at("surefire")).unwrap();
    std::os::unix::fs::symlink("surefire", place.at("link")).unwrap();
    for path in ["surefire", "link"] {
        let error =
            place.record(&RecordRequest { reports: only(path), ..place.request("true") }).unwrap_err();
        assert!(matches!(error, RecordError::Usage(UsageError::ReportKind { .. })), "{error:?}");
    }
    for (path, reserved) in [("a/*.xml", false), ("out/patchwarden-manifest.json", true)] {
        let error =
            place.record(&RecordRequest { reports: only(path), ..place.request("true") }).unwrap_err();
        let RecordError::Usage(error) = error else { panic!("{error:?}") };
        assert_eq!(matches!(error, UsageError::ReportPath { .. }), reserved, "{error:?}");
        assert_eq!(matches!(error, UsageError::Pattern(_)), !reserved, "{error:?}");
    }
    let made = place.record(&place.request("ln -s tracked junit.xml")).unwrap();
    assert_eq!(made.entries[0].report, ReportState::NotWritten);
    place.warned_first("a link");
}

#[test]
fn a_clock_set_back_does_not_turn_the_times_round() {
    let place = Place::in_git();
    let times = Mutex::new(vec![50, 100]);
    let clock = || Timestamp::from_unix(times.lock().unwrap().pop().unwrap());
    let entry = &record(&place.request("true"), &place.env, &clock, &mut Vec::new()).unwrap().entries[0];
    assert_eq!((entry.started_at.unix(), entry.finished_at.unix()), (100, 100));
}

#[test]
fn requests_that_ask_for_nothing_are_refused() {
    let place = Place::in_git();
    let base = place.request("true");
    for (request, words) in [
        (RecordRequest { command: vec![], ..base.clone() }, "no command"),
        (RecordRequest { reports: vec![], ..base.clone() }, "no report"),
        (RecordRequest { timeout: Some(Duration::ZERO), ..base }, "--timeout"),
    ] {
        let error = place.record(&request).unwrap_err();
        assert!(matches!(error, RecordError::Usage(_)) && error.to_string().contains(words), "{error}");
    }
}
