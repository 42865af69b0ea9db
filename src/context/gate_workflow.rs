//! What in a workflow file lets its gate be passed by: refusals, warnings, and the contexts to require instead.
//! A gate that is skipped is green on every version (LIVE section 10); the rest is DESIGN section 4, *Placement*.

use crate::model::sanitize;

use super::workflow_file::{WorkflowFile, WorkflowJob, WorkflowStep};

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowFindings {
    /// The jobs that hold the gate, in backticks.
    pub jobs: Vec<String>,
    /// What lets the gate be passed by, one sentence each.
    pub refused: Vec<String>,
    /// What is probably not meant, one sentence each.
    pub warnings: Vec<String>,
    /// The status contexts of the gate on pull requests, spelled out as branch protection wants them.
    pub contexts: Vec<String>,
}

/// Events whose checkout is the base, not the change.
const OF_THE_BASE: [&str; 2] = ["issue_comment", "pull_request_target"];
/// Events of a pull request that give a context on its head.
const OF_A_PULL: [&str; 2] = ["pull_request", "pull_request_target"];

/// Whether a required context is a pattern: Forgejo matches it as a glob.
pub fn is_glob(context: &str) -> bool {
    context.contains(['*', '?', '[', ']', '{', '}', '!', '\\'])
}

/// Looks at the workflow file called `file_name`. The gate's job is the one `named`, else every one with a step that
/// runs the gate; `required` are the contexts branch protection is known to require, perhaps none.
pub fn look_at_gate_workflow(
    file: &WorkflowFile,
    file_name: &str,
    named: Option<&str>,
    required: &[String],
) -> WorkflowFindings {
    let mut found = WorkflowFindings::default();
    let holds_gate = |id: &str, job: &WorkflowJob| match named {
        Some(named) => named == id,
        None => job.steps.iter().any(is_gate),
    };
    let gates: Vec<(&String, &WorkflowJob)> =
        file.jobs.iter().filter(|(id, job)| holds_gate(id, job)).collect();
    if gates.is_empty() {
        found.refused.push(match named {
            Some(named) => format!("there is no job `{}`", sanitize(named, 60)),
            None => "no job of it has a step that runs the gate: name the job with `--job`".to_owned(),
        });
        return found;
    }
    if file.on.contains_key("schedule") {
        let why = "when a scheduled run cannot be made, the server disables the whole file, silently and for every event";
        found.refused.push(format!("`schedule:` stands in the file that holds the gate: {why}"));
    }
    for (event, filters) in file.on.iter().filter(|(event, _)| OF_A_PULL.contains(&event.as_str())) {
        if !filters.iter().any(|filter| filter == "branches") {
            found.warnings.push(format!(
                "`{event}` has no `branches:`: a pull request that is retargeted keeps the status it got for another base"
            ));
        }
        if filters.iter().any(|filter| filter.starts_with("paths")) {
            found.warnings.push(format!(
                "`{event}` has a `paths` filter: where it does not fit, no gate runs and nothing can be merged"
            ));
        }
    }
    for (id, job) in gates {
        let id = sanitize(id, 60);
        look_at_job(file, &id, job, named.is_some(), &mut found);
        found.jobs.push(format!("`{id}`"));
        let workflow = file.name.as_deref().unwrap_or(file_name);
        let display = job.name.as_deref().unwrap_or(&id);
        if !display.contains("${{") {
            let events = file.on.keys().filter(|event| OF_A_PULL.contains(&event.as_str()));
            let context =
                |event| format!("{} / {} ({event})", sanitize(workflow, 120), sanitize(display, 120));
            found.contexts.extend(events.map(context));
        }
    }
    if !required.is_empty() && !found.contexts.iter().any(|context| required.contains(context)) {
        found.warnings.push(format!(
            "none of the required contexts is the gate's: {}",
            crate::model::cut_list(&found.contexts, 3)
        ));
    }
    found
}

