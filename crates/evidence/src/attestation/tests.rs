//! Statements, envelopes and signatures, by the genuine link metadata and by constructed ones whose keys are known.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::signature::{KeyError, PublicKey};
use super::*;
use crate::Format;

const HEAD: &str = "815fce1f25f0944ef24fbaa7f58b7a3bb7a77181";

fn file(path: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../tests/fixtures/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn constructed(name: &str) -> Vec<u8> {
    file(&format!("_constructed/in-toto/{name}"))
}

fn key(name: &str) -> PublicKey {
    PublicKey::from_pem(&String::from_utf8(constructed(&format!("{name}.pub.pem"))).unwrap()).unwrap()
}

fn read(bytes: &[u8]) -> (Parsed, Vec<Attestation>) {
    let shape = Shape::of(bytes, true);
    assert_eq!(Format::of(&shape), Ok(Some(Format::InToto)), "told by content");
    let parsed = parse(&mut &*bytes, &Limits::default()).unwrap();
    let Content::Attestations(attestations) = parsed.clone().into_content() else { panic!() };
    (parsed, attestations)
}

fn refused(text: &str) -> String {
    parse(&mut text.as_bytes(), &Limits::default()).unwrap_err().to_string()
}

#[test]
fn genuine_link_metadata_is_read_in_both_envelopes() {
    for name in ["in-toto/test.link.json", "in-toto/test.dsse.link.json"] {
        let (parsed, attestations) = read(&file(name));
        assert_eq!((attestations.len(), shows_red(&attestations)), (1, Some(false)), "{name}");
        assert_eq!(attestations[0].predicate_type, "link");
        assert_eq!((parsed.substance, parsed.commits), (Substance::Measured, Vec::new()));
    }
    let red = String::from_utf8(file("in-toto/test.link.json")).unwrap();
    let (_, attestations) = read(red.replace("\"return-value\": 0", "\"return-value\": 1").as_bytes());
    assert_eq!(attestations[0].attests, Attests::Failure("the command returned 1".to_owned()));
}

#[test]
fn every_predicate_says_what_it_attests() {
    for (name, red, commits) in [
        ("test-result.passed.json", Some(false), 1),
        ("test-result.passed.dsse.json", Some(false), 1),
        ("test-result.failed.json", Some(true), 1),
        ("vsa.dsse.json", Some(false), 1),
        ("svr.bundle.json", None, 1),
        ("slsa.jsonl", None, 2),
    ] {
        let (parsed, attestations) = read(&constructed(name));
        assert_eq!((shows_red(&attestations), parsed.commits.len()), (red, commits), "{name}");
        assert!(parsed.commits.iter().all(|commit| commit.id == HEAD), "{name}: {:?}", parsed.commits);
        assert_eq!(parsed.substance, Substance::Measured, "{name}");
    }
    let (parsed, attestations) = read(&constructed("slsa.jsonl"));
    assert_eq!(attestations.len(), 2);
    assert_eq!(parsed.tool.unwrap().name, "https://forge.example/runner");
}

#[test]
fn what_a_type_does_not_have_is_refused() {
    let statement = |kind: &str, predicate: &str| {
        format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"gitCommit":"{HEAD}"}}}}],"predicateType":"{kind}","predicate":{predicate}}}"#
        )
    };
    let tests = "https://in-toto.io/attestation/test-result/v0.1";
    assert!(
        refused(&statement(tests, r#"{"result":"passed"}"#))
            .contains("`passed`, which its type does not have")
    );
    assert!(refused(&statement(tests, "{}")).contains("no `result`"));
    assert!(
        refused(&statement("https://slsa.dev/verification_summary/v1", "null"))
            .contains("verificationResult")
    );
    assert!(refused(r#"{"_type":"https://in-toto.io/Statement/v9"}"#).contains("no statement"));
    assert!(refused(r#"{"payloadType":"text/plain","payload":"","signatures":[]}"#).contains("`text/plain`"));
    assert!(
        refused(r#"{"payloadType":"application/vnd.in-toto+json","payload":"%","signatures":[]}"#)
            .contains("base64")
    );
    assert!(refused("").contains("no statement"));
    // A result of `PASSED` beside a failed test is the worse of the two.
    let both = statement(tests, r#"{"result":"PASSED","failedTests":["a"]}"#);
    assert_eq!(shows_red(&read(both.as_bytes()).1), Some(true));
    // A predicate nobody knows is there, and that is all.
    let (parsed, attestations) = read(statement("https://example.org/x/v1", "{}").as_bytes());
    assert_eq!(shows_red(&attestations), None);
    assert!(parsed.notes[0].contains("only known to be there"), "{:?}", parsed.notes);
    let without = statement(tests, r#"{"result":"PASSED"}"#).replace(r#"{"digest""#, r#"{"x""#);
    assert!(read(without.as_bytes()).0.commits.is_empty());
    let none = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"https://example.org/x/v1"}"#;
    assert!(matches!(read(none.as_bytes()).0.substance, Substance::Nothing(_)));
}

#[test]
fn several_sources_bind_nothing() {
    let dependency = |sha: char| format!(r#"{{"digest":{{"gitCommit":"{}"}}}}"#, sha.to_string().repeat(40));
    let text = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"00"}}}}],"predicateType":"https://slsa.dev/provenance/v1","predicate":{{"buildDefinition":{{"resolvedDependencies":[{},{}]}}}}}}"#,
        dependency('1'),
        dependency('2')
    );
    let (parsed, _) = read(text.as_bytes());
    assert!(parsed.commits.is_empty());
    assert!(parsed.notes[0].contains("names 2 commits"), "{:?}", parsed.notes);
}

