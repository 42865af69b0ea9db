//! The scenario of `examples/closed-loop`: its README shows what each judgement said, made from the runs themselves.

use std::fmt::Write as _;

use serde_json::Value;

use super::world::{Act, Obstacle, POLICY, World, agent};
use crate::fake_forge::Version;
use crate::support::here;
use crate::support::snapshot::{UPDATE, compare};

const BEGIN: &str = "<!-- generated from the runs, do not edit: begin -->\n";
const END: &str = "<!-- generated from the runs, do not edit: end -->\n";

/// Red tests, then lint, then a stale review, then green but for a person, then a pass.
#[test]
fn red_tests_lint_stale_review_a_person_and_a_pass() {
    for version in Version::ALL {
        let mut world = World::new(version, &Obstacle::ALL, true);
        let steps = world.drive(agent);
        let told: Vec<(i32, Vec<String>)> =
            steps.iter().map(|(judged, _)| (judged.ran.code, judged.ran.blockers())).collect();
        let expected = [
            (11, vec!["unit:tests.failed"]),
            (11, vec!["lint:tests.failed"]),
            (11, vec!["reviews:review.lane_stale"]),
            (10, vec!["protected:protected.path_changed"]),
            (0, vec![]),
        ];
        let expected: Vec<(i32, Vec<String>)> = expected
            .into_iter()
            .map(|(code, blockers)| (code, blockers.into_iter().map(str::to_owned).collect()))
            .collect();
        assert_eq!(told, expected);
        let of = |key: &str| -> Vec<String> {
            steps.iter().map(|(judged, _)| judged.packet[key].as_str().unwrap_or("-").to_owned()).collect()
        };
        assert_eq!(of("progress"), ["first", "progress", "progress", "progress", "progress"]);
        assert_eq!(of("change"), ["-", "different", "different", "different", "fewer"]);
        let attempts: Vec<u64> = steps.iter().map(|(j, _)| j.packet["attempt"].as_u64().unwrap()).collect();
        assert_eq!(attempts, [1, 2, 3, 3, 3]);
        assert_eq!(steps[4].0.packet["entries"], Value::Array(Vec::new()));
        let block = block(&steps);
        assert_shown(&block);
        let path = here("examples/closed-loop/patchwarden.toml");
        compare(&path, Some(POLICY)).unwrap();
    }
}

fn block(steps: &[(super::world::Judged, Act)]) -> String {
    let titles = [
        "The tests are red",
        "The linter is red",
        "The review is of an older head",
        "Green but for a person",
        "A pass",
    ];
    let mut out = String::new();
    for (index, ((judged, act), title)) in steps.iter().zip(titles).enumerate() {
        let head = judged.packet["target_sha"].as_str().unwrap();
        let _ = write!(
            out,
            "\n## {}. {title}\nRun {}, head `{}`, exit {}.\n\n```json\n{}\n```\n\n{}\n",
            index + 1,
            judged.run_number,
            &head[..10],
            judged.ran.code,
            judged.packet_text.trim_end(),
            words(act)
        );
    }
    out
}

fn words(act: &Act) -> String {
    match act {
        Act::Commit { path, text } => {
            format!("The agent does `{text}`, commits (here a file `{path}`) and pushes: a new head, a new run.")
        }
        Act::AskLane(lane) => format!(
            "The agent asks the lane `{lane}` to review this head. Its review starts a run of the same head."
        ),
        Act::AskOperator => {
            "The agent stops and says so. `boss` reads the change of `deploy/prod.toml` and approves exactly this head; that starts a run of the same head.".to_owned()
        }
        Act::Done => "`next` is null: there is nothing to do.".to_owned(),
    }
}

fn assert_shown(block: &str) {
    let path = here("examples/closed-loop/README.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let fresh = format!("{before}{BEGIN}{block}\n{END}{after}");
    if let Err(difference) = compare(&path, Some(&fresh)) {
        panic!("{difference}\nregenerate with: {UPDATE} closed_loop");
    }
}
