//! Placeholder on the way to the reader of this format.

use std::io::BufRead;

use super::content::{ParseError, Parsed};
use super::limits::Limits;
use super::shape::Shape;

pub fn parse(_: &mut dyn BufRead, _: &Limits) -> Result<Parsed, ParseError> {
    Err(ParseError::Malformed("not read yet".to_owned()))
}

pub fn fits(_: &Shape) -> bool {
    false
}
