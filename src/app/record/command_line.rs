//! The argument vector as a manifest shows it: secrets out, length bounded.
//! The command itself is run with its arguments as given.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Bytes kept of one argument: a script passed by `sh -c` fits, a data file passed as an argument is cut.
const ARGUMENT_BYTES: usize = 4096;
/// Arguments kept.
const ARGUMENTS: usize = 1000;
/// Shorter values are words, not secrets: `KEYMAP=us` must not blank out every `us`.
const SECRET_BYTES: usize = 8;

const SECRET_NAMES: [&str; 4] = ["TOKEN", "SECRET", "PASSWORD", "KEY"];

/// The command for the manifest. Values of variables whose names speak of secrets are replaced wherever they stand;
/// what is not UTF-8 is shown with replacement characters; what is cut says so.
pub fn recorded(command: &[OsString], env: &BTreeMap<String, String>) -> Vec<String> {
    let secrets = secrets(env);
    let mut shown: Vec<String> =
        command.iter().take(ARGUMENTS).map(|argument| cut(redact(argument, &secrets))).collect();
    if command.len() > ARGUMENTS {
        shown.push(format!("… ({} arguments in all)", command.len()));
    }
    shown
}

/// Names and values of secrets, the longest value first: one secret may hold another.
fn secrets(env: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    let mut secrets: Vec<(&str, &str)> = env
        .iter()
        .filter(|(name, value)| {
            let name = name.to_ascii_uppercase();
            value.len() >= SECRET_BYTES && SECRET_NAMES.iter().any(|part| name.contains(part))
        })
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    secrets.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    secrets
}

fn redact(argument: &OsString, secrets: &[(&str, &str)]) -> String {
    let mut text = argument.to_string_lossy().into_owned();
    for (name, value) in secrets {
        if text.contains(value) {
            text = text.replace(value, &format!("[redacted {name}]"));
        }
    }
    text
}

fn cut(text: String) -> String {
    if text.len() <= ARGUMENT_BYTES {
        return text;
    }
    let kept = text.get(..text.floor_char_boundary(ARGUMENT_BYTES)).unwrap_or_default();
    format!("{kept}… ({} bytes in all)", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(arguments: &[&str], env: &[(&str, &str)]) -> Vec<String> {
        let command: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        recorded(&command, &env)
    }

    #[test]
    fn secrets_of_the_environment_leave_the_command() {
        let env = [
            ("DEPLOY_TOKEN", "abcdefgh"),
            ("api_key", "abcdefgh-and-more"),
            ("KEYMAP", "us"),
            ("HOME", "/home/user"),
        ];
        assert_eq!(
            show(&["curl", "abcdefgh", "--header=X: abcdefgh-and-more", "us", "/home/user"], &env),
            ["curl", "[redacted DEPLOY_TOKEN]", "--header=X: [redacted api_key]", "us", "/home/user"]
        );
    }

    #[test]
    fn long_arguments_and_lists_are_cut_and_say_so() {
        let long = "é".repeat(5000);
        let shown = show(&["echo", &long], &[]);
        assert!(shown[1].len() < 4200 && shown[1].ends_with("… (10000 bytes in all)"), "{}", shown[1].len());
        let many = show(&vec!["x"; 1500], &[]);
        assert_eq!((many.len(), many[1000].as_str()), (1001, "… (1500 arguments in all)"));
    }
}
