//! The walk agrees with `serde_json` on every text that has no long string, and never panics.

use super::*;

fn skipped(mut text: &[u8]) -> Result<(), ParseError> {
    let mut json = JsonStream::open(&mut text, &Limits::default())?;
    json.skip()?;
    json.end()
}

#[test]
fn elements_come_one_by_one() {
    let mut text = &br#" {"a": [1, {"b":"x\"]"} ,"\u017c"], "n":null, "c" : {}} "#[..];
    let mut json = JsonStream::open(&mut text, &Limits::default()).unwrap();
    let mut seen = Vec::new();
    json.object(&mut |json, key| {
        seen.push(key.to_owned());
        if key != "a" {
            return json.skip();
        }
        json.array(&mut |json| {
            seen.push(json.value::<serde_json::Value>()?.to_string());
            Ok(())
        })
    })
    .unwrap();
    json.end().unwrap();
    assert_eq!(seen, ["a", "1", r#"{"b":"x\"]"}"#, "\"ż\"", "n", "c"]);
}

#[test]
fn faults_have_their_names() {
    for text in [
        "",
        "{",
        "[1,",
        "[1 2]",
        "[1,]",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{} x",
        "[}",
        "nul",
        "\"a",
        "{\"a\":1,\"a\":2}",
    ] {
        assert!(matches!(skipped(text.as_bytes()), Err(ParseError::Malformed(_))), "{text}");
    }
    assert!(matches!(skipped(b"\"\xff\""), Err(ParseError::Malformed(text)) if text.contains("byte 1")));
    for text in ["[".repeat(20_000), "{\"a\":".repeat(20_000)] {
        assert!(matches!(skipped(text.as_bytes()), Err(ParseError::TooLarge(_))));
    }
}

#[test]
fn a_string_of_any_size_is_cut_and_stays_a_string() {
    for filler in ["a", "ż", "🐢", r"\n", r"\\", r"\ud83d\ude00", r"x\ud83d\ude00", r"\u017c"] {
        for lead in 0..7 {
            let text = format!("\"{}{}\"", "-".repeat(lead), filler.repeat(40_000));
            let mut bytes = text.as_bytes();
            let mut json = JsonStream::open(&mut bytes, &Limits::default()).unwrap();
            let read: String = json.value().unwrap_or_else(|error| panic!("{filler} {lead}: {error}"));
            let whole: String = serde_json::from_str(&text).unwrap();
            assert!(
                whole.starts_with(&read) && read.len() > 5_000 && read.len() <= 16 * 1024,
                "{filler} {lead}"
            );
        }
    }
}

#[test]
fn elements_are_whole_wherever_a_window_ends() {
    let element = |number: usize| format!("{{\"n\":{number},\"t\":\"ż🐢\\n{}\"}}", "x".repeat(number % 97));
    let text = format!("[{}]", (0..4_000).map(element).collect::<Vec<_>>().join(" , "));
    assert!(text.len() > 200_000, "several windows");
    let mut bytes = text.as_bytes();
    let mut json = JsonStream::open(&mut bytes, &Limits::default()).unwrap();
    let mut read = Vec::new();
    json.array(&mut |json| {
        read.push(json.value::<serde_json::Value>()?);
        Ok(())
    })
    .unwrap();
    json.end().unwrap();
    let whole: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert!(read == whole);
}

#[test]
fn an_element_beyond_the_bound_is_too_large() {
    let text = format!("[[[[[{}1]]]]]", "1,".repeat(5_000_000));
    assert!(matches!(skipped(text.as_bytes()), Err(ParseError::TooLarge(_))));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_walked_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..256)) {
        let _ = skipped(&bytes);
    }

    #[test]
    fn the_walk_agrees_with_serde_json(text in r#"[\[\]{}",:a01 \\netrulfs]{0,24}"#) {
        let ours = skipped(text.as_bytes()).is_ok();
        let theirs = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        // A key twice is JSON to the other and refused here.
        proptest::prop_assert!(ours == theirs || (theirs && text.matches('"').count() >= 4), "{}", text);
    }
}
