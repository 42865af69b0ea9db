//! `gate --capture FILE`: every input of the judgement and what came of it, as one bundle that `replay` judges again.
//! Tokens and the environment are no inputs of a judgement, and nothing of them is in it.

use std::path::Path;

use crate::app::judge::{Piece, limits};
use crate::app::replay::bundle::{self, FileBytes, Files, OUTPUTS, POLICY};
use crate::evidence::Target;
use crate::gate::{Facts, Guards, PolicyOrigin, Reread};
use crate::model::RelPath;
use crate::output;
use crate::repair::{AcceptanceHead, History};
use crate::report::replay_bundle::{CapturedArtifact, CapturedBaseline, CapturedLines, ReplayBundle, SCHEMA};

use super::outputs::{Decided, PACKET_FILE, REPORT_FILE, SUMMARY_FILE};

/// What was judged, beside what the report says already.
pub struct Judged<'a> {
    pub policy_text: &'a str,
    pub origin: PolicyOrigin,
    pub target: &'a Target,
    pub facts: &'a Facts,
    pub pieces: &'a [Piece],
    pub baselines: &'a [(RelPath, FileBytes)],
    /// `None` offline: there is no run, no change and no forge to guard against.
    pub guards: Option<&'a Guards>,
    pub reread: &'a Reread,
    pub evidence_head: AcceptanceHead,
    pub history: &'a History,
}

/// Writes the bundle, and says why where that failed; the judgement stands without it.
pub fn problem(path: &Path, judged: &Judged<'_>, decided: &Decided) -> Option<String> {
    let why = write(path, judged, decided).err()?;
    Some(format!("the judgement was not captured in `{}`: {why}", path.display()))
}

/// Writes the bundle.
fn write(path: &Path, judged: &Judged<'_>, decided: &Decided) -> Result<(), String> {
    let report = &decided.report;
    let policy = report.policy.clone().ok_or_else(|| "there is no policy".to_owned())?;
    let mut files = Files::default();
    files.keep(POLICY, judged.policy_text.as_bytes().to_vec())?;
    let mut artifacts = Vec::new();
    for (number, piece) in judged.pieces.iter().enumerate() {
        let state = files.keep_artifact(number, piece)?;
        artifacts.push(CapturedArtifact {
            name: piece.name.clone(),
            state,
            provenance: piece.provenance.clone(),
        });
    }
    let mut baselines = Vec::new();
    for (number, (path, bytes)) in judged.baselines.iter().enumerate() {
        let content = files.keep_read(&format!("baselines/{number}"), bytes)?;
        baselines.push(CapturedBaseline { path: path.clone(), content });
    }
    for (name, text) in [
        (REPORT_FILE, output::json(report)),
        (PACKET_FILE, output::json(&decided.packet)),
        (SUMMARY_FILE, output::markdown(report, Some(&decided.packet))),
    ] {
        files.keep(&format!("{OUTPUTS}/{name}"), text.into_bytes())?;
    }
    let Judged { target, facts, history, .. } = judged;
    let bundle = ReplayBundle {
        schema: SCHEMA.to_owned(),
        tool: report.tool.clone(),
        files: Vec::new(),
        target: report.target.clone(),
        policy,
        embedded_policy: judged.origin == PolicyOrigin::Embedded,
        evaluated_at: report.evaluated_at,
        limits: limits(),
        origin: target.origin,
        evidence_head: judged.evidence_head,
        passed_digests: target.passed_digests.clone(),
        job_starts: target.job_starts.clone(),
        artifacts,
        baselines,
        changed_lines: match &facts.changed_lines {
            Ok(lines) => CapturedLines::Known { lines: lines.clone() },
            Err(why) => CapturedLines::Unknown { why: why.clone() },
        },
        pull: facts.pull.clone(),
        previous: history.previous.clone(),
        heads: history.heads,
        history: report.history.clone(),
        notes: report.notes.clone(),
        guards: judged.guards.cloned(),
        reread: judged.reread.clone(),
    };
    bundle::write(path, bundle, &files)
}
