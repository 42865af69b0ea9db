//! Plays recorded requests against the fake, in order, and collects where its answers differ.
//! Words that stand for secrets are put back: tokens of the scene's jobs, the last signed address of a name.

use std::collections::BTreeMap;

use serde_json::Value;

use super::compare::{differences, shape};
use super::transcript::{Entry, folder, load};
use crate::cases::wire::{Reply, send};
use crate::fake_forge::{FakeForge, JobScene, RunScene, Version};

/// One difference between a recorded answer and ours.
pub struct Difference {
    pub file: &'static str,
    pub entry: String,
    pub job: String,
    pub what: String,
}

/// The tokens of whoever sent an entry.
#[derive(Clone)]
pub struct Sender {
    api: String,
    runtime: String,
    run: i64,
    job: i64,
}

impl Sender {
    pub fn run(&self) -> i64 {
        self.run
    }
}

pub struct Replay<'f> {
    pub forge: &'f FakeForge,
    pub version: Version,
    pub found: Vec<Difference>,
    pub replayed: usize,
    left: BTreeMap<&'static str, Vec<Entry>>,
    /// The query of the last signed address by endpoint and artifact name.
    signed: BTreeMap<(String, String), String>,
}

impl<'f> Replay<'f> {
    pub fn new(forge: &'f FakeForge, version: Version) -> Self {
        let (found, left, signed) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { forge, version, found, replayed: 0, left, signed }
    }

    /// Sets the forge's clock to this time of the day of the recordings.
    pub fn at(&self, time: &str) {
        let at: jiff::Timestamp = format!("2026-11-21T{time}Z").parse().unwrap();
        self.forge.set_clock(at.as_second());
    }

    /// Sets the forge's clock to a time of a recorded event.
    pub fn at_recorded(&self, file: &str, pointer: &str) {
        let event = recorded_event(self.version, file).unwrap();
        let at: jiff::Timestamp = event.pointer(pointer).and_then(Value::as_str).unwrap().parse().unwrap();
        self.forge.set_clock(at.as_second());
    }

    /// One of two, by version.
    pub fn pick<T>(&self, v15: T, v16: T) -> T {
        if self.version == Version::V15 { v15 } else { v16 }
    }

    pub fn job(job: JobScene<'_>, run: i64) -> Sender {
        Sender { api: job.token(), runtime: job.runtime_token(), run, job: job.id() }
    }

    pub fn person(&self, login: &str) -> Sender {
        let api = self.forge.personal_token(login);
        Sender { api, runtime: String::new(), run: 0, job: 0 }
    }

    pub fn next(&mut self, file: &'static str) -> Option<&Entry> {
        self.entries(file).first()
    }

    fn entries(&mut self, file: &'static str) -> &mut Vec<Entry> {
        let version = self.version;
        self.left.entry(file).or_insert_with(|| load(version, file))
    }

    /// Entries of the file that were not played.
    pub fn unplayed(&self) -> Vec<String> {
        let files = self.left.iter();
        files.flat_map(|(file, left)| left.iter().map(move |e| format!("{file}: {}", e.name))).collect()
    }

    /// Plays the next entries as long as they are what the story expects now.
    pub fn play(&mut self, file: &'static str, from: &Sender, expected: impl Fn(&Entry) -> bool) {
        while self.next(file).is_some_and(&expected) {
            let entry = self.entries(file).remove(0);
            self.play_one(file, &entry, from);
        }
    }

    /// Plays one job's entries where only part of the probe was recorded: what the same probe did in `push` and is
    /// not in the recording is done as well, unseen, so that the state is the recorded one.
    pub fn play_probe(&mut self, file: &'static str, from: &Sender, script: &[Entry], job: &str) {
        let mut done = 0;
        while self.next(file).is_some_and(|entry| entry.job == job) {
            let mut entry = self.entries(file).remove(0);
            let found = script[done..].iter().position(|step| step.name == entry.name);
            let until = found.map_or(script.len(), |at| done + at);
            for step in &script[done..until] {
                self.send_as(step, from);
            }
            if found.is_some() && entry.url.ends_with("/FinalizeArtifact") {
                // The recorded hash is that of an upload that was not recorded; the one above was `push`'s.
                entry.body = script[until].body.clone();
            }
            done = (until + usize::from(found.is_some())).min(script.len());
            self.play_one(file, &entry, from);
        }
    }

