//! What happened on the recorded servers between the recorded requests, told again to the fake.
//! Ids, times and commits are those of the recordings, so that answers can be compared value by value.

use super::replay::Replay;
use super::transcript::{Entry, folder, load};
use crate::fake_forge::{Config, FakeForge, RepoScene, RunScene, Status, Trigger, Version};

const MAIN: &str = "537891b2bd3ed3d5ab8f32c94799ec951eedec2c";
const FEAT: &str = "bef04398bd199894cbfadfcab338fb235aa6960b";
const FORK: &str = "80a0ca34779edc046184a96c1d4683e744742924";

/// A file of so many bytes in so many lines.
fn filler(bytes: usize, lines: usize) -> String {
    let mut text = "x\n".repeat(lines);
    text.insert_str(0, &"x".repeat(bytes - text.len()));
    text
}

fn probe_jobs(repo: RepoScene<'_>, trigger: Trigger) -> RunScene<'_> {
    let run = repo.run("probe.yml", trigger).job("build", &[]);
    run.job_always("gate", &["build", "failing"]).job("failing", &[]).create()
}

/// The part of the probe that talks to the artifact service.
fn artifact_script(replay: &Replay<'_>) -> Vec<Entry> {
    let mut script = load(replay.version, "push");
    script.retain(|entry| {
        entry.job == "build" && (entry.name.starts_with("v4-") || entry.name.starts_with("v3-"))
    });
    script
}

/// The seven transcripts of `boss/demo`, from its first push to its operator.
pub fn demo(r: &mut Replay<'_>) {
    let forge = r.forge;
    older_repositories(r);
    r.at("08:52:01");
    forge.ids(|ids| (ids.repo, ids.issue, ids.label, ids.run) = (10, 15, 10, 46));
    forge.ids(|ids| (ids.job, ids.task, ids.artifact, ids.review, ids.pull) = (82, 70, 124, 6, 4));
    let demo = forge.repo("boss/demo").workflow("dispatched.yml", &["d"]);
    demo.commit("main")
        .sha("284840ca6632b0f9aea3d5c869f963f1b4e526da")
        .file("README.md", "# demo\n\n")
        .push();
    demo.commit("main")
        .sha(MAIN)
        .message("demo")
        .file(".forgejo/patchwarden.toml", "# policy\nversion = 1\n")
        .file(".forgejo/workflows/dispatched.yml", filler(184, 8))
        .file(".forgejo/workflows/probe.yml", filler(1702, 40))
        .file("envdump.sh", filler(359, 10))
        .file("probe.py", filler(16873, 213))
        .push();
    let pushed = push(r, demo);

    r.at("08:52:26");
    demo.branch("feat", "main").commit("feat").sha(FEAT).message("feat").file("feat.txt", "hi\n").push();
    pull_requests(r, demo);

    r.at("08:53:07");
    let fork = demo.fork("alice/demo-fork");
    fork.branch("fk", "main").commit("fk").sha(FORK).message("from fork").file("fork.txt", "x\n").push();
    from_fork(r, demo, fork);

    rerun_of_one_job(r, pushed);
    operator(r, demo);
}

/// What was there before: a private repository, a renamed one, and one whose pull request has a history.
fn older_repositories(r: &Replay<'_>) {
    let forge = r.forge;
    r.at(r.pick("08:21:38", "08:21:39"));
    forge.ids(|ids| {
        (ids.repo, ids.comment, ids.label, ids.issue, ids.pull, ids.review) = (2, 21, 8, 12, 3, 5);
    });
    forge.repo("boss/other").private().commit("main").push();
    forge.repo("boss/pw-action").rename("pw-action2");
    forge.ids(|ids| ids.repo = 5);
    let heads = |event: &str| {
        let text = std::fs::read_to_string(folder(r.version).join(format!("events/{event}.json"))).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["context"]["sha"].as_str().unwrap().to_owned()
    };
    let scen = forge.repo("boss/scen");
    scen.commit("main").file("a", "a\n").push();
    scen.branch("f1", "main").commit("f1").sha(&heads("pull_request.opened")).file("f", "1\n").push();
    r.at("08:35:40");
    let pull = scen.pull("f1", "main").open("F1", "b");
    r.at("08:35:48");
    let label = scen.label("l1", "ff0000");
    scen.put_label(pull.number, label, "boss");
    r.at(r.pick("08:35:52", "08:35:53"));
    pull.review("alice", "APPROVED", "lgtm");
    r.at(r.pick("08:35:56", "08:35:57"));
    scen.comment(pull.number, "alice", "/recheck");
    r.at("08:36:02");
    scen.commit("f1").sha(&heads("pull_request.synchronized")).file("f", "1\n2\n").push();
    r.at(r.pick("08:36:14", "08:36:15"));
    pull.close("boss");
}

fn push<'f>(r: &mut Replay<'f>, demo: RepoScene<'f>) -> RunScene<'f> {
    r.at("08:52:03");
    let run = probe_jobs(demo, Trigger::push("main"));
    let build = Replay::job(run.job("build"), run.id());
    run.job("failing").start();
    run.job("failing").end(Status::Failure);
    r.environment("push", run.job("build"));
    r.play("push", &build, |entry| entry.job == "build" && entry.name != "v4-badname-300");
    // Created between two recorded ones and never recorded itself.
    run.job("build").begin_v4("a:b");
    r.play("push", &build, |entry| entry.job == "build");
    run.job("build").finish(Status::Success);
    r.at("08:52:05");
    let dispatched = r.forge.run(47);
    dispatched.job("d").finish(Status::Success);
    r.at("08:52:07");
    let gate = Replay::job(run.job("gate"), run.id());
    r.play("push", &gate, |entry| entry.job == "gate");
    run.job("gate").finish(Status::Success);
    run
}

fn pull_requests<'f>(r: &mut Replay<'f>, demo: RepoScene<'f>) {
    let forge = r.forge;
    r.at("08:52:27");
    forge.ids(|ids| ids.comment = 30);
    let pull = demo.pull("feat", "main").open("Feature", "Closes #1");
    let script = artifact_script(r);
    let target = probe_jobs(demo, Trigger::pull_request_target(pull.number));
    let own = probe_jobs(demo, Trigger::pull_request(pull.number));

    r.at(r.pick("08:52:27", "08:52:29"));
    let build = Replay::job(target.job("build"), target.id());
    target.job("failing").start();
    target.job("failing").end(Status::Failure);
    play_probe(r, "pull_request_target", target, &build, &script);

    if r.pick(true, false) {
        r.at("08:52:28");
        target.job("build").end(Status::Success);
        r.at("08:52:29");
        own.job("build").start();
        own.job("failing").start();
        target.release();
        own.job("failing").end(Status::Failure);
    } else {
        r.at("08:52:31");
        own.job("build").start();
        target.job("build").end(Status::Success);
    }
    let build = Replay::job(own.job("build"), own.id());
    play_probe(r, "pull_request", own, &build, &script);

    let dispatched = |run: i64| {
        forge.run(run).job("d").finish(Status::Success);
    };
    if r.pick(true, false) {
        own.job("build").finish(Status::Success);
        r.at("08:52:31");
        dispatched(50);
        target.job("gate").finish(Status::Success);
        r.at("08:52:33");
        dispatched(51);
    } else {
        r.at("08:52:33");
        own.job("failing").finish(Status::Failure);
        own.job("build").finish(Status::Success);
        target.release();
        dispatched(50);
        r.at("08:52:35");
        dispatched(51);
        target.job("gate").finish(Status::Success);
        r.at("08:52:37");
    }
    let gate = Replay::job(own.job("gate"), own.id());
    r.play("pull_request", &gate, |entry| entry.job == "gate");
    own.job("gate").finish(Status::Success);
}

