//! A stateful Forgejo in this process: the servers v15.0.3 and v16.0 as recorded, quirks included, over HTTP/1.1.
//! Held to the recordings by `cases/fake_forge_conformance`; where that file lists an exception, this fake is wrong.
//!
//! # For test authors
//!
//! ```ignore
//! let forge = FakeForge::start(Version::V16);                     // or Config::new(Version::V15).….start()
//! let repo = forge.repo("boss/demo");
//! repo.commit("main").file(".forgejo/patchwarden.toml", "version = 1\n").push();
//! repo.branch("feat", "main").commit("feat").file("feat.txt", "hi\n").message("feat").push();
//! let pull = repo.pull("feat", "main").open("Feature", "Closes #1");
//! let run = repo.run("ci.yml", Trigger::pull_request(pull.number))
//!     .job("unit", &[]).job("lint", &[]).job_always("gate", &["unit", "lint"]).create();
//! run.job("unit").upload_v4("unit", &zip).finish(Status::Success);
//! run.job("lint").upload_v3("lint", &[("lint.sarif", b"{}")]).finish(Status::Failure);
//! let env = forge.env_for(run.job("gate"), folder.path());         // the step's whole environment, files made
//! forge.fault(At::path("/artifacts").nth(2), Fault::TruncatedBody);
//! run.rerun("lint");                                               // condemns every artifact of the run
//! assert_eq!(forge.requests().len(), 7);                           // method, target, kind of token
//! ```
//!
//! * Nothing moves by itself: time stands still until `advance` or `set_clock`, and no job starts or ends unless told.
//! * Pages hold **two** items unless `Config::page_size` says otherwise, as an administrator may have set it.
//! * Ids of different kinds are far apart, run ids are not run numbers; `ids` sets the next ones.
//! * `Config::root_url` makes the forge hand out another origin than the one it answers at, `Config::sub_path` moves
//!   the whole installation below a path. Both are what `[server] ROOT_URL` can do to a runner.
//! * A task's tokens die with it, as real ones do: finish or re-run a job and its `env_for` is worth nothing.
//! * `personal_token` gives a person's token; the owner of the name in the slug is that repository's admin.
//! * Faults are matched in the order they were set, each the first matching request only unless told otherwise.
//! * Not recorded, and therefore from the server's source or a guess: the 401 of a bad REST token, `Link` headers,
//!   search and organisation listings, review dismissal, teams, the order of `pulls?sort=…`.

mod artifacts;
mod artifacts_rest;
mod artifacts_v3;
mod artifacts_v4;
mod auth;
mod branches;
mod contents;
mod events;
mod faults;
mod git;
mod http;
mod issues;
mod lifecycle;
mod paging;
mod pulls;
mod repos;
mod routes;
mod runs;
mod scene;
mod scene_runs;
mod server;
mod setup;
mod state;
mod statuses;
mod step;
mod teams;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use auth::TokenKind;
pub use events::Trigger;
pub use faults::{At, Fault};
pub use scene::{PullScene, RepoScene};
pub use scene_runs::{JobScene, RunScene};
pub use state::{Ids, Protection, Status};

use auth::Principal;
use faults::Weather;
use http::{Reply, Request};
use server::{Server, Service};
use state::{State, User, http_date};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 15.0.3, LTS.
    V15,
    /// The v16.0 release branch of July 2026.
    V16,
}

impl Version {
    pub const ALL: [Self; 2] = [Self::V15, Self::V16];
}

/// 2026-11-21T08:52:00Z, a little before the first recording.
const START: i64 = 1_795_251_120;

/// How an installation is set up.
pub struct Config {
    version: Version,
    max_response_items: usize,
    default_paging_num: usize,
    seed: u64,
    sub_path: String,
    root_url: Option<String>,
    latency: Duration,
}

impl Config {
    pub fn new(version: Version) -> Self {
        Self {
            version,
            max_response_items: 2,
            default_paging_num: 2,
            seed: 0x9e37_79b9_7f4a_7c15,
            sub_path: String::new(),
            root_url: None,
            latency: Duration::ZERO,
        }
    }

    /// The page size, asked for or not, never exceeds this.
    pub fn page_size(mut self, items: usize) -> Self {
        (self.max_response_items, self.default_paging_num) = (items, items);
        self
    }

    /// As shipped: at most 50, 30 where nothing is asked for.
    pub fn shipped_paging(mut self) -> Self {
        (self.max_response_items, self.default_paging_num) = (50, 30);
        self
    }

    /// Another order of what real servers list in random order.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed.max(1);
        self
    }

    /// `/git`: everything lives below it, in addresses handed out and in the step's environment.
    pub fn sub_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.sub_path);
        self
    }

    /// Another origin in every address handed out, with a trailing slash and the sub-path where there is one.
    pub fn root_url(mut self, root: &str) -> Self {
        self.root_url = Some(root.to_owned());
        self
    }

    /// Waited before every reply. For benchmarks; no test needs it.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    pub fn start(self) -> FakeForge {
        let (listener, address) = Server::listen();
        let base_url = format!("http://{address}{}", self.sub_path);
        let owner = |id: i64, login: &str| User {
            id,
            login: login.to_owned(),
            full_name: String::new(),
            email: format!("{login}@example.com"),
            admin: login == "boss",
        };
        let state = State {
            version: self.version,
            root_url: self.root_url.unwrap_or_else(|| format!("{base_url}/")),
            base_url,
            max_response_items: self.max_response_items,
            default_paging_num: self.default_paging_num,
            now: START,
            ids: Ids::default(),
            users: vec![State::actions_user(), owner(1, "boss"), owner(2, "alice")],
            repos: Vec::new(),
            commits: BTreeMap::new(),
            teams: Vec::new(),
            runs: Vec::new(),
            tasks: Vec::new(),
            artifacts: artifacts::Artifacts::default(),
            tokens: BTreeMap::new(),
            seed: self.seed,
        };
        let inner = Arc::new(Inner {
            state: Mutex::new(state),
            weather: Mutex::default(),
            log: Mutex::default(),
            sub_path: self.sub_path,
            latency: self.latency,
            held: Mutex::default(),
            moved: Condvar::new(),
        });
        let server = Server::start(listener, address, Arc::clone(&inner) as Arc<dyn Service>);
        FakeForge { inner, server }
    }
}

