//! As much of Markdown as decides whether a line is text: code fences, HTML comments, headings, checkboxes.
//! Follows CommonMark where a writer would notice the difference.

/// Tells, line by line, what stands inside a fenced code block.
#[derive(Debug, Default)]
pub struct Fences {
    open: Option<(char, usize)>,
}

impl Fences {
    /// Whether this line is code or opens or closes a block of it. An unclosed block goes on to the end.
    pub fn is_code(&mut self, line: &str) -> bool {
        let trimmed = line.trim_start_matches(' ');
        let fence =
            trimmed.chars().next().filter(|c| matches!(c, '`' | '~') && line.len() - trimmed.len() <= 3);
        let run = fence.map(|c| (c, trimmed.chars().take_while(|other| *other == c).count()));
        let rest = run.and_then(|(_, length)| trimmed.get(length..)).unwrap_or("");
        match (self.open, run) {
            (None, Some((c, length))) if length >= 3 && !(c == '`' && rest.contains('`')) => {
                self.open = Some((c, length));
                true
            }
            (None, _) => false,
            (Some((c, length)), Some((d, more))) if c == d && more >= length && rest.trim().is_empty() => {
                self.open = None;
                true
            }
            (Some(_), _) => true,
        }
    }
}

/// Whether a line is indented so far that it is code or belongs to the paragraph before it, never a marker or heading.
pub fn is_indented(line: &str) -> bool {
    line.starts_with("    ") || line.starts_with('\t')
}

/// A line of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Without HTML comments and without its line end.
    pub text: String,
    /// Whether it is inside a fenced code block, or its fence.
    pub code: bool,
}

/// The lines of a text, whatever its line ends are, with HTML comments taken out.
pub fn lines(text: &str) -> Vec<Line> {
    let mut fences = Fences::default();
    let mut in_comment = false;
    text.lines()
        .map(|raw| {
            let raw = raw.trim_end_matches('\r');
            if !in_comment && fences.is_code(raw) {
                return Line { text: raw.to_owned(), code: true };
            }
            Line { text: without_comments(raw, &mut in_comment), code: false }
        })
        .collect()
}

fn without_comments(line: &str, in_comment: &mut bool) -> String {
    let mut out = String::new();
    let mut rest = line;
    loop {
        let mark = if *in_comment { "-->" } else { "<!--" };
        let Some((before, after)) = rest.split_once(mark) else {
            if !*in_comment {
                out.push_str(rest);
            }
            return out;
        };
        if !*in_comment {
            out.push_str(before);
        }
        *in_comment = !*in_comment;
        rest = after;
    }
}

/// The level and text of a heading written with `#`.
pub fn heading(line: &Line) -> Option<(usize, &str)> {
    if line.code || is_indented(&line.text) {
        return None;
    }
    let trimmed = line.text.trim();
    let level = trimmed.chars().take_while(|c| *c == '#').count();
    let text = trimmed.get(level..)?;
    let is_heading = (1..=6).contains(&level) && (text.is_empty() || text.starts_with([' ', '\t']));
    is_heading.then(|| (level, text.trim().trim_end_matches('#').trim_end()))
}

/// Whether a list item has a checkbox, and whether it is ticked.
pub fn checkbox(line: &Line) -> Option<bool> {
    let text = line.text.trim_start();
    let item = text
        .strip_prefix(['-', '*', '+'])
        .or_else(|| text.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(['.', ')']));
    let item = item.filter(|_| !line.code)?.strip_prefix(' ')?.trim_start();
    match item.get(..3)? {
        "[ ]" => Some(false),
        "[x]" | "[X]" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(text: &str) -> Vec<String> {
        lines(text).into_iter().filter(|line| !line.code).map(|line| line.text).collect()
    }

    #[test]
    fn a_fence_ends_at_one_as_long_as_itself() {
        assert_eq!(visible("a\n````md\n```\nb\n````\nc"), ["a", "c"]);
        assert_eq!(visible("~~~\n```\n~~~\nd"), ["d"]);
        assert_eq!(visible("``` a ` b\ntext"), ["``` a ` b", "text"]);
        assert_eq!(visible("```\nnever closed"), Vec::<String>::new());
    }

    #[test]
    fn comments_go_and_crlf_is_no_content() {
        assert_eq!(visible("a<!-- b -->c\r\n<!--\r\nd\r\n-->e"), ["ac", "", "", "e"]);
    }

    #[test]
    fn headings_and_boxes() {
        let of = |text: &str| lines(text);
        assert_eq!(heading(&of("##  Test plan ##")[0]), Some((2, "Test plan")));
        assert_eq!(heading(&of("#no")[0]), None);
        assert_eq!(heading(&of("    # code")[0]), None);
        assert_eq!(checkbox(&of("  * [X] done")[0]), Some(true));
        assert_eq!(checkbox(&of("1. [ ] open")[0]), Some(false));
        assert_eq!(checkbox(&of("- [link](x)")[0]), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_lines(text in ".{0,120}") {
            for line in lines(&text) {
                let _ = (heading(&line), checkbox(&line));
            }
        }
    }
}
