//! Cases for a real server, which `PATCHWARDEN_LIVE_URL` and `PATCHWARDEN_LIVE_TOKEN` name: a throwaway Forgejo, because
//! repositories are made and left there. Without one they run against the fake, so that they cannot rot.

mod job;
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cases::wire;
use crate::fake_forge::{Config, FakeForge, Version};

/// A server, and a token of somebody who may make repositories there.
struct Live {
    url: String,
    token: String,
    /// Keeps the fake running; `None` for a real server.
    _fake: Option<FakeForge>,
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Live {
    /// The real server that is named, else both versions of the fake.
    fn all() -> Vec<Self> {
        if let (Some(url), Some(token)) =
            (variable("PATCHWARDEN_LIVE_URL"), variable("PATCHWARDEN_LIVE_TOKEN"))
        {
            assert!(url.starts_with("http://"), "{url}: the suite speaks http, to a throwaway server");
            println!("live: {url}");
            return vec![Self { url: url.trim_end_matches('/').to_owned(), token, _fake: None }];
        }
        println!("live: no real server was asked: PATCHWARDEN_LIVE_URL and PATCHWARDEN_LIVE_TOKEN name none");
        let fakes = Version::ALL.into_iter().map(|version| Config::new(version).page_size(50).start());
        fakes.map(Self::of_fake).collect()
    }

    fn of_fake(forge: FakeForge) -> Self {
        Self { url: forge.url(), token: forge.personal_token("boss"), _fake: Some(forge) }
    }

    /// By hand: the product's own client must not be the measure of itself.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let headers = [
            ("Authorization".to_owned(), format!("token {}", self.token)),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ];
        let (base, below) = wire::split(&self.url);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let target = format!("{below}/api/v1/{path}");
        let reply = wire::send(&base, method, &target, &headers, body.as_bytes());
        assert!((200..300).contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text());
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    fn get(&self, path: &str) -> Value {
        self.call("GET", path, &Value::Null)
    }

    /// A new repository whose name nothing else has.
    fn repository(&self) -> Demo<'_> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let name = format!("live-{}-{}", since.as_nanos(), MADE.fetch_add(1, Ordering::SeqCst));
        let body = json!({ "name": name, "auto_init": true, "default_branch": "main" });
        let made = self.call("POST", "user/repos", &body);
        Demo { live: self, slug: made["full_name"].as_str().unwrap().to_owned() }
    }
}

/// A repository made for one case.
struct Demo<'l> {
    live: &'l Live,
    slug: String,
}

impl Demo<'_> {
    /// A new file on a branch, in a commit of its own; gives the commit.
    fn file(&self, branch: &str, path: &str, text: &str) -> String {
        self.write(path, &json!({ "branch": branch, "content": base64(text), "message": path }))
    }

    /// The same on a new branch that starts from `main`.
    fn branch(&self, branch: &str, path: &str, text: &str) -> String {
        let body =
            json!({ "branch": "main", "new_branch": branch, "content": base64(text), "message": path });
        self.write(path, &body)
    }

    fn write(&self, path: &str, body: &Value) -> String {
        let made = self.live.call("POST", &format!("repos/{}/contents/{path}", self.slug), body);
        made["commit"]["sha"].as_str().unwrap().to_owned()
    }

    /// A pull request from a branch to `main`; gives its number.
    fn pull(&self, head: &str, title: &str) -> u64 {
        let body = json!({ "head": head, "base": "main", "title": title, "body": "" });
        self.live.call("POST", &format!("repos/{}/pulls", self.slug), &body)["number"].as_u64().unwrap()
    }

    fn get(&self, path: &str) -> Value {
        self.live.get(&format!("repos/{}/{path}", self.slug))
    }
}

fn base64(text: &str) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(text)
}

/// The program in a folder of its own.
struct Program {
    folder: TempDir,
    env: BTreeMap<String, String>,
    secret: String,
}

/// What a run of it left.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Program {
    fn new(env: BTreeMap<String, String>, secret: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), env, secret: secret.to_owned() }
    }

    /// With the personal token alone.
    fn of(live: &Live) -> Self {
        let env = BTreeMap::from([("PATCHWARDEN_TOKEN".to_owned(), live.token.clone())]);
        Self::new(env, &live.token)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchwarden"));
        command.args(arguments).env_clear().envs(&self.env).current_dir(self.folder.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = Ran {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(&self.secret) && !text.contains("sig="), "a secret got out");
        }
        ran
    }

    fn json(&self, path: &str) -> Value {
        json_of(&self.path(path))
    }
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

impl Ran {
    #[track_caller]
    fn ended(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}
