//! An agent that does exactly what an entry asks for and nothing else, and the operator it hands over to.
//! Both change the world's state; what that is worth is judged there.

use crate::gate::Reread;
use crate::model::{ActionKind, Code, Outcome, Owner};
use crate::repair::Entry;

use super::world::{Answer, Fault, Job, Other, REPORTS, World};

impl World {
    /// A new head: what was said of the one before is said of that.
    pub fn push(&mut self) {
        self.head += 1;
        self.approved = false;
    }

    /// Does exactly what an entry asks for; says whether it can be done here.
    pub fn perform(&mut self, entry: &Entry) -> bool {
        let evidence = entry.action.evidence.as_ref();
        let report = evidence.and_then(|id| REPORTS.iter().position(|report| *report == id.as_str()));
        match entry.action.kind {
            ActionKind::ProduceEvidence | ActionKind::PushEmptyCommit => {
                self.produce(entry, report);
                self.push();
            }
            ActionKind::FixTests
            | ActionKind::FixFindings
            | ActionKind::RaiseCoverage
            | ActionKind::RunCommand => {
                match report.or_else(|| entry.source.gate.as_str().strip_prefix('g')?.parse().ok()) {
                    Some(report) if report < REPORTS.len() => self.state.red[report] = false,
                    _ => self.state.companion = true,
                }
                self.push();
            }
            ActionKind::SplitChange => {
                self.state.small = true;
                self.push();
            }
            ActionKind::FixReviewFindings => {
                self.state.critical = false;
                self.push();
            }
            ActionKind::AddSection => self.state.section = true,
            ActionKind::EditPullRequest => match entry.source.code {
                Code::ContractTitle => self.state.title = true,
                Code::ContractLabelMissing => self.state.label = true,
                Code::ContractIssueMissing => self.state.issue = true,
                other => panic!("{other:?}"),
            },
            ActionKind::RedriveReviewLane if entry.source.kind == "judge" => {
                self.state.record = Some(self.record());
            }
            ActionKind::RedriveReviewLane => {
                let answer = if self.state.critical {
                    Answer::WantsChanges(self.head)
                } else {
                    Answer::Approves(self.head)
                };
                match entry.action.lane.as_deref() {
                    Some("bot") => self.state.bot = answer,
                    Some("codex") => self.state.codex = answer,
                    other => panic!("{other:?}"),
                }
            }
            ActionKind::AskOperator | ActionKind::RerunWorkflow => return self.ask_operator(entry),
            ActionKind::Rebase | ActionKind::None => panic!("nothing here asks for {:?}", entry.action),
        }
        true
    }

    fn produce(&mut self, entry: &Entry, report: Option<usize>) {
        let state = &mut self.state;
        match (entry.source.code, report) {
            (Code::RunJobFailed, _) if entry.source.subject == "unit" => {
                (state.unit_died, state.red[0]) = (false, false);
            }
            (Code::RunJobFailed | Code::RunJobsUnknown, _) => state.job = Job::Fine,
            (Code::StatusFailed | Code::StatusMissing | Code::StatusUnseen, _) => state.other = Other::Green,
            (Code::ProtectedFilesUnknown, _) => state.files_listed = true,
            (Code::HeadBaseChanged | Code::HeadPolicyMoved | Code::HeadUnconfirmed, _) => {
                state.reread = Reread::Same;
            }
            (code, _) if code.as_str().starts_with("runtime.") => {
                (state.faults[5], state.red[5]) = (Fault::None, false);
            }
            (Code::EvidenceProducerFailed, _) => state.unit_died = false,
            (_, Some(report)) => state.faults[report] = Fault::None,
            (code, None) => panic!("{code:?}"),
        }
    }

    /// What a person can do where the tool asks for one from the start; what it hands over is theirs to decide.
    fn ask_operator(&mut self, entry: &Entry) -> bool {
        let info = entry.source.code.info();
        if info.owner != Owner::Operator {
            return false;
        }
        if info.outcome == Outcome::NeedsHuman {
            // The gate is run again, and asks the forge anew.
            (self.approved, self.state.people_listed) = (true, true);
            return true;
        }
        match entry.source.code {
            Code::RunJobUnfinished => self.state.job = Job::Fine,
            Code::StatusUnfinished => self.state.other = Other::Green,
            Code::ReviewUnseen | Code::ContractUnseen | Code::JudgeUnseen => {
                (self.state.people_listed, self.state.files_listed) = (true, true);
            }
            _ => return false,
        }
        true
    }
}