fn play_probe(
    r: &mut Replay<'_>,
    file: &'static str,
    run: RunScene<'_>,
    from: &super::replay::Sender,
    script: &[Entry],
) {
    // `a:b` was created by every probe just before the name of 300 characters.
    let at = script.iter().position(|entry| entry.name == "v4-badname-300").unwrap();
    let mut whole: Vec<Entry> = Vec::new();
    for (index, entry) in script.iter().enumerate() {
        if index == at {
            whole.push(
                entry.with_body(&String::from_utf8_lossy(&entry.body).replace(&"x".repeat(300), "a:b")),
            );
        }
        whole.push(entry.clone());
    }
    assert_eq!(run.id(), from.run());
    r.environment(file, run.job("build"));
    r.play_probe(file, from, &whole, "build");
}

fn from_fork<'f>(r: &mut Replay<'f>, demo: RepoScene<'f>, fork: RepoScene<'f>) {
    r.at(r.pick("08:53:09", "08:53:10"));
    let pull = demo.pull("fk", "main").from(fork).open("From fork", "x");
    let script = artifact_script(r);
    r.at("08:53:10");
    let target = probe_jobs(demo, Trigger::pull_request_target(pull.number));
    let own = probe_jobs(demo, Trigger::pull_request(pull.number));
    r.at("08:53:11");
    let build = Replay::job(target.job("build"), target.id());
    target.job("failing").start();
    target.job("failing").end(Status::Failure);
    play_probe(r, "pull_request_target_from_fork", target, &build, &script);
    r.at("08:53:13");
    target.job("build").finish(Status::Success);
    r.at(r.pick("08:53:13", "08:53:15"));
    target.job("gate").finish(Status::Success);
    r.at("08:53:35");
    own.approve("boss");
    r.at(r.pick("08:53:35", "08:53:37"));
    let build = Replay::job(own.job("build"), own.id());
    own.job("failing").start();
    own.job("failing").end(Status::Failure);
    play_probe(r, "pull_request_from_fork_approved", own, &build, &script);
    own.job("build").finish(Status::Success);
    r.at(r.pick("08:53:37", "08:53:39"));
    own.job("gate").finish(Status::Success);
}

