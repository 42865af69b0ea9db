//! The product's own forge client against the fake: what one says the other must understand.
//! Starts from a step's environment, as the product does, and has no other knowledge of where the forge is.

use std::io::Read as _;

use patchwarden::context::{Inputs, RunContext, Variables};
use patchwarden::forge::{Artifacts, Blob, Client, FetchLimits, Fetched, Listed, Proxy, Settings};
use patchwarden::model::{ArtifactName, RelPath};

use crate::fake_forge::{At, Config, FakeForge, Fault, JobScene, Status, Trigger, Version};

/// What the product knows inside a step of this job.
fn context(forge: &FakeForge, job: JobScene<'_>) -> RunContext {
    let folder = tempfile::tempdir().unwrap();
    let env = forge.env_for(job, folder.path());
    let payload = std::fs::read(&env["GITHUB_EVENT_PATH"]).unwrap();
    RunContext::from_workflow(&Variables::new(env), Some(&payload), &Inputs::default()).unwrap()
}

fn client(context: &RunContext) -> Client {
    Client::new(Settings { proxy: Proxy::Direct, ..Settings::of(context, &Variables::default()).unwrap() })
        .unwrap()
}

fn name(text: &str) -> ArtifactName {
    text.parse().unwrap()
}

/// Every artifact of the run as name and bytes, files joined.
fn fetched(service: &Artifacts<'_>) -> Vec<(String, Vec<u8>)> {
    let listing = service.list().unwrap();
    assert!(listing.incomplete.is_none());
    let wanted: Vec<&Listed> = listing.artifacts.iter().collect();
    let results = service.fetch(&wanted, &FetchLimits::default());
    let read = |mut file: std::fs::File| {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    };
    let contents = results.into_iter().map(|result| match result.unwrap() {
        Fetched::Zip(zip) => read(zip.file),
        Fetched::Files(files) => files.into_iter().flat_map(|file| read(file.content.file)).collect(),
        other => format!("{other:?}").into_bytes(),
    });
    wanted.iter().map(|listed| listed.name.as_str().to_owned()).zip(contents).collect()
}

#[test]
fn the_product_exchanges_artifacts_by_both_protocols() {
    let root = "http://forge.internal:3000/git/";
    for version in Version::ALL {
        let forge = Config::new(version).sub_path("/git").root_url(root).start();
        let demo = forge.repo("boss/demo");
        demo.commit("main").file("a", "a\n").push();
        let run = demo.run("ci.yml", Trigger::push("main")).job("unit", &[]).job("gate", &[]).create();
        run.job("unit").upload_v4("unit", b"PK unit").begin_v4("half").finish(Status::Success);
        let context = context(&forge, run.job("gate"));
        let client = client(&context);
        let id = context.run.as_ref().unwrap().id;
        let service = Artifacts::new(&client, context.runtime.as_ref().unwrap(), id).unwrap();
        service.upload(&name("own"), &Blob::of_bytes(b"PK own").unwrap(), None).unwrap();
        let file: RelPath = "dir/report.txt".parse().unwrap();
        service.upload_v3(&name("files"), &[(file, Blob::of_bytes(b"text").unwrap())], None).unwrap();
        let text = |bytes: &[u8]| bytes.to_vec();
        let wanted = [
            ("files", text(b"text")),
            ("half", text(b"Unfinished")),
            ("own", text(b"PK own")),
            ("unit", text(b"PK unit")),
        ];
        let wanted: Vec<(String, Vec<u8>)> =
            wanted.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        assert_eq!(fetched(&service), wanted, "{version:?}");
    }
}

#[test]
fn the_product_reads_runs_tasks_and_pulls_page_by_page() {
    for version in Version::ALL {
        let forge = FakeForge::start(version);
        let demo = forge.repo("boss/demo");
        demo.commit("main").file("a", "a\n").push();
        let feat = demo.branch("feat", "main").commit("feat");
        feat.file("b", "b\n").file("c", "c\n").file("d", "d\n").push();
        let pull = demo.pull("feat", "main").author("alice").open("Feature", "");
        let trigger = || Trigger::pull_request(pull.number);
        let runs: Vec<_> = (0..5)
            .map(|_| demo.run("ci.yml", trigger()).job("unit", &[]).job("gate", &[]).create())
            .collect();
        runs[0].job("unit").finish(Status::Failure);
        let context = context(&forge, runs[0].job("gate"));
        let client = client(&context);
        let repo = client.repo(context.repo.as_ref().unwrap());
        let head = context.head.known().unwrap();
        assert_eq!(head.as_str(), pull.head());
        assert_eq!(repo.actions().runs().head_sha(head).list().unwrap().len(), 5, "{version:?}");
        let tasks = repo.actions().tasks(1, None).unwrap();
        assert_eq!(tasks.iter().map(|task| task.name.as_str()).collect::<Vec<_>>(), ["gate", "unit"]);
        let number = context.pull.as_ref().unwrap().number;
        assert_eq!(repo.changed_files(number).unwrap().len(), 3);
        let jobs = repo.actions().run(context.run.as_ref().unwrap().id).jobs();
        assert_eq!(jobs.is_ok(), version == Version::V16);
        forge.fault(At::path("/pulls/"), Fault::Status(403));
        assert!(repo.pull(number).is_err());
        assert_eq!(repo.pull(number).unwrap().head.as_str(), pull.head());
    }
}
