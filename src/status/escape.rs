//! Escaping for the page. Beside what HTML needs, the two marks an address or a source cannot be written without are
//! escaped too, so that the page holds no `http://`, `https://` or `src=` whatever a gap is called.

use std::fmt::{Result, Write};

use askama::filters::Escaper;

/// Text and attribute values of the page.
#[derive(Debug, Clone, Copy)]
pub struct PageText;

impl Escaper for PageText {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> Result {
        for c in text.chars() {
            match c {
                '&' => dest.write_str("&amp;")?,
                '<' => dest.write_str("&lt;")?,
                '>' => dest.write_str("&gt;")?,
                '"' => dest.write_str("&#34;")?,
                '\'' => dest.write_str("&#39;")?,
                '/' => dest.write_str("&#47;")?,
                '=' => dest.write_str("&#61;")?,
                _ => dest.write_char(c)?,
            }
        }
        Ok(())
    }
}