fn rerun_of_one_job(r: &mut Replay<'_>, pushed: RunScene<'_>) {
    r.at("08:54:05");
    pushed.rerun("failing");
    r.at("08:54:07");
    pushed.job("failing").finish(Status::Failure);
    r.at("08:54:09");
    let gate = Replay::job(pushed.job("gate"), pushed.id());
    r.play("rerun_of_one_job", &gate, |entry| entry.job == "gate");
    pushed.job("gate").finish(Status::Success);
}

fn operator<'f>(r: &mut Replay<'f>, demo: RepoScene<'f>) {
    let boss = r.person("boss");
    r.play("operator", &boss, |entry| entry.name != "operator-commit-pull-of-merge");
    let url = r.next("operator").unwrap().url.clone();
    let merged = url.split("/commits/").nth(1).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
    r.at(r.pick("08:57:23", "08:57:27"));
    demo.pull_scene(2).merge_as("boss", Some(&merged));
    r.play("operator", &boss, |_| true);
}

/// One run three times: `lint` red, `lint` alone again, everything again.
pub fn again(r: &mut Replay<'_>) {
    let forge = r.forge;
    let head = load(r.version, "again").iter().find_map(|entry| {
        entry.url.split("/commits/").nth(1).and_then(|rest| rest.split('/').next()).map(str::to_owned)
    });
    forge.ids(|ids| (ids.repo, ids.run) = (r.pick(13, 12), 60));
    forge.ids(|ids| (ids.job, ids.task, ids.artifact) = (108, 98, 221));
    r.at("09:30:25");
    let repo = forge.repo("boss/again");
    repo.commit("main").sha(&head.unwrap()).message("again").file("a", "a\n").push();
    r.at(r.pick("09:30:26", "09:30:28"));
    let run = repo.run("ci.yml", Trigger::push("main")).job("unit", &[]).job("lint", &[]);
    let run = run.job_always("gate", &["unit", "lint"]).job("plain_gate", &["unit", "lint"]).create();
    let op = r.person("boss");
    let (unit, lint) = (run.job("unit"), run.job("lint"));

    r.at(r.pick("09:30:27", "09:30:29"));
    let sender = Replay::job(unit, run.id());
    let other = Replay::job(lint, run.id());
    r.play("again", &other, |entry| entry.job == "lint");
    lint.end(Status::Failure);
    r.play("again", &sender, |entry| entry.job == "unit");
    unit.end(Status::Success);
    r.at(r.pick("09:30:31", "09:30:33"));
    run.release();
    gate_of_again(r, run, false);
    r.play("again", &op, |entry| entry.job == "op");

    r.at("09:30:48");
    run.rerun("lint");
    r.at("09:30:49");
    let sender = Replay::job(lint, run.id());
    r.play("again", &sender, |entry| entry.job == "lint");
    lint.end(Status::Success);
    r.at("09:30:50");
    run.release();
    r.at("09:30:51");
    gate_of_again(r, run, true);
    r.play("again", &op, |entry| entry.job == "op");

    r.at("09:31:08");
    run.rerun_all();
    r.at("09:31:09");
    let sender = Replay::job(unit, run.id());
    let other = Replay::job(lint, run.id());
    r.play("again", &other, |entry| entry.job == "lint");
    lint.end(Status::Success);
    r.play("again", &sender, |entry| entry.job == "unit");
    unit.end(Status::Success);
    r.at("09:31:14");
    run.release();
    r.at("09:31:15");
    gate_of_again(r, run, true);
    r.play("again", &op, |entry| entry.job == "op");
}

