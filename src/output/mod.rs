//! Renderings of the report, one file per form. Pure: report in, bytes out; nothing is decided here.

mod alike;
mod escape;
mod explain;
mod json;
mod markdown;
mod people;
#[cfg(test)]
mod tests;
mod text;

pub use escape::markdown_line;
pub use explain::explain_gate;
pub use json::{render as json, render_line as json_line};
pub use markdown::render as markdown;
pub use people::{lanes, runtime_repair};
pub use text::render as text;
