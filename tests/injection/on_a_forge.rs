//! The same words where a forge carries them: title, branch, commit, file, job, status and artifact of a pull request,
//! through the step's log, its summary and outputs, the comment, the status, the live page and the audit.

use serde_json::{Value, json};

use super::ATTEMPTS;
use super::inert::{assert_inert_lines, assert_markdown, assert_page};
use super::{MARK, xml};
use crate::cases::in_run::yard::{Ran, Step, Yard, junit};
use crate::cases::wire;
use crate::fake_forge::{Status, Trigger, Version};
use crate::support::program::{command, finish};

/// What a forge lets a file or an artifact be called.
fn name(words: &str) -> String {
    let name: String =
        words.chars().filter(|c| !"/\\\0:*?\"<>|\r\n".contains(*c) && !c.is_control()).collect();
    format!("n {}", name.trim())
}

/// A pull request with the words everywhere, judged with all effects asked for, then merged.
struct Scene {
    ran: Ran,
    comment: String,
    status: Value,
    live: String,
    audit: [String; 3],
}

fn scene(words: &str) -> Scene {
    let yard = Yard::new(Version::V16);
    let repo = yard.demo();
    repo.commit("feat").file(&format!(".forgejo/workflows/{}.yml", name(words)), words).message(words).push();
    let pull = repo.pull("feat", "main").author("alice").open(words, words);
    let run = yard.run(Trigger::pull_request(pull.number));
    let report = format!(
        "<testsuite name=\"{0}\" tests=\"1\" failures=\"1\"><testcase classname=\"{0}\" name=\"{0}\"><failure message=\"{0}\">{0}</failure></testcase></testsuite>",
        xml(words)
    );
    let unit = run.job("unit").upload_v4("unit", &junit(&report));
    let token = unit.token();
    unit.finish(Status::Failure);
    run.job("lint").upload_v4(&name(words), &junit(&report)).finish(Status::Success);
    let path = format!("/api/v1/repos/boss/demo/statuses/{}", pull.head());
    let posted = json!({"state": "failure", "context": words, "description": words}).to_string();
    wire::call(&yard.forge, "POST", &path, &token, &posted);
    let ran = Step::new(&yard.forge, run.job("gate")).arguments(&["--comment", "--commit-status"]).run();
    run.job("gate").finish(Status::Failure);
    let boss = yard.forge.personal_token("boss");
    let get = |path: &str| wire::get(&yard.forge, &format!("/api/v1/repos/boss/demo/{path}"), &boss).json();
    let comments = get(&format!("issues/{}/comments", pull.number));
    let pages = (1..40).map(|page| get(&format!("commits/{}/statuses?limit=50&page={page}", pull.head())));
    let mut statuses = pages.flat_map(|page| page.as_array().unwrap().clone());
    let status = statuses.find(|status| status["context"] == "patchwarden");
    let status = status.unwrap_or_else(|| panic!("no status: {}", ran.stderr));
    let asked = |arguments: &[&str]| {
        let url = yard.forge.url();
        let folder = tempfile::tempdir().unwrap();
        let common = ["--server", url.as_str(), "--repo", "boss/demo", "--now", "2026-11-22T00:00:00Z"];
        let mut command = command(folder.path(), &[arguments, &common].concat());
        command.env("PATCHWARDEN_TOKEN", &boss);
        let ran = finish(command);
        assert_eq!(ran.exit, 0, "{}", ran.stderr);
        assert_inert_lines(&ran.stderr, words);
        ran.stdout
    };
    let live = asked(&["status", "--live", "--format", "html"]);
    pull.merge("boss");
    let audit = ["text", "json", "sarif"].map(|form| asked(&["audit", "--format", form]));
    let comment = comments[0]["body"].as_str().unwrap().to_owned();
    Scene { ran, comment, status, live, audit }
}

#[test]
fn no_words_break_out_of_log_comment_status_live_page_or_audit() {
    let plain = scene("plain");
    for words in ATTEMPTS {
        let scene = scene(words);
        let Ran { code, stdout, stderr, outputs, step_summary, packet, .. } = &scene.ran;
        assert_eq!((*code, scene.ran.blockers()), (plain.ran.code, plain.ran.blockers()), "{words:?}");
        assert_inert_lines(stdout, words);
        let log: Vec<&str> = stderr
            .lines()
            .filter(|line| !["::group::patchwarden summary", "::endgroup::"].contains(line))
            .collect();
        assert_eq!(stderr.lines().count(), log.len() + 2, "our own group, and nothing else: {words:?}");
        assert_inert_lines(&log.join("\n"), words);
        assert_markdown(step_summary, words);
        let keys = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.split('=').next().unwrap().to_owned()).collect()
        };
        assert_eq!(keys(outputs), keys(&plain.ran.outputs), "{words:?}");
        assert!(!outputs.contains(MARK), "{words:?}: {outputs}");
        let packet = packet.as_ref().unwrap();
        assert_eq!(super::actions(packet), super::actions(plain.ran.packet.as_ref().unwrap()), "{words:?}");
        assert!(!super::trusted(packet).to_string().contains(MARK), "{words:?}: {packet}");

        let comment = scene.comment.replacen("<!-- patchwarden:gate -->", "", 1);
        assert_markdown(&comment, words);
        assert_inert_lines(&comment, words);
        assert_eq!(scene.status["description"], plain.status["description"], "{words:?}");
        assert_eq!(scene.status["status"], plain.status["status"], "{words:?}");
        assert_page(&scene.live, &plain.live, words);
        let [text, json, sarif] = &scene.audit;
        assert_inert_lines(text, words);
        assert_eq!(text.lines().count(), plain.audit[0].lines().count(), "{words:?}: {text}");
        for text in [json, sarif] {
            serde_json::from_str::<Value>(text).unwrap();
            assert_inert_lines(text, words);
        }
    }
}
