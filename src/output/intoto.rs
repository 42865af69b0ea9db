//! The verdict as an in-toto Statement v1 about the head commit, with SLSA's verification summary as its predicate,
//! and the DSSE envelope around it. The signature itself is made by the shell, which holds the key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use crate::model::{Digest, Verdict};
use crate::report::GateReport;

/// What a DSSE payload of this kind is called.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Who verified, as a URI: the program, not one of its installations.
const VERIFIER: &str = "patchwarden:gate";

/// in-toto Statement v1 (spec/v1/statement.md).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [Subject; 1],
    predicate_type: &'static str,
    predicate: Predicate,
}

#[derive(Serialize)]
struct Subject {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    digest: CommitDigest,
}

/// `gitCommit` of spec/v1/digest_set.md.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommitDigest {
    git_commit: String,
}

/// SLSA Verification Summary Attestation v1.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    verifier: Verifier,
    time_verified: String,
    resource_uri: String,
    policy: Resource,
    input_attestations: Vec<Resource>,
    verification_result: &'static str,
    /// Levels of SLSA are not what is verified here.
    verified_levels: [&'static str; 1],
    slsa_version: &'static str,
}

#[derive(Serialize)]
struct Verifier {
    id: &'static str,
    version: std::collections::BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Resource {
    uri: String,
    digest: Sha256,
}

#[derive(Serialize)]
struct Sha256 {
    sha256: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload_type: &'static str,
    payload: String,
    signatures: [Signature; 1],
}

#[derive(Serialize)]
struct Signature {
    keyid: String,
    sig: String,
}

/// Why there is nothing to attest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NothingToAttest {
    #[error("the report has no verdict")]
    NoVerdict,
    #[error("the report names no head")]
    NoHead,
    #[error("the report names no policy")]
    NoPolicy,
}

/// The statement. Only a `pass` is `PASSED`.
///
/// # Errors
/// [`NothingToAttest`] for a report without verdict, head or policy.
pub fn statement(report: &GateReport) -> Result<String, NothingToAttest> {
    let verdict = report.verdict.ok_or(NothingToAttest::NoVerdict)?;
    let head = report.target.target_sha.as_ref().ok_or(NothingToAttest::NoHead)?;
    let policy = report.policy.as_ref().ok_or(NothingToAttest::NoPolicy)?;
    let repository = match (&report.target.server_url, &report.target.repo) {
        (Some(server), Some(repo)) => Some(format!("git+{}/{repo}", server.trim_end_matches('/'))),
        (_, repo) => repo.as_ref().map(|repo| format!("git+{repo}")),
    };
    let evidence = report.evidence.iter().filter_map(|item| {
        let uri = format!("patchwarden:evidence/{}", item.id);
        item.sha256.as_ref().map(|digest| Resource { uri, digest: hex(digest) })
    });
    let version = [(env!("CARGO_PKG_NAME"), report.tool.version.clone())];
    Ok(super::json(&Statement {
        kind: "https://in-toto.io/Statement/v1",
        subject: [Subject {
            name: repository.clone(),
            digest: CommitDigest { git_commit: head.to_string() },
        }],
        predicate_type: "https://slsa.dev/verification_summary/v1",
        predicate: Predicate {
            verifier: Verifier { id: VERIFIER, version: version.into_iter().collect() },
            time_verified: report.evaluated_at.to_string(),
            resource_uri: repository.unwrap_or_else(|| "git".to_owned()) + "@" + head.as_str(),
            policy: Resource {
                uri: format!("patchwarden:policy/{}", policy.path.as_deref().unwrap_or(&policy.origin)),
                digest: hex(&policy.sha256),
            },
            input_attestations: evidence.collect(),
            verification_result: if verdict == Verdict::Pass { "PASSED" } else { "FAILED" },
            verified_levels: [if verdict == Verdict::Pass { "PATCHWARDEN_MERGE_EVIDENCE" } else { "FAILED" }],
            slsa_version: "1.0",
        },
    }))
}

fn hex(digest: &Digest) -> Sha256 {
    Sha256 { sha256: digest.hex().to_owned() }
}

/// The bytes that are signed: DSSE v1's pre-authentication encoding (protocol.md).
pub fn to_sign(payload: &str) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload.as_bytes());
    out
}

/// The envelope around a payload and its signature; `public_key` names the key by its hash.
pub fn envelope(payload: &str, signature: &[u8], public_key: &[u8]) -> String {
    super::json(&Envelope {
        payload_type: PAYLOAD_TYPE,
        payload: BASE64.encode(payload),
        signatures: [Signature { keyid: Digest::of(public_key).to_string(), sig: BASE64.encode(signature) }],
    })
}