#[test]
fn signatures_fit_their_key_and_content_alone() {
    let keys = ["ed25519", "p256", "rsa"];
    for (name, by) in [("test-result.passed.dsse.json", 0), ("vsa.dsse.json", 1), ("svr.bundle.json", 2)] {
        let envelope = read(&constructed(name)).1.remove(0).envelope.unwrap();
        for (at, key_name) in keys.iter().enumerate() {
            let fits = key(key_name).verifies(&envelope.signed, &envelope.signatures[0]);
            assert_eq!(fits, at == by, "{name} by {key_name}");
        }
        let mut altered = envelope.signed.clone();
        altered.push(b' ');
        assert!(!key(keys[by]).verifies(&altered, &envelope.signatures[0]));
    }
    let altered = read(&constructed("test-result.altered.dsse.json")).1.remove(0).envelope.unwrap();
    assert!(!key("ed25519").verifies(&altered.signed, &altered.signatures[0]));
}

#[test]
fn keys_that_cannot_be_used_are_refused() {
    let pem = |name: &str| String::from_utf8(constructed(name)).unwrap();
    let error = |text: &str| PublicKey::from_pem(text).unwrap_err();
    assert_eq!(error(&pem("p384.pub.pem")), KeyError::Unknown);
    assert_eq!(error("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"), KeyError::Private);
    assert_eq!(error("ssh-ed25519 AAAA"), KeyError::NotPem);
    let block = |bytes: &[u8]| {
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(bytes))
    };
    for bytes in [&[][..], &[0x30], &[0x30, 0x84, 0xff], &[0x30, 0x81], &[0x30, 0x82, 0xff, 0xff, 1]] {
        assert_eq!(error(&block(bytes)), KeyError::Unknown, "{bytes:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..256)) {
        let _ = parse(&mut bytes.as_slice(), &Limits::default());
        let text = format!("-----BEGIN PUBLIC KEY-----{}-----END PUBLIC KEY-----", STANDARD.encode(&bytes));
        let _ = PublicKey::from_pem(&text);
    }

    #[test]
    fn any_json_like_text_is_read_or_refused(text in r#"\{("(_type|payload|payloadType|signatures|signed|subject|predicate|byproducts)":("link"|\[\]|\{\}|0|"e30="),){0,5}"x":0\}"#) {
        let _ = parse(&mut text.as_bytes(), &Limits::default());
    }
}