    fn play_one(&mut self, file: &'static str, entry: &Entry, from: &Sender) {
        let date = entry.reply.header("Date").unwrap();
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).unwrap();
        self.forge.set_clock(date.as_second());
        let ours = self.send_as(entry, from);
        self.replayed += 1;
        for what in differences(&entry.reply, &ours, &self.forge.url()) {
            self.found.push(Difference { file, entry: entry.name.clone(), job: entry.job.clone(), what });
        }
    }

    /// Compares what a step of this job sees with what was recorded for it. Paths, secrets and what the shell itself
    /// sets only have to be there.
    pub fn environment(&mut self, file: &'static str, job: JobScene<'_>) {
        let folder = tempfile::tempdir().unwrap();
        let ours = self.forge.env_for(job, folder.path());
        let text =
            std::fs::read_to_string(self::folder(self.version).join(format!("env/{file}.txt"))).unwrap();
        for line in text.lines().filter(|line| !line.starts_with("SHLVL=") && !line.starts_with("_=")) {
            let (name, theirs) = line.split_once('=').unwrap();
            let own = ours.get(name).map(|own| own.replace(&self.forge.url(), "http://forge.example"));
            let hidden = theirs == "***" || theirs.contains("/srv/runner") || name == "PATH";
            if own.as_deref() != Some(theirs) && !(hidden && own.is_some()) {
                self.note(file, "environment", format!("{name} is {own:?} instead of {theirs:?}"));
            }
        }
        let event = std::fs::read_to_string(&ours["GITHUB_EVENT_PATH"]).unwrap();
        let event = event.replace(&self.forge.url(), "http://forge.example");
        let event: Value = serde_json::from_str(&event).unwrap();
        // The event recorded as `push` is another one's.
        if let Some(theirs) = recorded_event(self.version, file).filter(|_| file != "push") {
            let mut out = Vec::new();
            shape("", &theirs["event"], &event, &mut out);
            for what in out {
                self.note(file, "event.json", what);
            }
        }
    }

    /// Compares a run's payload and the context its step has with the recorded ones.
    pub fn event(&mut self, file: &'static str, run: RunScene<'_>, job: &str) {
        let theirs = recorded_event(self.version, file).unwrap();
        let own = self.forge.event_json(run).to_string().replace(&self.forge.url(), "http://forge.example");
        let mut out = Vec::new();
        shape("", &theirs["event"], &serde_json::from_str(&own).unwrap(), &mut out);
        let folder = tempfile::tempdir().unwrap();
        let env = self.forge.env_for(run.job(job), folder.path());
        for (key, value) in theirs["context"].as_object().unwrap() {
            let own = env.get(&format!("GITHUB_{}", key.to_uppercase()));
            let telling = ["actor", "base_ref", "event_name", "head_ref", "ref", "ref_name", "ref_type"];
            let telling = telling.contains(&key.as_str())
                || ["repository", "sha", "workflow_ref"].contains(&key.as_str());
            if telling && own.map(String::as_str) != value.as_str() {
                out.push(format!("context {key} is {own:?} instead of {value}"));
            }
        }
        for what in out {
            self.note(file, "event.json", what);
        }
    }

    fn note(&mut self, file: &'static str, entry: &str, what: String) {
        self.found.push(Difference { file, entry: entry.to_owned(), job: String::new(), what });
    }

    fn send_as(&mut self, entry: &Entry, from: &Sender) -> Reply {
        let url = entry.url.trim_start_matches("http://forge.example");
        let mut target = self.resign(url, &entry.name);
        let mut body = entry.body.clone();
        if entry.url.contains("ArtifactService") && entry.method == "POST" {
            body = own_ids(&body, from).unwrap_or(body);
        }
        if let Some((before, rest)) = target.split_once("/pipelines/workflows/46/") {
            // Only the script of `push` names another run than the sender's.
            target = format!("{before}/pipelines/workflows/{}/{rest}", from.run);
        }
        let headers: Vec<(String, String)> = entry
            .headers
            .iter()
            .map(|(name, value)| {
                let value = value.replace("RUNTIME_TOKEN", &from.runtime).replace("API_TOKEN", &from.api);
                (name.clone(), value)
            })
            .collect();
        let base = self.forge.url();
        let reply = send(&base, &entry.method, &target, &headers, &body);
        self.remember(&reply.body);
        reply
    }

    /// Puts the last real signature into an address whose own was replaced by a word.
    fn resign(&self, url: &str, entry: &str) -> String {
        let Some((path, query)) = url.split_once('?').filter(|(_, query)| query.starts_with("sig=")) else {
            return url.to_owned();
        };
        let endpoint = path.rsplit('/').next().unwrap().to_owned();
        let part = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)).unwrap_or_default();
        let mut signed = self.signed[&(endpoint, part("artifactName=").to_owned())].clone();
        if entry.ends_with("badsig") {
            signed = signed.replacen("sig=", "sig=A", 1);
        }
        let (_, tail) = query.split_once("artifactID=").unwrap();
        let tail = tail.split_once('&').map_or(String::new(), |(_, comp)| format!("&{comp}"));
        format!("{path}?{signed}{tail}")
    }

    fn remember(&mut self, body: &[u8]) {
        let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
        for key in ["signedUploadUrl", "signedUrl"] {
            let Some((path, query)) = value[key].as_str().and_then(|url| url.split_once('?')) else {
                continue;
            };
            let endpoint = path.rsplit('/').next().unwrap().to_owned();
            let name = query.split('&').find_map(|pair| pair.strip_prefix("artifactName=")).unwrap();
            self.signed.insert((endpoint, name.to_owned()), query.to_owned());
        }
    }
}

pub fn recorded_event(version: Version, file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(folder(version).join(format!("events/{file}.json"))).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// The sender's run and job in place of those of `push`; ids that are wrong on purpose stay.
fn own_ids(body: &[u8], from: &Sender) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    for (key, pushed, own) in
        [("workflow_run_backend_id", "46", from.run), ("workflow_job_run_backend_id", "82", from.job)]
    {
        if value[key] == pushed && pushed != own.to_string() {
            value[key] = Value::from(own.to_string());
        }
    }
    Some(value.to_string().into_bytes())
}
