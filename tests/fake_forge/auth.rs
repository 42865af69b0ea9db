//! Who asks, and what they may: job tokens, runtime tokens, personal tokens, nobody.
//! Rules: what a recorded job of the same repository and of a fork could do, and the route guards of v15 and v16.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;

use super::git::object_id;
use super::http::Request;
use super::state::{ACTIONS_USER, State, Status};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    Anonymous,
    /// The automatic token of a task, or its runtime token used on REST.
    Task(i64),
    Person(String),
    /// A token nobody knows, or one of a task that no longer runs.
    Invalid,
}

impl Principal {
    /// The login under which it writes.
    pub fn login(&self) -> String {
        match self {
            Self::Person(login) => login.clone(),
            _ => ACTIONS_USER.to_owned(),
        }
    }
}

/// What the access log keeps of a token: its kind, never itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    None,
    Job,
    Runtime,
    Personal,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub read: bool,
    pub write: bool,
    pub admin: bool,
}

impl Access {
    pub const NONE: Self = Self { read: false, write: false, admin: false };
}

fn bearer(request: &Request) -> Option<String> {
    let header = request.header("Authorization")?;
    if let Some(token) = header.strip_prefix("token ").or_else(|| header.strip_prefix("Bearer ")) {
        return Some(token.to_owned());
    }
    let pair = String::from_utf8(STANDARD.decode(header.strip_prefix("Basic ")?).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some(if password.is_empty() { user.to_owned() } else { password.to_owned() })
}

impl State {
    pub fn token_kind(&self, request: &Request) -> TokenKind {
        let Some(token) = bearer(request) else { return TokenKind::None };
        match self.tokens.get(&token) {
            Some(Principal::Task(_)) if token.contains('.') => TokenKind::Runtime,
            Some(Principal::Task(_)) => TokenKind::Job,
            Some(Principal::Person(_)) => TokenKind::Personal,
            _ => TokenKind::Unknown,
        }
    }

    /// Who a REST call is from. A job's token dies with its task.
    pub fn principal(&self, request: &Request) -> Principal {
        let Some(token) = bearer(request) else { return Principal::Anonymous };
        match self.tokens.get(&token) {
            Some(Principal::Task(id)) if self.task(*id).is_some_and(|t| t.status == Status::Running) => {
                Principal::Task(*id)
            }
            Some(Principal::Person(login)) => Principal::Person(login.clone()),
            _ => Principal::Invalid,
        }
    }

    /// A job reads and writes its own repository, reads it where its pull request came from a fork, and sees no
    /// other, not even a public one. A person reads what is public and owns what bears the name.
    pub fn access(&self, who: &Principal, repo: i64) -> Access {
        let (private, owner) = (self.repo(repo).private, &self.repo(repo).owner);
        match who {
            Principal::Anonymous => Access { read: !private, ..Access::NONE },
            Principal::Invalid => Access::NONE,
            Principal::Task(id) => {
                let Some(run) = self.task(*id).map(|task| self.run(task.run)) else { return Access::NONE };
                let own = run.repo == repo;
                Access { read: own, write: own && !run.occasion.fork, admin: false }
            }
            Principal::Person(login) => {
                let admin = self.users.iter().any(|user| user.login == *login && user.admin);
                let own = admin || login == owner;
                Access { read: own || !private, write: own, admin: own }
            }
        }
    }

    /// Whom the artifact service takes the caller for, by the `Bearer` header alone: the task, or the refusal.
    pub fn service_task(&self, request: &Request) -> Result<i64, (u16, &'static str)> {
        let header = request.header("Authorization").unwrap_or_default();
        let token = header.strip_prefix("Bearer ").ok_or((401, "Bad authorization header"))?;
        let Some(Principal::Task(id)) = self.tokens.get(token) else {
            return Err((500, "Error runner api getting task"));
        };
        let running = self.task(*id).is_some_and(|task| task.status == Status::Running);
        let refusal = (500, "Error runner api getting task: task is not running");
        running.then_some(*id).ok_or(refusal)
    }

    /// Makes the two tokens of a task, with the claims a real runtime token has. Only the fake checks them.
    pub fn issue_tokens(&mut self, task: i64, run: i64, job: i64) -> (String, String) {
        let token = object_id(&[b"job token", &task.to_le_bytes()]);
        let head = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "typ": "JWT"}).to_string());
        let claims = json!({
            "ac": json!([{"Scope": "", "Permission": 3}]).to_string(),
            "exp": self.now + 24 * 3600,
            "nbf": self.now,
            "scp": format!("Actions.Results:{run}:{job}"),
            "TaskID": task,
            "RunID": run,
            "JobID": job,
        });
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let seal = URL_SAFE_NO_PAD.encode(object_id(&[b"runtime secret", claims.as_bytes()]));
        let runtime = format!("{head}.{claims}.{seal}");
        self.tokens.insert(token.clone(), Principal::Task(task));
        self.tokens.insert(runtime.clone(), Principal::Task(task));
        (token, runtime)
    }
}

/// The signature of an upload or download address: base64 with its `=` kept, over everything but the origin.
pub fn sign(endpoint: &str, expires: &str, name: &str, task: i64, artifact: i64) -> String {
    let seal = format!("{task}:{artifact}");
    let parts: [&[u8]; 4] = [endpoint.as_bytes(), expires.as_bytes(), name.as_bytes(), seal.as_bytes()];
    URL_SAFE.encode(object_id(&parts).as_bytes())
}
