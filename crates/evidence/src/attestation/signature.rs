//! Whose statement it is: the signatures of DSSE envelopes, checked with the public keys that the policy names.
//! A key that a job of the judged repository can use proves nothing about who used it (DESIGN section 4, *Binding*).

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Content;
use crate::state::{Binding, Evidence};

use super::{Attestation, Envelope};

/// A public key of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// As the policy calls it.
    pub name: String,
    pub public: PublicKey,
    /// Whether the policy says that the private half is no secret of the judged repository.
    pub held_outside: bool,
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Ed25519,
    /// ECDSA on P-256 with SHA-256, signatures in ASN.1.
    EcdsaP256,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes, keys of 2048 to 8192 bits.
    RsaPss,
}

/// A public key, ready to check signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    scheme: Scheme,
    bytes: Vec<u8>,
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is no PEM block `PUBLIC KEY`")]
    NotPem,
    #[error("it is a private key: take it out of the policy, replace it, and name its public half")]
    Private,
    #[error("it is none of Ed25519, ECDSA P-256 and RSA of at least 2048 bits")]
    Unknown,
}

/// The start of a `SubjectPublicKeyInfo` (RFC 5280) up to the key itself, by algorithm; for RSA the sizes vary.
const ED25519_INFO: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const P256_INFO: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const RSA_ALGORITHM: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

impl PublicKey {
    /// Reads a PEM block `PUBLIC KEY`, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.contains("PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        let body = pem
            .trim()
            .strip_prefix("-----BEGIN PUBLIC KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"))
            .ok_or(KeyError::NotPem)?;
        let packed: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let info = STANDARD.decode(packed).map_err(|_| KeyError::NotPem)?;
        let (scheme, bytes) = if let Some(key) = info.strip_prefix(ED25519_INFO).filter(|key| key.len() == 32)
        {
            (Scheme::Ed25519, key)
        } else if let Some(key) = info.strip_prefix(P256_INFO).filter(|key| key.len() == 65) {
            (Scheme::EcdsaP256, key)
        } else {
            (Scheme::RsaPss, rsa_key(&info).ok_or(KeyError::Unknown)?)
        };
        Ok(Self { scheme, bytes: bytes.to_vec() })
    }

    /// Whether this key made the signature.
    pub fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        let algorithm: &dyn VerificationAlgorithm = match self.scheme {
            Scheme::Ed25519 => &ED25519,
            Scheme::EcdsaP256 => &ECDSA_P256_SHA256_ASN1,
            Scheme::RsaPss => &RSA_PSS_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(algorithm, &self.bytes).verify(signed, signature).is_ok()
    }
}

/// The `RSAPublicKey` inside a `SubjectPublicKeyInfo`: a sequence of the algorithm and a bit string.
fn rsa_key(info: &[u8]) -> Option<&[u8]> {
    let inside = der(info, 0x30).filter(|(_, rest)| rest.is_empty())?.0;
    let (bits, rest) = der(inside.strip_prefix(RSA_ALGORITHM)?, 0x03)?;
    let key = bits.strip_prefix(&[0])?;
    // 2048 bits are 256 bytes; what is smaller is refused when a signature is checked, so say it now.
    (rest.is_empty() && key.len() >= 256).then_some(key)
}

/// The content of a DER element of this tag, and what follows it.
fn der(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short if short < 0x80 => (short, rest),
        long @ 0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(long - 0x80)?;
            (length.iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// Says in the evidence's notes whose its statements are, and binds it where each is signed by a key that is held
/// outside the repository and names the head.
pub fn judge(evidence: &mut Evidence, keys: &[Key]) {
    let Some(Content::Attestations(attestations)) = evidence.content.as_deref() else { return };
    let signers: Vec<Option<&Key>> = attestations.iter().map(|one| signer(one, keys)).collect();
    let unsigned =
        |one: &Attestation| one.envelope.as_ref().is_none_or(|envelope| envelope.signatures.is_empty());
    let (note, bound) = if attestations.iter().any(unsigned) {
        ("unsigned: it is what its writer claims".to_owned(), false)
    } else if keys.is_empty() {
        ("its signatures were not checked, because the policy has no `[keys]`".to_owned(), false)
    } else if signers.iter().any(Option::is_none) {
        ("a statement in it is signed by no key of the policy".to_owned(), false)
    } else if let Some(key) = signers.iter().flatten().find(|key| !key.held_outside) {
        let words = "which the policy does not say is held outside the repository, so it binds nothing";
        (format!("signed by key `{}`, {words}", key.name), false)
    } else {
        let mut names: Vec<String> = signers.iter().flatten().map(|key| format!("`{}`", key.name)).collect();
        names.sort();
        names.dedup();
        let words = "that its private half is no secret of this repository is what the policy says";
        (format!("signed by key {}; {words}", names.join(", ")), true)
    };
    evidence.notes.push(note);
    if bound && evidence.bindings.contains(&Binding::Embedded) {
        evidence.bindings.push(Binding::Signed);
    } else if bound {
        evidence
            .notes
            .push("what is signed does not name the head, so the signature binds nothing".to_owned());
    }
}

/// The key that signed it: one held outside before any other.
fn signer<'k>(attestation: &Attestation, keys: &'k [Key]) -> Option<&'k Key> {
    let envelope = attestation.envelope.as_ref()?;
    let signed = |key: &&Key| is_signed_by(envelope, &key.public);
    keys.iter().filter(|key| key.held_outside).find(signed).or_else(|| keys.iter().find(signed))
}

fn is_signed_by(envelope: &Envelope, key: &PublicKey) -> bool {
    envelope.signatures.iter().any(|signature| key.verifies(&envelope.signed, signature))
}