fn look_at_job(
    file: &WorkflowFile,
    id: &str,
    job: &WorkflowJob,
    is_named: bool,
    found: &mut WorkflowFindings,
) {
    let mut refuse = |why: &str| found.refused.push(format!("job `{id}`: {why}"));
    match job.condition.as_deref() {
        None if job.needs.is_empty() => {}
        None => refuse(
            "it has `needs` and no `if: always()`: a job that fails before it skips it, and a skipped gate is green",
        ),
        Some(condition) if is_always(condition) => {}
        Some(_) => {
            refuse("its `if:` is not `always()`: where it does not hold, the gate is skipped and green");
        }
    }
    for step in &job.steps {
        if brings_the_head(step, file) {
            refuse(
                "it checks out the change it judges: the gate wants a job of its own with nothing of the head in it",
            );
        }
        if is_gate(step) || is_named && step.uses.as_deref().is_some_and(|uses| uses.starts_with("./")) {
            if step.condition.as_deref().is_some_and(|condition| !is_always(condition)) {
                refuse(
                    "the gate's step has an `if:`: where it does not hold, the job is green without a verdict",
                );
            }
            if step.continue_on_error.as_deref().is_some_and(|value| value != "false") {
                refuse("the gate's step has `continue-on-error`: the job is green whatever the verdict");
            }
            if !job.needs.is_empty() && !passes_needs(step) {
                refuse(
                    "it has `needs` and does not pass them: write `needs: ${{ toJSON(needs) }}` under `with:`, an action may not read them itself",
                );
            }
        }
    }
    for step in &job.steps {
        if let Some(uses) = step.uses.as_deref().filter(|_| is_gate(step))
            && !is_pinned(uses)
        {
            found.warnings.push(format!(
                "job `{id}`: `uses: {}` names a tag or branch, which can be moved: a full commit finds that out",
                sanitize(uses, 120)
            ));
        }
        if step.run.as_deref().is_some_and(fetches) {
            found.warnings.push(format!(
                "job `{id}`: a step runs git to fetch or check out: nothing of the head belongs in the gate's job"
            ));
        }
    }
}

/// `always()`, with or without the braces of an expression.
fn is_always(condition: &str) -> bool {
    let bare = condition.trim();
    let bare = bare.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(bare);
    bare.split_whitespace().collect::<String>() == "always()"
}

