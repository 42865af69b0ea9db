//! Against a real server, only where `PATCHWARDEN_LIVE_URL` and `PATCHWARDEN_LIVE_TOKEN` name one: a throwaway Forgejo,
//! because repositories are made and left there. What needs a runner's job (artifacts, the gate itself) is not here.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

/// The server, or nothing to do.
struct Live {
    url: String,
    token: String,
}

impl Live {
    fn find() -> Option<Self> {
        let of = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let live = Some(Self { url: of("PATCHWARDEN_LIVE_URL")?, token: of("PATCHWARDEN_LIVE_TOKEN")? });
        live.inspect(|live| println!("live: {}", live.url))
    }

    /// By curl: the product's own client must not be the measure of itself.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail-with-body", "--request", method])
            .args(["--header", "Content-Type: application/json", "--data", &body.to_string()])
            .args(["--header", &format!("Authorization: token {}", self.token)])
            .arg(format!("{}/api/v1/{path}", self.url))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{method} {path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn patchwarden(&self, arguments: &[&str]) -> (i32, Value, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_patchwarden"))
            .args(arguments)
            .env_clear()
            .env("PATCHWARDEN_TOKEN", &self.token)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(!text(&output.stdout).contains(&self.token) && !text(&output.stderr).contains(&self.token));
        let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), json, text(&output.stderr))
    }

    /// A new repository with a policy, whose name nothing else has.
    fn repository(&self) -> String {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let name = format!("live-{}", since.unwrap_or(Duration::ZERO).as_nanos());
        let made = self.call("POST", "user/repos", &json!({ "name": name, "auto_init": true }));
        let slug = made["full_name"].as_str().unwrap().to_owned();
        let policy = "dmVyc2lvbiA9IDEKW3Blb3BsZV0Kb3BlcmF0b3JzID0gWyJsaXZlIl0K";
        let body = json!({ "content": policy, "message": "policy" });
        self.call("POST", &format!("repos/{slug}/contents/.forgejo/patchwarden.toml"), &body);
        slug
    }
}

#[test]
fn doctor_finds_what_the_recordings_say() {
    let Some(live) = Live::find() else { return };
    let slug = live.repository();
    let body = json!({
        "rule_name": "main",
        "enable_status_check": true,
        "status_check_contexts": ["ci / *"],
    });
    live.call("POST", &format!("repos/{slug}/branch_protections"), &body);
    let arguments = ["doctor", "--server", &live.url, "--repo", &slug, "--format", "json"];
    let (code, diagnosis, told) = live.patchwarden(&arguments);
    assert_eq!(code, 0, "{told}");
    assert_eq!(diagnosis["token"], "personal");
    assert_eq!(diagnosis["protection"]["known"]["branch"], "main");
    assert!(diagnosis["weak"].to_string().contains("is a glob"), "{diagnosis}");
    for row in diagnosis["capabilities"].as_array().unwrap() {
        let wanted = ["repository", "branch_read"].contains(&row["name"].as_str().unwrap());
        assert_eq!(row["answer"] == "yes", wanted, "{row}");
    }
}

#[test]
fn a_repository_that_is_not_there_is_no_answer() {
    let Some(live) = Live::find() else { return };
    let arguments = ["doctor", "--server", &live.url, "--repo", "nobody/nothing", "--format", "json"];
    let (code, diagnosis, told) = live.patchwarden(&arguments);
    let answered =
        diagnosis["capabilities"].as_array().into_iter().flatten().any(|row| row["answer"] == "yes");
    assert!(matches!(code, 0 | 4) && !answered, "{code}: {diagnosis}{told}");
}
