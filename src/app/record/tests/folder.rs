//! The folder a record goes to: shared, taken, lost, or not to be had.
//! A record never overwrites another, and a command that failed keeps its code.

use super::*;

#[test]
fn two_records_share_a_folder() {
    let place = Place::in_git();
    place.record(&place.request("echo a >junit.xml")).unwrap();
    let second = RecordRequest { reports: vec![report("lint", "b.xml")], ..place.request("echo b >b.xml") };
    place.record(&second).unwrap();
    let ids: Vec<_> = place.manifest().evidence.iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(ids, ["unit", "lint"]);
}

#[test]
fn two_records_at_once_both_land() {
    let place = Place::in_git();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let place = &place;
            scope.spawn(move || {
                let path = format!("{name}.xml");
                let request = RecordRequest {
                    reports: vec![report(name, &path)],
                    ..place.request(&format!("echo {name} >{path}"))
                };
                place.record(&request).unwrap();
            });
        }
    });
    let manifest = place.manifest();
    let ids: std::collections::BTreeSet<_> =
        manifest.evidence.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c", "d"].into());
    let left: Vec<_> =
        fs::read_dir(place.at("out")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 5, "four reports, one manifest, no lock and no remains: {left:?}");
}

#[test]
fn an_id_or_name_that_is_taken_is_refused_before_the_command_runs() {
    let place = Place::in_git();
    place.record(&place.request("echo a >junit.xml")).unwrap();
    let refused = |reports| {
        let request = RecordRequest { reports, ..place.request("touch ran") };
        let error = place.record(&request).unwrap_err();
        assert!(!place.at("ran").exists());
        error
    };
    let clash = |error| match error {
        RecordError::Usage(UsageError::Clash(clash)) => clash,
        other => panic!("{other:?}"),
    };
    assert!(matches!(clash(refused(only("other.xml"))), Clash::Id(_)));
    assert!(matches!(clash(refused(vec![report("lint", "sub/junit.xml")])), Clash::Path(_)));
    let twice = vec![report("a", "a.xml"), report("a", "b.xml")];
    assert!(matches!(refused(twice), RecordError::Usage(UsageError::IdTwice(_))));
    let same_name = vec![report("a", "x/r.xml"), report("b", "y/r.xml")];
    assert!(matches!(refused(same_name), RecordError::Usage(UsageError::PathTwice(_))));
}

#[test]
fn an_id_taken_while_the_command_ran_fails_a_green_command_and_copies_nothing() {
    let place = Place::in_git();
    let other = RecordRequest { out: PathBuf::from("prepared"), ..place.request("echo other >junit.xml") };
    place.record(&other).unwrap();
    let script = |exit| format!("echo mine >junit.xml; rm -rf out; cp -r prepared out; exit {exit}");
    let error = place.record(&place.request(&script(0))).unwrap_err();
    assert!(matches!(error, RecordError::Output(OutputError::Clash(Clash::Id(_)))), "{error:?}");
    assert_eq!(fs::read(place.at("out/junit.xml")).unwrap(), b"other\n");

    fs::remove_dir_all(place.at("out")).unwrap();
    let recorded = place.record(&place.request(&script(7))).unwrap();
    assert_eq!((recorded.exit_code, recorded.entries.len()), (7, 0));
    assert!(matches!(recorded.failure, Some(OutputError::Clash(Clash::Id(_)))));
}

#[test]
fn a_folder_of_another_head_or_attempt_is_refused() {
    let mut place = Place::in_git();
    place.record(&place.request("echo a >junit.xml")).unwrap();
    let next = RecordRequest { reports: vec![report("lint", "b.xml")], ..place.request("true") };
    place.env.insert("GITHUB_RUN_ATTEMPT".to_owned(), "2".to_owned());
    let error = place.record(&next).unwrap_err();
    assert!(matches!(error, RecordError::Usage(UsageError::Clash(Clash::Origin(_)))), "{error:?}");
    place.git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    let error = place.record(&next).unwrap_err();
    assert!(matches!(error, RecordError::Usage(UsageError::Clash(Clash::Head { .. }))), "{error:?}");
}

#[test]
fn an_out_folder_that_cannot_be_is_said_before_the_command_runs() {
    let place = Place::in_git();
    fs::write(place.at("out"), "a file").unwrap();
    let error = place.record(&place.request("touch ran")).unwrap_err();
    assert!(matches!(&error, RecordError::Output(output) if output.is_early()), "{error:?}");
    assert!(!place.at("ran").exists());
}

#[test]
fn an_out_folder_lost_to_the_command_fails_a_green_one_and_leaves_a_red_one_its_code() {
    let place = Place::in_git();
    let error = place.record(&place.request("rm -rf out; echo a >out")).unwrap_err();
    assert!(matches!(&error, RecordError::Output(output) if !output.is_early()), "{error:?}");
    fs::remove_file(place.at("out")).unwrap();
    let recorded = place.record(&place.request("rm -rf out; echo a >out; exit 9")).unwrap();
    assert_eq!(recorded.exit_code, 9);
    assert!(matches!(recorded.failure, Some(OutputError::Folder { .. })));
}

#[test]
fn an_out_folder_removed_by_the_command_is_made_again() {
    let place = Place::in_git();
    let recorded = place.record(&place.request("rm -rf out; echo a >junit.xml")).unwrap();
    assert_eq!(recorded.exit_code, 0);
    assert!(place.at("out/junit.xml").exists());
}

#[test]
fn a_manifest_cut_off_by_a_full_disk_is_not_added_to() {
    let place = Place::in_git();
    fs::create_dir(place.at("out")).unwrap();
    fs::write(place.at("out/patchwarden-manifest.json"), "{\"schema\":").unwrap();
    let error = place.record(&place.request("touch ran")).unwrap_err();
    assert!(matches!(&error, RecordError::Output(output) if output.is_early()), "{error:?}");
    assert!(!place.at("ran").exists());
}
