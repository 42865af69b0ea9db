//! `patchwarden accept`: whether what one repair entry asks for now holds, for the right head.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::{EXIT_CONTEXT, EXIT_POLICY, EXIT_USAGE, Failure};
use crate::evidence::{Binding, Target};
use crate::gate::{Facts, GateResult, evaluate};
use crate::model::{Code, CommitSha, Digest, GateId, Outcome, Timestamp, sanitize};
use crate::repair::{AcceptanceHead, Entry, RepairPacket};
use crate::verdict::{EXIT_BLOCKED, EXIT_PASS, EXIT_UNMEASURED};

use super::folder::EvidenceFolder;
use super::gate::{beside_policy, read_policy_file};
use super::judge::{SoundPolicy, assess_all, limits, pieces};
use super::{Ended, OutputForm, clock, give, read_named};

/// The settings of `accept`.
#[derive(Debug)]
pub struct Request {
    pub instruction: PathBuf,
    /// The entry's key, whole or its first digits.
    pub entry: String,
    pub policy: PathBuf,
    pub evidence: PathBuf,
    pub head: String,
    pub now: Option<Timestamp>,
    pub form: OutputForm,
}

/// Whether an entry's acceptance holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Holds,
    DoesNot,
    CouldNotTell,
}

/// What `accept` prints as JSON.
#[derive(Debug, Serialize)]
struct AcceptResult {
    answer: Answer,
    key: Digest,
    gate: GateId,
    check: Code,
    head: CommitSha,
    why: Vec<String>,
}

/// Re-evaluates what the entry's acceptance names: exit 0 holds, 11 does not, 12 could not tell.
///
/// # Errors
/// Exit 2 for a packet or key that is none, exit 3 for another policy than the packet's, exit 4 for a broken head.
pub fn run(request: &Request) -> Ended {
    let packet = read_packet(request)?;
    let entry = find_entry(&packet, &request.entry)?;
    let head: CommitSha = request.head.parse().map_err(|error| {
        Failure::new(EXIT_CONTEXT, "the entry was not judged").caused_by(format!("`--head`: {error}"))
    })?;
    let text = read_policy_file(&request.policy, "the entry was not judged")?;
    let sound = SoundPolicy::read(&text).map_err(|problems| {
        Failure::policy("the entry was not judged", &request.policy.display().to_string(), problems)
    })?;
    if sound.policy.sha256 != packet.policy_sha256 {
        return Err(Failure::new(EXIT_POLICY, "the entry was not judged")
            .caused_by(format!(
                "the packet was made by policy {}, this one is {}",
                packet.policy_sha256, sound.policy.sha256
            ))
            .hint("use the policy of the base branch, as the gate does"));
    }
    let result = match wrong_head(entry, &packet.target_sha, &head) {
        Some(why) => (Answer::DoesNot, vec![why]),
        None => rejudge(request, &sound, &packet, entry, &head)?,
    };
    answer(request, entry, &head, result)
}

fn read_packet(request: &Request) -> Result<RepairPacket, Failure> {
    let bytes = read_named(&request.instruction, "the instruction", EXIT_USAGE)?;
    let packet: RepairPacket = crate::evidence::document::from_slice(&bytes).map_err(|error| {
        Failure::usage(format!("`{}` is not a repair instruction", request.instruction.display()))
            .caused_by(error)
    })?;
    if packet.schema != crate::repair::SCHEMA {
        return Err(Failure::usage(format!(
            "`{}` is a `{}`, not a `{}`",
            request.instruction.display(),
            sanitize(&packet.schema, 80),
            crate::repair::SCHEMA
        )));
    }
    Ok(packet)
}

/// The entry of this key; its first eight digits are enough where they fit one alone.
fn find_entry<'a>(packet: &'a RepairPacket, wanted: &str) -> Result<&'a Entry, Failure> {
    let digits = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    let fits = |entry: &&Entry| digits.len() >= 8 && entry.key.hex().starts_with(digits);
    let fitting: Vec<&Entry> = packet.entries.iter().filter(fits).collect();
    match fitting.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::usage(format!("the packet has no entry `{}`", sanitize(wanted, 80)))
            .hint("an entry is named by its `key`, or at least its first eight digits")),
        _ => Err(Failure::usage(format!("`{}` fits several entries", sanitize(wanted, 80)))),
    }
}

