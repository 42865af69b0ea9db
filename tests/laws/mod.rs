//! The laws of the house (DESIGN section 2) as greps over `src`: who may import whom, and which names stay where.
//! Test modules are left out: they may read fixtures and print.

mod rules;
mod source;

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{here, source_files};

use source::Source;

/// Every source file of the program without its test modules, by path below `src`. A crate is a module of its name.
fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    for path in source_files() {
        let shown = path.strip_prefix(here("")).unwrap().to_str().unwrap().to_owned();
        let name = match shown.strip_prefix("crates/").and_then(|rest| rest.split_once("/src/")) {
            Some((name, "lib.rs")) => format!("{name}/mod.rs"),
            Some((name, file)) => format!("{name}/{file}"),
            None => shown.strip_prefix("src/").unwrap().to_owned(),
        };
        files.push(Source::read(&name, &std::fs::read_to_string(&path).unwrap()));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let tests: BTreeSet<String> = files.iter().flat_map(Source::test_files).collect();
    files.retain(|file| {
        let folder = |test: &String| file.path.starts_with(&format!("{}/", test.trim_end_matches(".rs")));
        !tests.contains(&file.path) && !tests.iter().any(|test| folder(test) || is_mod_of(test, &file.path))
    });
    files
}

/// Whether `path` is `x/mod.rs` for the test module `x.rs`.
fn is_mod_of(test: &str, path: &str) -> bool {
    Path::new(path) == Path::new(test.trim_end_matches(".rs")).join("mod.rs")
}

fn assert_kept(law: fn(&Source) -> Vec<String>) {
    let files = sources();
    assert!(files.len() > 50, "the sources were not found");
    let broken: Vec<String> = files.iter().flat_map(law).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn law_1_layers_import_only_what_lies_below() {
    assert_kept(rules::layers);
}

#[test]
fn law_1_the_core_touches_no_outside() {
    assert_kept(rules::purity);
}

#[test]
fn law_2_crates_stay_where_they_belong() {
    assert_kept(rules::crates);
}

#[test]
fn law_3_printing_and_exit_codes_have_one_place() {
    assert_kept(rules::printing);
    assert_kept(rules::exit_codes);
}

#[test]
fn law_4_wire_types_are_private() {
    assert_kept(rules::wire);
}

#[test]
fn every_file_stays_readable() {
    assert_kept(rules::size);
}