fn gate_of_again(r: &mut Replay<'_>, run: RunScene<'_>, plain_too: bool) {
    let gate = Replay::job(run.job("gate"), run.id());
    if plain_too {
        run.job("plain_gate").start();
        run.job("plain_gate").end(Status::Success);
    }
    r.play("again", &gate, |entry| entry.job == "gate");
    run.job("gate").finish(Status::Success);
}

/// A gate on the base of a private repository that waits for the head's run.
pub fn from_the_base(r: &mut Replay<'_>) {
    let forge = r.forge;
    let (number, run, index) = r.pick((11, 63, 13), (12, 66, 17));
    let title = r.pick("pb5", "pb6");
    forge.ids(|ids| (ids.repo, ids.pull, ids.run) = (10, number - 1, run));
    forge.ids(|ids| (ids.job, ids.task, ids.artifact) = (120, r.pick(111, 115), r.pick(223, 224)));
    let (head, base) = heads_from_the_base(r);
    r.at("08:52:01");
    let demo = forge.repo("boss/demo").private().counting_from(index, number);
    demo.commit("main").sha(MAIN).file(".forgejo/patchwarden.toml", "# policy\nversion = 1\n").push();
    r.at(r.pick("09:57:50", "09:57:52"));
    demo.commit("main").sha(&base).message("b2").file("b2", "x\n").push();
    r.at(r.pick("09:57:51", "09:58:58"));
    demo.branch(title, "main").commit(title).sha(&head).message(title).file(title, "x\n").push();
    let pull = demo.pull(title, "main").open(title, "");
    let waiting = demo.run("base.yml", Trigger::pull_request_target(pull.number)).job("gate", &[]).create();
    let ci = demo.run("ci.yml", Trigger::pull_request(pull.number)).job("t", &[]).job("forge", &[]).create();
    r.at(r.pick("09:57:53", "09:58:59"));
    let gate = Replay::job(waiting.job("gate"), waiting.id());
    ci.job("t").start();
    r.play("from_the_base", &gate, |entry| entry.job == "gate");
    r.at(r.pick("09:57:56", "09:59:02"));
    let report = "<testsuite tests=\"1\"/>";
    ci.job("t").upload_v3("unit", &[("junit.xml", unit_report(r).as_deref().unwrap_or(report.as_bytes()))]);
    ci.job("t").finish(Status::Success);
    r.at(r.pick("09:57:57", "09:59:03"));
    let forger = Replay::job(ci.job("forge"), ci.id());
    r.play("from_the_base", &forger, |entry| entry.job == "forge");
    ci.job("forge").finish(Status::Success);
    r.play("from_the_base", &gate, |entry| entry.job == "gate");
}

/// Head and base of the pull request, from what was asked about them.
fn heads_from_the_base(r: &Replay<'_>) -> (String, String) {
    let entries = load(r.version, "from_the_base");
    let after = |mark: &str| {
        let found = entries.iter().find_map(|entry| entry.url.split_once(mark)).unwrap().1;
        found.split('&').next().unwrap().to_owned()
    };
    (after("head_sha="), after("patchwarden.toml?ref="))
}

/// The bytes the job uploaded, known from the archive it was downloaded in (v16 only).
fn unit_report(r: &Replay<'_>) -> Option<Vec<u8>> {
    let entries = load(r.version, "from_the_base");
    let zip = &entries.iter().find(|entry| entry.name == "zip-unit")?.reply.body;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut archive.by_index(0).unwrap(), &mut content).unwrap();
    Some(content)
}

/// The forge of a story: pages as shipped, as on the recorded servers.
pub fn forge(version: Version) -> FakeForge {
    Config::new(version).shipped_paging().start()
}
