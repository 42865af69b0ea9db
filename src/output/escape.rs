//! Escaping for Markdown and for logs. Sentences of ours mark names by backticks; foreign words inside such
//! sentences hold none (`model::sanitize`), so the backticks are ours and pair up.

/// One line of a sentence of ours as Markdown: what stands between backticks becomes code, the rest is escaped.
pub fn markdown_line(text: &str) -> String {
    let marks = text.matches('`').count();
    let paired = marks.is_multiple_of(2);
    let mut out = String::with_capacity(text.len() + 16);
    for (index, part) in text.split('`').enumerate() {
        if paired && index % 2 == 1 {
            out.push('`');
            // A pipe would end a table cell even inside code.
            out.push_str(&part.replace('|', "\\|"));
            out.push('`');
        } else {
            escape_into(part, &mut out);
            if !paired && index < marks {
                out.push_str("\\`");
            }
        }
    }
    out
}

fn escape_into(text: &str, out: &mut String) {
    let mut previous = ' ';
    for c in text.chars() {
        match c {
            '\\' | '*' | '[' | ']' | '|' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '_' => out.push_str("\\_"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A mention or a reference reaches people; a zero-width joiner after the mark keeps it text.
            '@' | '#' | '!' if previous.is_whitespace() || previous == '(' => {
                out.push(c);
                out.push('\u{2060}');
            }
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
        previous = c;
    }
}

/// A block of foreign text as Markdown code: its fence is longer than any run of backticks inside.
pub fn markdown_fence(lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", lines.join("\n"))
}

/// A block of our own text, such as a policy, fenced the same way with a language of ours.
pub fn markdown_code(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end())
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_code_and_the_rest_is_text() {
        assert_eq!(markdown_line("gate `a|b` is <b>*bad*"), "gate `a\\|b` is &lt;b&gt;\\*bad\\*");
        assert_eq!(markdown_line("one ` alone"), "one \\` alone");
        assert!(!markdown_line("ask @admin in #1").contains("@admin"));
    }

    #[test]
    fn a_fence_is_longer_than_any_run_inside() {
        let block = markdown_fence(&["a ```` b".to_owned()]);
        assert!(block.starts_with("`````text\n") && block.ends_with("\n`````\n"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_closes_its_fence(text in "[`a\n ]{0,40}") {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let block = markdown_fence(&lines);
            let fence = block.split("text").next().unwrap().to_owned();
            let inside = &block[fence.len()..block.len() - fence.len() - 1];
            proptest::prop_assert!(!inside.contains(&fence));
        }
    }
}
