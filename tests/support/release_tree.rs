//! A release tree of the action as a runner checks it out, and its composite steps as a runner runs them.
//! Its binary calls the one that cargo built, because a debug build takes a second to hash; `cases/action.rs` verifies.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use patchwarden::model::Digest;
use serde_json::Value;
use tempfile::TempDir;

use super::here;

const FILES: [&str; 3] = ["action.yml", "record/action.yml", "action/run.sh"];

pub struct ReleaseTree {
    folder: TempDir,
}

impl ReleaseTree {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in FILES {
            let to = folder.path().join(file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(here(file), to).unwrap();
        }
        let binary = folder.path().join(format!("bin/patchwarden-{}-linux", std::env::consts::ARCH));
        fs::create_dir_all(binary.parent().unwrap()).unwrap();
        let script = format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_patchwarden"));
        fs::write(&binary, &script).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        let digest = Digest::of(&script).to_string();
        let mut sum = binary.into_os_string();
        sum.push(".sha256");
        fs::write(sum, format!("{}  x\n", digest.trim_start_matches("sha256:"))).unwrap();
        Self { folder }
    }

    /// The step of the action in this folder of the tree (`""` or `record`), given what a workflow passes `with` and
    /// the job's environment. Expressions are only those of inputs: an action may read nothing else here.
    pub fn command(
        &self,
        folder: &str,
        with: &BTreeMap<String, String>,
        env: &BTreeMap<String, String>,
    ) -> Command {
        let path = self.folder.path().join(folder);
        let action: Value =
            serde_saphyr::from_str(&fs::read_to_string(path.join("action.yml")).unwrap()).unwrap();
        let inputs = action["inputs"].as_object().unwrap();
        assert!(with.keys().all(|name| inputs.contains_key(name)), "{with:?} has what is no input");
        let [step] = action["runs"]["steps"].as_array().unwrap().as_slice() else { panic!("one step") };
        let mut command = Command::new("/bin/sh");
        command.args(["-e", "-c", step["run"].as_str().unwrap()]).env_clear().envs(env);
        command.env("GITHUB_ACTION_PATH", path);
        for (name, expression) in step["env"].as_object().unwrap() {
            let expression = expression.as_str().unwrap();
            let input = expression.strip_prefix("${{ inputs.").unwrap().strip_suffix(" }}").unwrap();
            let default = || inputs[input]["default"].as_str().map(str::to_owned);
            command.env(name, with.get(input).cloned().or_else(default).unwrap_or_default());
        }
        command
    }
}
