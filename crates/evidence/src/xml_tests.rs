//! Tests of the XML layer: what it gives, what it refuses, and that it agrees with a reader of the whole.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::content::ParseError;
use super::limits::Limits;
use super::xml::{Event, Xml};
use super::xml_tag::find_any;

/// The events of a document, as text: `<name a=value`, `>` for an end, and the text at each end.
fn events(bytes: &[u8], limits: &Limits) -> Result<String, ParseError> {
    let mut source = bytes;
    let mut xml = Xml::open(&mut source, limits)?;
    let mut out = String::new();
    loop {
        match xml.next()? {
            Event::Open(tag) => {
                out.extend(["<", tag.name()]);
                for name in ["a", "b"] {
                    out.extend(tag.get(name).map(|value| format!(" {name}={value}")));
                }
                xml.keep_text();
            }
            Event::Close => {
                out.push_str(xml.text());
                out.push('>');
            }
            Event::End => return Ok(out),
        }
    }
}

fn read(text: &str) -> Result<String, ParseError> {
    events(text.as_bytes(), &Limits::default())
}

#[test]
fn tags_attributes_and_text_come_through() {
    for (text, expected) in [
        ("<r/>", "<r>"),
        ("<?xml version='1.0'?>\n<!-- c --><r a='1' b=\"'2'\"></r>\n<!-- end -->", "<r a=1 b='2'>"),
        ("<!DOCTYPE coverage SYSTEM \"http://example.invalid/x.dtd\"><r/>", "<r>"),
        ("<x:r xmlns:x='u' x:a='1'/>", "<r a=1>"),
        ("<r a='&lt;&#65;&#x1F422;&amp;amp;'>&quot;&apos;</r>", "<r a=<A🐢&amp;\"'>"),
        ("<r>\n  <![CDATA[a]]b]]]]><![CDATA[>&amp;]]></r>", "<ra]]b]]>&amp;>"),
        ("<r a = '1'\n\tb='>'/>", "<r a=1 b=>>"),
        ("<x:r><s a='\"' /></x:r \n>", "<r<s a=\">>"),
        ("<r xa='1' x:a='2' y:b='3'/>", "<r a=2 b=3>"),
        ("<r x:a='1' a='2' y:a='3'/>", "<r a=2>"),
        ("<r x:a='1' y:a='2'/>", "<r a=1>"),
    ] {
        assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn going_through_attributes_finds_what_asking_for_them_does() {
    let text = "<x:r xa='1' x:a='2' a='3' y:z:b='&lt;' class='c'/>";
    let mut bytes = text.as_bytes();
    let mut xml = Xml::open(&mut bytes, &Limits::default()).unwrap();
    let Event::Open(tag) = xml.next().unwrap() else { panic!() };
    let all: Vec<(&str, bool, String)> =
        tag.attributes().map(|(name, bare, value)| (name, bare, value.into_owned())).collect();
    let expected =
        [("xa", true, "1"), ("a", false, "2"), ("a", true, "3"), ("b", false, "<"), ("class", true, "c")];
    assert_eq!(all, expected.map(|(name, bare, value)| (name, bare, value.to_owned())));
    for (name, _, _) in &all {
        // One without a prefix counts before any with one.
        let meant = all.iter().filter(|(other, _, _)| other == name).max_by_key(|(_, bare, _)| *bare);
        assert_eq!(tag.get(name).as_deref(), meant.map(|(_, _, value)| value.as_str()), "{name}");
    }
}

#[test]
fn what_is_no_xml_is_malformed() {
    for text in [
        "",
        " \n ",
        "no xml",
        "<r>",
        "<r",
        "<r a='1",
        "<r></s>",
        "</r>",
        "<r/><r/>",
        "<r/>trailing",
        "text<r/>",
        "<r/>&amp;",
        "<r/><![CDATA[x]]>",
        "<r><![CDATA[x</r>",
        "<r><!-- x</r>",
        "<r a='1' a='2'/>",
        "<r a=1/>",
        "<r a/>",
        "<r a='1'b='2'/>",
        "<r a='<'/>",
        "<r a='&'/>",
        "<r a='&unknown;'/>",
        "<r>&unknown;</r>",
        "<r>&</r>",
        "<r>&#0;</r>",
        "<r>&#x1b;</r>",
        "<r>&#xD800;</r>",
        "<r>&#+65;</r>",
        "<r>\u{1}</r>",
        "< r/>",
        "<>",
        "<r/ >",
        "<r / >",
        "<r<s/>",
        "<r></r x>",
        "<r></ r>",
        "<r><s></r></s>",
        "<x:r></r>",
        "<r/><?xml version='1.0'?>",
        "<r><!DOCTYPE r></r>",
        "<!DOCTYPE r [<!ENTITY e 'x'>]><r>&e;</r>",
        "<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><r>&e;</r>",
        "<!DOCTYPE r [<!ATTLIST r a CDATA 'x'>]><r/>",
        "<!DOCTYPE r SYSTEM 'x'><r>&e;</r>",
    ] {
        assert!(matches!(read(text), Err(ParseError::Malformed(_))), "{text}: {:?}", read(text));
    }
}

#[test]
fn twenty_thousand_deep_is_too_large() {
    let text = "<a>".repeat(20_000);
    assert!(matches!(read(&text), Err(ParseError::TooLarge(_))));
    let deep = format!("{}{}", "<a>".repeat(512), "</a>".repeat(512));
    assert!(read(&deep).is_ok());
}

#[test]
fn huge_texts_are_cut_and_huge_tags_refused() {
    let text = format!("<r>{}</r>", "ż&lt;".repeat(1_000_000));
    let kept = read(&text).unwrap();
    assert!(kept.len() < 10_000, "{}", kept.len());
    let section = format!("<r><![CDATA[{}]]></r>", "]] >".repeat(1_000_000));
    assert!(read(&section).unwrap().len() < 10_000);
    let tag = format!("<r a='{}'/>", "x".repeat(17 * 1024 * 1024));
    assert!(matches!(read(&tag), Err(ParseError::TooLarge(_))));
    let many = (0..300).map(|n| format!(" a{n}='1'")).collect::<Vec<_>>().concat();
    assert!(matches!(read(&format!("<r{many}/>")), Err(ParseError::TooLarge(_))));
    let name = "n".repeat(1000);
    assert!(matches!(read(&format!("<{name}/>")), Err(ParseError::TooLarge(_))));
}

#[test]
fn tags_are_read_wherever_the_window_cuts_them() {
    let window = super::text::WINDOW;
    for before in window - 60..window + 4 {
        let text = format!("<r>{}<s a='x>y' b=\"'\"></s><s a='&gt;'/></r>", " ".repeat(before));
        assert_eq!(read(&text).as_deref(), Ok("<r<s a=x>y b='><s a=>>>"), "{before}");
    }
    for length in [1_000, window / 2, window - 10, window, window + 1, 5 * window] {
        let value = format!("{}\"/>", ">".repeat(length));
        let text = format!("<r>{}<s a='{value}' b='1'></s></r>", " ".repeat(1_000));
        assert_eq!(read(&text), Ok(format!("<r<s a={value} b=1>>")), "{length}");
        assert!(matches!(read(&text.replace("' b", " b")), Err(ParseError::Malformed(_))), "{length}");
    }
}

/// The same events read from the whole text by quick-xml alone, for well-formed documents.
fn reference_events(text: &str) -> String {
    use quick_xml::events::Event as Raw;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut out = String::new();
    loop {
        match reader.read_event().unwrap() {
            Raw::Start(tag) => out.extend(["<", tag.name().into_inner()]),
            Raw::Empty(tag) => out.extend(["<", tag.name().into_inner(), ">"]),
            Raw::End(_) => out.push('>'),
            Raw::Eof => return out,
            _ => {}
        }
    }
}

/// A well-formed element with others in it.
fn element() -> impl Strategy<Value = String> {
    let leaf =
        "(<[a-c] a='[x &&[^&]]{0,3}'/>|[x \n]{0,9}|&lt;|<!-- x -->|<!\\[CDATA\\[<&x\\]\\]>|<\\?p x\\?>)";
    leaf.prop_recursive(6, 40, 4, |inner| {
        (proptest::collection::vec(inner, 0..4), "[a-c]")
            .prop_map(|(inner, name)| format!("<{name}>{}</{name}>", inner.concat()))
    })
}

proptest! {
    #[test]
    fn well_formed_documents_are_read_as_quick_xml_reads_them(inner in element()) {
        let text = format!("<r>{inner}</r>");
        let mut source = text.as_bytes();
        let mut xml = Xml::open(&mut source, &Limits::default()).unwrap();
        let mut out = String::new();
        loop {
            match xml.next().unwrap() {
                Event::Open(tag) => out.extend(["<", tag.name()]),
                Event::Close => out.push('>'),
                Event::End => break,
            }
        }
        prop_assert_eq!(out, reference_events(&text));
    }

    #[test]
    fn a_tag_is_read_as_if_none_like_it_stood_before_it(
        tags in proptest::collection::vec(
            "<[ab]{1,2}( {1,2}(a|b|a:b|b:a|ab) ?=('[xy>\"]{0,9}'|\"[xy>']{0,9}\"|'&lt;x&gt;'|'<')){0,3} ?/>", 1..6),
    ) {
        /// Name and attributes of every tag within `<r>`.
        fn tags_in(inner: &str) -> Result<String, ParseError> {
            let text = format!("<r>{inner}</r>");
            let mut source = text.as_bytes();
            let mut xml = Xml::open(&mut source, &Limits::default())?;
            let mut out = String::new();
            loop {
                match xml.next()? {
                    Event::Open(tag) if tag.name() != "r" => {
                        let attributes: Vec<_> = tag.attributes().collect();
                        writeln!(out, "{} {attributes:?} {}", tag.name(), tag.is_empty()).unwrap();
                    }
                    Event::End => return Ok(out),
                    _ => {}
                }
            }
        }
        let one_by_one: Result<String, ParseError> = tags.iter().map(|tag| tags_in(tag)).collect();
        prop_assert_eq!(tags_in(&tags.concat()), one_by_one);
    }

    #[test]
    fn a_cut_document_is_never_whole(inner in element(), at in 0.0..1.0_f64) {
        let text = format!("<r>{inner}</r>");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "a place in a short text")]
        let at = (at * text.len() as f64) as usize;
        prop_assert!(events(&text.as_bytes()[..at], &Limits::default()).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = events(&bytes, &Limits::default());
    }

    #[test]
    fn any_markup_is_read_or_refused(text in "[<>/!?\\[\\]&;'\"=a-bD# \\-]{0,80}") {
        let _ = read(&text);
        let _ = read(&format!("<r>{text}</r>"));
    }
}

#[test]
fn the_first_of_three_bytes_is_found_wherever_it_stands() {
    for length in 0..100 {
        for at in 0..=length {
            let mut bytes = vec![b'%'; length];
            for (behind, byte) in bytes.iter_mut().skip(at).zip(b"&'<&'<".iter().cycle()) {
                *behind = *byte;
            }
            assert_eq!(
                find_any(&bytes, [b'&', b'<', b'\'']),
                (at < length).then_some(at),
                "{at} of {length}"
            );
        }
    }
    // One above and one below a byte looked for, and the same with the highest bit.
    assert_eq!(find_any("%=\u{a6}\u{bc};'&".as_bytes(), [b'&', b'<', b'<']), Some(8));
}
