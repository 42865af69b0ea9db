//! One source file as the laws see it: code without comments, texts and test modules, and the paths it names.

/// A source file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Below `src`.
    pub path: String,
    /// As written.
    pub text: String,
    /// Code alone: comments, texts and `#[cfg(test)]` items are blank; lines keep their numbers.
    pub code: String,
    /// Modules declared under `#[cfg(test)]` whose body is in another file.
    test_modules: Vec<String>,
}

/// A path such as `crate::model::Code`, with `use` groups written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub line: usize,
    pub path: String,
}

impl Source {
    /// Reads a file.
    pub fn read(path: &str, text: &str) -> Self {
        let (code, test_modules) = without_tests(&without_comments_and_texts(text));
        Self { path: path.to_owned(), text: text.to_owned(), code, test_modules }
    }

    /// The top module the file belongs to: `gate` for `gate/json.rs`, `verdict` for `verdict.rs`.
    pub fn module(&self) -> &str {
        self.path.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// The files, below `src`, of the test modules that this file declares.
    pub fn test_files(&self) -> impl Iterator<Item = String> + '_ {
        let folder = match self.path.strip_suffix("mod.rs") {
            Some(folder) => folder.to_owned(),
            None => format!("{}/", self.path.trim_end_matches(".rs")),
        };
        self.test_modules.iter().map(move |module| format!("{folder}{module}.rs"))
    }

    /// Every path of two segments or more, each member of a `use` group on its own.
    pub fn names(&self) -> Vec<Named> {
        let mut names = Vec::new();
        let mut rest = self.code.as_str();
        let mut line = 1;
        while let Some(at) = rest.find("::") {
            let start = rest[..at]
                .rfind(|c: char| !is_word(c))
                .map_or(0, |before| before + rest[before..].chars().next().map_or(1, char::len_utf8));
            line += rest[..start].matches('\n').count();
            let here = &rest[start..];
            let used = read_path(here, "", line, &mut names);
            line += here[..used].matches('\n').count();
            rest = &here[used..];
        }
        names
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Reads one path, or one `use` tree, that starts here; gives how many bytes it took.
fn read_path(text: &str, prefix: &str, line: usize, names: &mut Vec<Named>) -> usize {
    let mut path = prefix.to_owned();
    let mut at = 0;
    loop {
        let word: String = text[at..].chars().take_while(|c| is_word(*c)).collect();
        at += word.len();
        if !word.is_empty() {
            if !path.is_empty() {
                path.push_str("::");
            }
            path.push_str(&word);
        }
        let Some(after) = text[at..].strip_prefix("::") else { break };
        at += 2;
        if after.starts_with('{') {
            return at + read_group(after, &path, line, names);
        }
        if !after.starts_with(is_word) {
            break;
        }
    }
    if path.contains("::") {
        names.push(Named { line, path });
    }
    at.max(1)
}

/// Reads `{a, b::c, d::{e, f}}`.
fn read_group(text: &str, prefix: &str, line: usize, names: &mut Vec<Named>) -> usize {
    let mut at = 1;
    while let Some(c) = text[at..].chars().next() {
        let line = line + text[..at].matches('\n').count();
        match c {
            '}' => return at + 1,
            _ if text[at..].starts_with("self") && !text[at + 4..].starts_with(is_word) => {
                names.push(Named { line, path: prefix.to_owned() });
                at += 4;
            }
            _ if text[at..].starts_with("as ") => {
                at += 3;
                at += text[at..].chars().take_while(|c| is_word(*c)).map(char::len_utf8).sum::<usize>();
            }
            _ if is_word(c) => at += read_path(&text[at..], prefix, line, names),
            _ => at += c.len_utf8(),
        }
    }
    at
}

/// The same text with comments and the insides of texts blank.
fn without_comments_and_texts(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_text(rest, &out) {
            let close = format!("\"{}", "#".repeat(hashes));
            let body = hashes + 2;
            rest[body..].find(&close).map_or(rest.len(), |end| body + end + close.len())
        } else if c == '"' {
            text_end(rest)
        } else if c == '\'' {
            char_end(rest)
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.extend(rest[..skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[skipped..];
    }
    out
}

/// The number of `#` of a raw text that starts here.
fn raw_text(rest: &str, before: &str) -> Option<usize> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.chars().take_while(|c| *c == '#').count();
    let starts = after[hashes..].starts_with('"') && !before.ends_with(|c: char| is_word(c) && c != 'b');
    starts.then_some(hashes)
}

fn text_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The end of a character literal; one byte where this is a lifetime.
fn char_end(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            rest[2..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(1, |(at, _)| at + 3)
        }
        Some((_, _)) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// The same code with `#[cfg(test)]` items blank, and the names of test modules that are files of their own.
fn without_tests(code: &str) -> (String, Vec<String>) {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut modules = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        out.push_str(&rest[..at]);
        let item = &rest[at + MARK.len()..];
        let length = item_end(item);
        let declared = item[..length].trim();
        let declared = declared.strip_prefix("pub(crate)").unwrap_or(declared).trim();
        if let Some(name) = declared.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            modules.push(name.trim().to_owned());
        }
        let gone = &rest[at..at + MARK.len() + length];
        out.extend(gone.chars().filter(|c| *c == '\n'));
        rest = &rest[at + MARK.len() + length..];
    }
    out.push_str(rest);
    (out, modules)
}

/// Where an item ends: at its `;`, or at the brace that closes its body.
fn item_end(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    item.len()
}

#[test]
fn comments_texts_and_test_modules_are_no_code() {
    let text = "// std::fs in a comment\nlet a = \"std::env\"; let b = r#\"clap::\"#; let c = '\"'; let d: &'a str;\n\
                #[cfg(test)]\nmod tests {\n    use std::fs;\n}\n#[cfg(test)]\nmod more;\nuse std::io;\n";
    let source = Source::read("evidence/mod.rs", text);
    assert_eq!(source.names(), [Named { line: 9, path: "std::io".to_owned() }]);
    assert_eq!(source.test_files().collect::<Vec<_>>(), ["evidence/more.rs"]);
    assert_eq!(
        Source::read("a/b.rs", "#[cfg(test)]\nmod t;\n").test_files().collect::<Vec<_>>(),
        ["a/b/t.rs"]
    );
}

#[test]
fn groups_are_written_out() {
    let source =
        Source::read("x.rs", "use crate::{a, b::{self, C as D}};\nfn f() -> crate::g::H { std::fs::read() }");
    let names: Vec<String> =
        source.names().iter().map(|name| format!("{}:{}", name.line, name.path)).collect();
    assert_eq!(names, ["1:crate::a", "1:crate::b", "1:crate::b::C", "2:crate::g::H", "2:std::fs::read"]);
}