/// Why this head cannot be the one the acceptance is about.
fn wrong_head(entry: &Entry, judged: &CommitSha, head: &CommitSha) -> Option<String> {
    match entry.acceptance.head {
        AcceptanceHead::Same if judged != head => {
            Some(format!("it is accepted for the judged head {judged}, not for {head}"))
        }
        AcceptanceHead::Next if judged == head => Some(format!(
            "it is accepted for the head that carries the fix, and {head} is the one that was blocked"
        )),
        AcceptanceHead::Same | AcceptanceHead::Next => None,
    }
}

fn rejudge(
    request: &Request,
    sound: &SoundPolicy,
    packet: &RepairPacket,
    entry: &Entry,
    head: &CommitSha,
) -> Result<(Answer, Vec<String>), Failure> {
    let now = clock(request.now);
    let folder = EvidenceFolder::open(&request.evidence)?;
    let artifacts = folder.read(&sound.demands(), &limits());
    let target = Target {
        head: head.clone(),
        base: None,
        repo: packet.repo.clone(),
        pull_request: packet.pull_request,
        origin: Some(Binding::AssertedByCaller),
        passed_digests: std::collections::BTreeSet::new(),
        job_starts: std::collections::BTreeMap::new(),
        now,
    };
    let facts = Facts {
        head: head.clone(),
        base: None,
        repo: packet.repo.clone(),
        pull_request: packet.pull_request,
        event: None,
        pull: None,
        now,
        baselines: beside_policy(Some(&request.policy), &sound.gates),
        changed_lines: Err("the acceptance is checked without a diff".to_owned()),
    };
    let evidence = assess_all(sound, &pieces(artifacts), &target);
    let evaluation = evaluate(&sound.policy, &sound.gates, &evidence, &facts, Vec::new());
    let gate = evaluation.results.iter().find(|result| result.id == entry.acceptance.gate);
    Ok(match gate {
        Some(gate) => weigh(gate, entry),
        None => (
            Answer::CouldNotTell,
            vec![format!(
                "gate `{}` is not judged offline: only a new run of the gate can tell",
                entry.acceptance.gate
            )],
        ),
    })
}

/// Holds where the blocker is gone and the gate saw all its evidence; other refusals of the gate are other entries'.
fn weigh(gate: &GateResult, entry: &Entry) -> (Answer, Vec<String>) {
    let about_evidence = |code: Code| code.as_str().starts_with("evidence.");
    let same = |code: Code, subject: &str| code == entry.acceptance.check && subject == entry.source.subject;
    let standing: Vec<_> = gate
        .blockers
        .iter()
        .filter(|blocker| {
            same(blocker.code, &blocker.subject)
                || about_evidence(blocker.code)
                || blocker.code.info().outcome == Outcome::Unmeasured
        })
        .collect();
    let why: Vec<String> =
        standing.iter().map(|blocker| format!("{} ({})", blocker.reason, blocker.code.as_str())).collect();
    let refused = standing.iter().any(|blocker| blocker.code.info().outcome != Outcome::Unmeasured);
    match (standing.is_empty(), gate.outcome) {
        (true, Outcome::Skipped) => (Answer::CouldNotTell, vec!["the gate had nothing to judge".to_owned()]),
        (true, _) => (Answer::Holds, Vec::new()),
        (false, _) if refused => (Answer::DoesNot, why),
        (false, _) => (Answer::CouldNotTell, why),
    }
}

fn answer(request: &Request, entry: &Entry, head: &CommitSha, (answer, why): (Answer, Vec<String>)) -> Ended {
    let acceptance = &entry.acceptance;
    let text = match request.form {
        OutputForm::Json => crate::output::json(&AcceptResult {
            answer,
            key: entry.key.clone(),
            gate: acceptance.gate.clone(),
            check: acceptance.check,
            head: head.clone(),
            why,
        }),
        OutputForm::Text => {
            let word = match answer {
                Answer::Holds => "holds",
                Answer::DoesNot => "does not hold",
                Answer::CouldNotTell => "could not be told",
            };
            let mut out = format!(
                "{word}: gate `{}` without {} for {head}\n",
                acceptance.gate,
                acceptance.check.as_str()
            );
            for line in &why {
                let _ = writeln!(out, "  {line}");
            }
            out
        }
    };
    give(&text)?;
    Ok(match answer {
        Answer::Holds => EXIT_PASS,
        Answer::DoesNot => EXIT_BLOCKED,
        Answer::CouldNotTell => EXIT_UNMEASURED,
    })
}
