//! The comment of the week: one on the one open issue with the label, updated in place, refused where that is unclear.

use std::path::Path;

use serde_json::Value;

use crate::cases::wire;
use crate::fake_forge::{FakeForge, Version};
use crate::support::evidence::write;
use crate::support::fixture;
use crate::support::program::{Ran, command, finish};

const LABEL: &str = "pyfallow-dogfood-evidence-inbox";

fn post(forge: &FakeForge, folder: &Path, week: &str) -> Ran {
    let server = forge.url();
    let mut command = command(
        folder,
        &[
            "digest",
            "--artifacts-dir",
            "downloads",
            "--week",
            week,
            "--out",
            "out",
            "--server",
            &server,
            "--post-to",
            "boss/inbox",
            "--label",
            LABEL,
        ],
    );
    command.env("PATCHWARDEN_TOKEN", forge.personal_token("boss"));
    finish(command)
}

fn comments(forge: &FakeForge, issue: i64) -> Vec<String> {
    let path = format!("/api/v1/repos/boss/inbox/issues/{issue}/comments");
    let list = wire::get(forge, &path, &forge.personal_token("boss")).json();
    let body = |one: &Value| one["body"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(body).collect()
}

#[test]
fn one_comment_per_week_is_updated_in_place_and_an_unclear_inbox_refused() {
    let forge = FakeForge::start(Version::V16);
    let inbox = forge.repo("boss/inbox");
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("downloads/lint/pyfallow-report.json");
    write(&report, &fixture("fallow-py/demo.full-report.json"));
    let none = post(&forge, folder.path(), "2026-W47");
    assert!(none.exit == 5 && none.stderr.contains("no open issue carries the label"), "{}", none.stderr);
    assert!(folder.path().join("out/evidence-digest-2026-W47.md").exists(), "written all the same");

    let label = inbox.label(LABEL, "#00ff00");
    let other = inbox.issue("boss", "another", "");
    let issue = inbox.issue("boss", "inbox", "");
    inbox.put_label(issue, label, "boss");
    // Somebody else's comment that looks like ours is neither read nor touched.
    inbox.comment(issue, "alice", "<!-- patchwarden:digest:evidencedigestYYYYWww:2026-W47 -->\nmine");
    assert_eq!(post(&forge, folder.path(), "2026-W47").exit, 0);
    write(&report, &fixture("fallow-py/since-base.full-report.json"));
    let again = post(&forge, folder.path(), "2026-W47");
    assert!(again.exit == 0 && again.stderr.contains("brought up to date"), "{}", again.stderr);
    assert!(post(&forge, folder.path(), "2026-W47").stderr.contains("unchanged on"));
    let bodies = comments(&forge, issue);
    assert_eq!(bodies.len(), 2, "{bodies:?}");
    assert!(bodies[0].ends_with("mine") && bodies[1].contains("3 findings"), "{bodies:?}");
    assert_eq!(post(&forge, folder.path(), "2026-W46").exit, 0);
    assert_eq!(comments(&forge, issue).len(), 3, "another week is another comment");

    inbox.put_label(other, label, "boss");
    let several = post(&forge, folder.path(), "2026-W47");
    assert!(several.exit == 5 && several.stderr.contains("several open issues"), "{}", several.stderr);
    assert_eq!(comments(&forge, issue).len(), 3);
}
