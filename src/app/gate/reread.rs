//! Reading head and base again at the end: a verdict is about one head, one base and the policy that base has now.

use crate::forge::rest::{Pull, Repo};
use crate::forge::{FreshHead, Freshness, Judged, JudgedPull};
use crate::gate::{PolicyOrigin, Reread};
use crate::model::{CommitSha, Digest};

use super::lookups::policy_at;
use super::this_run::Request;

/// How often a base that moves on under us is followed.
const TRIES: usize = 3;

/// Reads again. Where the base's tip moved and its policy did not, the judgement stands for the new tip.
pub fn read_again(
    repo: Repo<'_>,
    request: &Request,
    head: &CommitSha,
    pull: Option<&Pull>,
    policy: &Digest,
    origin: PolicyOrigin,
) -> (Reread, Option<FreshHead>) {
    let mut judged = Judged { head: head.clone(), pull: None };
    if let Some(pull) = pull {
        let Some(base) = &pull.base else {
            return (Reread::Unanswered("the base branch has no tip".to_owned()), None);
        };
        judged.pull = Some(JudgedPull {
            number: pull.number,
            base_branch: pull.base_branch.clone(),
            base: base.clone(),
        });
    }
    for _ in 0..TRIES {
        let freshness = match FreshHead::read(repo, &judged) {
            Ok(freshness) => freshness,
            Err(error) => return (Reread::Unanswered(error.to_string()), None),
        };
        match (freshness, judged.pull.as_mut()) {
            (Freshness::Fresh(fresh), None) => return (Reread::NotNeeded, Some(fresh)),
            (Freshness::Fresh(fresh) | Freshness::NotOpen(fresh), Some(_)) => {
                return (Reread::Same, Some(fresh));
            }
            (Freshness::NotOpen(fresh), None) => return (Reread::NotNeeded, Some(fresh)),
            (Freshness::HeadMoved { now }, _) => return (Reread::HeadMoved(now), None),
            (Freshness::HeadGone, _) => {
                return (Reread::Unanswered("the commit cannot be read".to_owned()), None);
            }
            (Freshness::BaseMoved { branch, now: Some(tip) }, Some(pull)) if branch == pull.base_branch => {
                let same = match policy_at(repo, &request.policy, &tip) {
                    Ok(Some(text)) => origin == PolicyOrigin::File && Digest::of(text) == *policy,
                    Ok(None) => origin == PolicyOrigin::Embedded,
                    Err(failure) => return (Reread::Unanswered(failure.causes.join(": ")), None),
                };
                if !same {
                    return (Reread::PolicyMoved, None);
                }
                pull.base = tip;
            }
            (Freshness::BaseMoved { branch, .. }, pull) => {
                let judged = pull.map(|pull| pull.base_branch.clone()).unwrap_or_default();
                return (Reread::BaseChanged { judged, now: branch }, None);
            }
        }
    }
    (Reread::Unanswered("the base branch moves on faster than it can be read".to_owned()), None)
}