/// One line of the access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    /// Path and query as sent, sub-path included.
    pub target: String,
    pub token: TokenKind,
}

struct Inner {
    state: Mutex<State>,
    weather: Mutex<Weather>,
    log: Mutex<Vec<Seen>>,
    sub_path: String,
    latency: Duration,
    held: Mutex<Held>,
    moved: Condvar,
}

/// Requests that wait for the test to let go.
#[derive(Default)]
struct Held {
    waiting: usize,
    let_go: bool,
}

/// Longer than any run that is alive; reached only by a test that waits for a request nobody sends.
const PATIENCE: Duration = Duration::from_mins(2);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Service for Inner {
    fn sub_path(&self) -> &str {
        &self.sub_path
    }

    fn latency(&self) -> Duration {
        self.latency
    }

    fn meet(&self, request: &Request) -> Option<Fault> {
        let token = lock(&self.state).token_kind(request);
        let seen = Seen { method: request.method.clone(), target: request.target.clone(), token };
        lock(&self.log).push(seen);
        lock(&self.weather).meet(request)
    }

    fn hold(&self) {
        let mut held = lock(&self.held);
        held.waiting += 1;
        self.moved.notify_all();
        drop(self.moved.wait_timeout_while(held, PATIENCE, |held| !held.let_go));
    }

    fn answer(&self, request: &Request) -> Reply {
        lock(&self.state).answer(request)
    }

    fn date(&self) -> String {
        http_date(lock(&self.state).now)
    }
}

/// A running forge on loopback; it stops when dropped.
pub struct FakeForge {
    inner: Arc<Inner>,
    server: Server,
}

impl FakeForge {
    /// An installation at the root, with pages of two.
    pub fn start(version: Version) -> Self {
        Config::new(version).start()
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut lock(&self.inner.state))
    }

    /// Where it answers, sub-path included, without a trailing slash.
    pub fn url(&self) -> String {
        self.with(|state| state.base_url.clone())
    }

    /// The repository of this slug, made where it is new.
    pub fn repo(&self, slug: &str) -> RepoScene<'_> {
        RepoScene::of(self, slug)
    }

    /// A run by its id, also one that a dispatch made.
    pub fn run(&self, id: i64) -> RunScene<'_> {
        RunScene::of(self, id)
    }

    /// A token of this person, who is made where they are new.
    pub fn personal_token(&self, login: &str) -> String {
        self.with(|state| {
            state.ensure_user(login);
            let token = git::object_id(&[b"personal token", login.as_bytes()]);
            state.tokens.insert(token.clone(), Principal::Person(login.to_owned()));
            token
        })
    }

    /// Every token handed out so far: none of them may turn up in an output.
    pub fn secrets(&self) -> Vec<String> {
        self.with(|state| state.tokens.keys().cloned().collect())
    }

    /// The environment of a step of this job (which is started where it is not), its files below `folder`.
    pub fn env_for(&self, job: JobScene<'_>, folder: &Path) -> BTreeMap<String, String> {
        let task = job.start();
        self.with(|state| step::environment(state, task, folder))
    }

    /// The `event.json` of a run: the payload of the moment it was triggered.
    pub fn event_json(&self, run: RunScene<'_>) -> serde_json::Value {
        self.with(|state| state.run(run.id()).occasion.payload.clone())
    }

    pub fn fault(&self, at: At, fault: Fault) {
        lock(&self.inner.weather).add(at, fault);
    }

    /// Waits until a request is met by `Fault::Hold`.
    pub fn wait_for_held(&self) {
        let held = lock(&self.inner.held);
        let (held, _) = self
            .inner
            .moved
            .wait_timeout_while(held, PATIENCE, |held| held.waiting == 0)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(held.waiting > 0, "nobody sent the request that was to be held");
    }

    /// Lets every held request go on, and none wait from now on.
    pub fn let_go(&self) {
        lock(&self.inner.held).let_go = true;
        self.inner.moved.notify_all();
    }

    /// From now on requests are held again.
    pub fn hold_again(&self) {
        *lock(&self.inner.held) = Held::default();
    }

    pub fn clear_faults(&self) {
        lock(&self.inner.weather).clear();
    }

    /// What was asked so far, in order of arrival.
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.inner.log).clone()
    }

    pub fn forget_requests(&self) {
        lock(&self.inner.log).clear();
    }

    /// Seconds since 1970 on the forge's clock.
    pub fn now(&self) -> i64 {
        self.with(|state| state.now)
    }

    pub fn set_clock(&self, now: i64) {
        self.with(|state| state.now = now);
    }

    pub fn advance(&self, seconds: i64) {
        self.with(|state| state.now += seconds);
    }

    /// The nightly clean-up: condemned artifacts go, old ones expire.
    pub fn nightly(&self) {
        self.with(State::clean_up);
    }

    /// Sets the next ids, for scenes that must match a recording.
    pub fn ids(&self, set: impl FnOnce(&mut Ids)) {
        self.with(|state| set(&mut state.ids));
    }

    /// Closes the port: from now on every connection is refused for good.
    pub fn stop_listening(&self) {
        self.server.stop();
    }
}