/// Owner, name and folder of a `uses:`, without its version.
fn action_path(uses: &str) -> &str {
    uses.split_once('@').map_or(uses, |(path, _)| path).trim_end_matches('/').trim_end_matches(".git")
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a step runs the gate: by the action, or by the binary itself.
fn is_gate(step: &WorkflowStep) -> bool {
    let by_action = step.uses.as_deref().is_some_and(|uses| last_part(action_path(uses)) == "patchwarden");
    by_action || step.run.as_deref().is_some_and(runs_gate)
}

fn runs_gate(script: &str) -> bool {
    let words: Vec<&str> = script.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
    words.iter().zip(words.iter().skip(1)).any(|(program, verb)| {
        *verb == "gate" && (last_part(program).starts_with("patchwarden") || last_part(program) == "run.sh")
    })
}

/// A full commit id, of either length.
fn is_pinned(uses: &str) -> bool {
    let version = uses.rsplit_once('@').map(|(_, version)| version);
    version.is_some_and(|version| version.parse::<crate::model::CommitSha>().is_ok())
}

fn passes_needs(step: &WorkflowStep) -> bool {
    let passed = step.with.get("needs").or_else(|| step.env.get("PATCHWARDEN_NEEDS"));
    let says = |text: &str| text.to_ascii_lowercase().replace(' ', "").contains("tojson(needs)");
    passed.is_some_and(|text| says(text)) || step.run.as_deref().is_some_and(says)
}

/// Whether a checkout may bring in what is judged.
fn brings_the_head(step: &WorkflowStep, file: &WorkflowFile) -> bool {
    let Some(uses) = &step.uses else { return false };
    if last_part(action_path(uses)) != "checkout" {
        return false;
    }
    let of_the_base = file.on.keys().all(|event| OF_THE_BASE.contains(&event.as_str()));
    let elsewhere = step.with.contains_key("ref") || step.with.contains_key("repository");
    !of_the_base || elsewhere
}

/// Whether a script asks git for more than a clone of the default branch or of a release.
fn fetches(script: &str) -> bool {
    let words: Vec<&str> = script.split_whitespace().collect();
    words.iter().enumerate().any(|(at, word)| {
        *word == "git"
            && words
                .iter()
                .skip(at + 1)
                .take(4)
                .any(|verb| matches!(*verb, "checkout" | "fetch" | "pull" | "switch" | "worktree"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "
name: ci
on:
  pull_request:
    branches: [main]
jobs:
  unit:
    steps: [{uses: actions/checkout@v4}, {run: make test}]
  gate:
    needs: [unit]
    if: always()
    steps:
      - uses: https://forge.example/o/patchwarden@0123456789abcdef0123456789abcdef01234567
        with:
          needs: ${{ toJSON(needs) }}
";

    fn look(text: &str) -> WorkflowFindings {
        look_at_gate_workflow(&WorkflowFile::parse(text).unwrap(), "ci.yml", None, &[])
    }

    /// The one refusal after a change of the sound file.
    fn refused(from: &str, to: &str) -> String {
        assert!(SOUND.contains(from), "{from}");
        let found = look(&SOUND.replace(from, to));
        assert_eq!(found.refused.len(), 1, "{found:?}");
        found.refused[0].clone()
    }

    #[test]
    fn a_sound_file_is_not_refused_and_says_what_to_require() {
        let found = look(SOUND);
        assert_eq!((found.refused, found.warnings), (Vec::new(), Vec::new()));
        assert_eq!(found.contexts, ["ci / gate (pull_request)"]);
        assert_eq!(found.jobs, ["`gate`"]);
        let nameless = look(&SOUND.replace("name: ci\n", ""));
        assert_eq!(nameless.contexts, ["ci.yml / gate (pull_request)"]);
        assert!(look(&SOUND.replace("always()", "${{ always() }}")).refused.is_empty());
    }

    #[test]
    fn a_gate_that_can_be_skipped_is_refused() {
        assert!(refused("    if: always()\n", "").contains("no `if: always()`"));
        assert!(refused("if: always()", "if: success()").contains("not `always()`"));
        assert!(refused("if: always()", "if: always() && github.actor != 'bot'").contains("not `always()`"));
        assert!(
            refused("        with:", "        if: success()\n        with:").contains("step has an `if:`")
        );
        assert!(
            refused("        with:", "        continue-on-error: true\n        with:")
                .contains("continue-on-error")
        );
    }

    #[test]
    fn a_gate_that_sees_the_change_is_refused() {
        let steps = "    if: always()\n    steps:\n";
        let checkout = |more: &str| format!("{steps}      - uses: actions/checkout@v4\n{more}");
        assert!(refused(steps, &checkout("")).contains("checks out the change"));
        let base = SOUND.replace("pull_request:", "pull_request_target:");
        assert_eq!(look(&base.replace(steps, &checkout(""))).refused.len(), 0);
        let head = checkout("        with: {ref: '${{ github.head_ref }}'}\n");
        assert_eq!(look(&base.replace(steps, &head)).refused.len(), 1);
        let by_hand = format!("{steps}      - run: git -C x fetch origin head\n");
        assert_eq!(look(&SOUND.replace(steps, &by_hand)).warnings.len(), 1);
    }

    #[test]
    fn a_schedule_beside_the_gate_is_refused() {
        assert!(refused("on:\n", "on:\n  schedule: [{cron: '0 5 * * 1'}]\n").contains("`schedule:`"));
    }

    #[test]
    fn needs_that_are_not_passed_are_refused() {
        assert!(
            refused("          needs: ${{ toJSON(needs) }}", "          comment: true").contains("pass them")
        );
        assert!(refused("toJSON(needs)", "needs.unit.result").contains("pass them"));
    }

    #[test]
    fn a_file_without_a_gate_is_refused() {
        assert!(refused("/patchwarden@", "/other@").contains("`--job`"));
        let file =
            WorkflowFile::parse(&SOUND.replace(
                "https://forge.example/o/patchwarden@0123456789abcdef0123456789abcdef01234567",
                "./",
            ))
            .unwrap();
        assert_eq!(look_at_gate_workflow(&file, "ci.yml", Some("gate"), &[]).refused.len(), 0);
        assert_eq!(
            look_at_gate_workflow(&file, "ci.yml", Some("door"), &[]).refused,
            ["there is no job `door`"]
        );
        let bare = SOUND.replace("    needs: [unit]\n", "").replace(
            "uses: https://forge.example/o/patchwarden@0123456789abcdef0123456789abcdef01234567",
            "run: /opt/patchwarden gate --out x",
        );
        assert_eq!(look(&bare).jobs, ["`gate`"]);
    }

    #[test]
    fn what_is_probably_not_meant_is_a_warning() {
        let moving = look(&SOUND.replace("0123456789abcdef0123456789abcdef01234567", "v1"));
        assert!(moving.warnings[0].contains("can be moved"), "{moving:?}");
        let unfiltered = look(&SOUND.replace("    branches: [main]\n", "    paths: [src]\n"));
        assert_eq!(unfiltered.warnings.len(), 2);
        let file = WorkflowFile::parse(SOUND).unwrap();
        let other = look_at_gate_workflow(&file, "ci.yml", None, &["ci / unit (pull_request)".to_owned()]);
        assert!(other.warnings[0].contains("ci / gate (pull_request)"), "{other:?}");
    }

    #[test]
    fn a_context_is_a_glob_or_spelled_out() {
        assert!(!is_glob("ci / gate (pull_request)"));
        for glob in ["ci / *", "ci / gate (pull_request?)", "{ci,cd} / gate (push)", "ci / [a-z]"] {
            assert!(is_glob(glob), "{glob}");
        }
    }
}
