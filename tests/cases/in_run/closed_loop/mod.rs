//! The closed loop over the fake forge: fail, packet, fix, judged again, pass; memory from earlier runs' artifacts.

mod recorded;
mod scenario;
mod world;

use serde_json::{Value, json};

use super::yard::zip as zipped;
use crate::fake_forge::{At, Fault, Version};
use world::{Act, Obstacle, Place, World, agent};

/// Every server with every place the gate can stand in.
fn everywhere() -> impl Iterator<Item = (Version, Place)> {
    Version::ALL.into_iter().flat_map(|version| Place::ALL.map(|place| (version, place)))
}

fn word(packet: &Value, key: &str) -> String {
    packet[key].as_str().unwrap_or("-").to_owned()
}

#[test]
fn the_same_obstacles_in_every_order_end_in_a_pass() {
    let mut orders: Vec<Vec<Obstacle>> = vec![Vec::new()];
    for _ in 0..4 {
        orders = orders
            .iter()
            .flat_map(|order| {
                Obstacle::ALL.into_iter().filter(|one| !order.contains(one)).map(|one| {
                    let mut longer = order.clone();
                    longer.push(one);
                    longer
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 24);
    let in_the_run = orders.iter().map(|order| (order, Place::InTheRun));
    let on_the_base = orders.iter().step_by(5).map(|order| (order, Place::OnTheBase));
    for (order, place) in in_the_run.chain(on_the_base) {
        let steps = World::with(place, Version::V16, order, true).drive(agent);
        let codes: Vec<i32> = steps.iter().map(|(judged, _)| judged.ran.code).collect();
        assert_eq!(codes.last(), Some(&0), "{place:?} {order:?}: {codes:?}");
        assert_eq!(steps.len(), 5, "{place:?} {order:?}: {codes:?}");
        for ((judged, act), obstacle) in steps.iter().zip(order) {
            let expected = match obstacle {
                Obstacle::Tests => {
                    Act::Commit { path: "repairs/unit-tests.failed".to_owned(), text: "fix_tests".to_owned() }
                }
                Obstacle::Lint => Act::Commit {
                    path: "repairs/lint-tests.failed".to_owned(),
                    text: "run_command".to_owned(),
                },
                Obstacle::Review => Act::AskLane("claude".to_owned()),
                Obstacle::Human => Act::AskOperator,
            };
            assert_eq!(*act, expected, "{order:?}: {}", judged.packet_text);
        }
    }
}

/// Everything is wrong from the first head: pushes come before the review, the review before the person.
#[test]
fn all_at_once_is_done_in_the_order_that_undoes_nothing() {
    for (version, place) in everywhere() {
        let steps = World::with(place, version, &Obstacle::ALL, false).drive(agent);
        let acts: Vec<&Act> = steps.iter().map(|(_, act)| act).collect();
        assert!(matches!(acts[..2], [Act::Commit { .. }, Act::Commit { .. }]), "{acts:?}");
        assert_eq!(acts[2..], [&Act::AskLane("claude".to_owned()), &Act::AskOperator, &Act::Done]);
        let last = &steps[2].0.packet;
        assert_eq!((last["attempt"].as_u64(), word(last, "change").as_str()), (Some(3), "fewer"));
        assert_eq!(last["entries"][0]["heads_seen"], 3);
        assert_eq!(last["entries"][0]["attempts"], 1, "no head before had time for a review");
    }
}

fn useless(packet: &Value) -> Act {
    match agent(packet) {
        Act::Commit { .. } => {
            Act::Commit { path: "notes.txt".to_owned(), text: packet["attempt"].to_string() }
        }
        _ => Act::Done,
    }
}

#[test]
fn an_agent_that_mends_nothing_is_stopped_at_max_attempts() {
    for (version, place) in everywhere() {
        let steps = World::with(place, version, &[Obstacle::Tests], false).drive(useless);
        assert_eq!(steps.len(), 3);
        let progress: Vec<String> =
            steps.iter().map(|(judged, _)| word(&judged.packet, "progress")).collect();
        assert_eq!(progress, ["first", "no_progress", "no_progress"]);
        let entry = &steps[2].0.packet["entries"][0];
        assert_eq!((word(entry, "owner").as_str(), entry["heads_seen"].as_u64()), ("operator", Some(3)));
        assert_eq!(entry["action"]["kind"], "ask_operator");
        let history = &steps[2].0.ran.report()["history"];
        assert_eq!((history["heads"].as_u64(), &history["unknown"]), (Some(3), &json!([])));
        assert_eq!(history["previous"]["target_sha"], steps[1].0.packet["target_sha"]);
        assert_eq!(history["previous"]["artifact"], "patchwarden-result-gate-1");
    }
}

#[test]
fn the_same_head_again_gives_the_same_packet_byte_for_byte() {
    for (version, place) in everywhere() {
        let mut world = World::with(place, version, &[Obstacle::Tests], false);
        world.judge();
        world.push("a.txt", "a\n");
        let (one, two, three) = (world.judge(), world.judge(), world.judge());
        assert_eq!(one.packet["attempt"], 2);
        assert_eq!(one.packet_text, two.packet_text);
        assert_eq!(one.packet_text, three.packet_text);
    }
}

/// Before v16 only a public repository shows the artifacts of earlier runs.
#[test]
fn what_the_server_cannot_show_is_said_and_progress_is_unknown() {
    let mut world = World::new(Version::V15, &[Obstacle::Tests], false);
    world.yard.demo().private();
    world.judge();
    world.push("a.txt", "a\n");
    let judged = world.judge();
    assert_eq!(
        (word(&judged.packet, "progress").as_str(), judged.packet["attempt"].as_u64()),
        ("unknown", Some(2))
    );
    let unknown = judged.ran.report()["history"]["unknown"].to_string();
    assert!(unknown.contains("to nobody here"), "{unknown}");
    // The cap on heads still counts.
    for index in 0..10 {
        world.push("b.txt", &index.to_string());
    }
    let judged = world.judge();
    assert_eq!((judged.packet["attempt"].as_u64(), judged.ran.code), (Some(12), 11));
    assert_eq!(judged.packet["entries"][0]["owner"], "operator");
}

#[test]
fn a_timeline_that_does_not_answer_changes_no_verdict() {
    for version in Version::ALL {
        let world = World::new(version, &[], false);
        world.yard.forge.fault(At::path("/timeline").always(), Fault::Status(502));
        let judged = world.judge();
        judged.ran.ended(0, &[]);
        let history = &judged.ran.report()["history"];
        assert!(history["heads"].is_null() && history["unknown"].to_string().contains("502"), "{history}");
        assert_eq!(judged.packet["progress"], "unknown");
    }
}

/// Any job of a run can overwrite the result of its gate. What it writes there is believed as a hint and no more.
#[test]
fn a_forged_packet_earns_nothing() {
    let escalated = |packet: &Value| packet["entries"][0]["owner"] == "operator";
    for (forge, ends_at_a_person, is_read) in [
        (json!({"verdict": "pass", "entries": [], "next": null}), false, true),
        (json!({"attempt": 4_000_000_000_u64}), true, true),
        (json!({"target_sha": "1".repeat(40)}), false, false),
        (json!({"schema": "patchwarden.gate_report.v1"}), false, false),
        (json!({"entries": "none"}), false, false),
    ] {
        let mut world = World::new(Version::V16, &[Obstacle::Tests], false);
        world.judge_and(|run, packet| {
            let mut packet: Value = serde_json::from_str(packet).unwrap();
            for (key, value) in forge.as_object().unwrap() {
                packet[key] = value.clone();
            }
            let bytes = zipped(&[("repair_instruction.json", packet.to_string().as_bytes())]);
            run.job("gate").upload_v4("patchwarden-result-gate-1", &bytes);
        });
        world.push("a.txt", "a\n");
        let judged = world.judge();
        judged.ran.ended(11, &["unit:tests.failed"]);
        assert_eq!(escalated(&judged.packet), ends_at_a_person, "{forge}");
        let history = &judged.ran.report()["history"];
        assert_eq!(!history["previous"].is_null(), is_read, "{forge}: {history}");
        assert_eq!(history["unknown"] == json!([]), is_read, "{forge}: {history}");
    }
}
