//! Edits of the file's text: one gap more, or a gap changed, and everything else stays byte for byte.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value, value};

use crate::model::sanitize;
use crate::policy::Problem;

use super::gap::{Gap, Severity, Source, Status, gap_id};
use super::read::read;

/// What a file that is not there yet begins with.
const HEADER: &str = "# What is still missing. Edit by hand or with `patchwarden gaps`; `patchwarden gaps check` holds the rules.\n\
                      # Ids are never reused: a gap that will stay one is `declined`, and says in `closed_by` who decided.\n\
                      version = 1\n";

/// Why an edit was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The ledger is broken already, or would be.
    #[error("the ledger has problems")]
    Problems(Vec<Problem>),
    #[error("there is no gap `{0}`")]
    NoGap(String),
    #[error("gap `{id}` is `{from}` and cannot become `{to}`")]
    Transition { id: String, from: &'static str, to: &'static str },
    #[error("a gap that becomes `{0}` names what closed it")]
    ClosedBy(&'static str),
    #[error("`gap` is written as a list of values, not as `[[gap]]` tables")]
    Shape,
}

/// A gap that is to be added; its id comes from the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    pub title: String,
    pub area: String,
    pub status: Status,
    pub severity: Severity,
    pub source: Source,
    pub evidence: Vec<String>,
    pub owner: String,
    pub next_action: String,
    pub fingerprint: Option<String>,
}

/// What is to change of a gap; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    pub status: Option<Status>,
    pub title: Option<String>,
    pub area: Option<String>,
    pub severity: Option<Severity>,
    pub owner: Option<String>,
    pub next_action: Option<String>,
    /// Links that join those there are.
    pub evidence: Vec<String>,
    pub closed_by: Option<String>,
}

/// Adds gaps at the end. `text` is `None` where there is no file yet; `today` is `YYYY-MM-DD`.
///
/// # Errors
/// [`EditError`]; the text is then unchanged.
pub fn add(
    text: Option<&str>,
    additions: &[Addition],
    today: &str,
) -> Result<(String, Vec<String>), EditError> {
    let text = text.unwrap_or(HEADER);
    let ledger = read(text).map_err(EditError::Problems)?;
    let mut document = parse(text)?;
    let tables = document
        .entry("gap")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .ok_or(EditError::Shape)?;
    let mut ids = Vec::new();
    for (number, addition) in (ledger.last_number() + 1..).zip(additions) {
        let id = gap_id(&ledger.prefix, number);
        tables.push(new_table(&id, addition, today)?);
        ids.push(id);
    }
    sound(&document).map(|text| (text, ids))
}

/// Changes a gap. Closing sets its day, opening again takes it away; nothing changes where nothing differs.
///
/// # Errors
/// [`EditError`]; the text is then unchanged.
pub fn set(text: &str, id: &str, change: &Change, today: &str) -> Result<String, EditError> {
    let ledger = read(text).map_err(EditError::Problems)?;
    let gap = ledger.gap(id).ok_or_else(|| EditError::NoGap(sanitize(id, 40)))?;
    let mut document = parse(text)?;
    let table = document
        .get_mut("gap")
        .and_then(Item::as_array_of_tables_mut)
        .ok_or(EditError::Shape)?
        .iter_mut()
        .find(|table| table.get("id").and_then(Item::as_str) == Some(id))
        .ok_or_else(|| EditError::NoGap(sanitize(id, 40)))?;
    let before = table.to_string();
    let words = [
        ("title", change.title.as_deref()),
        ("area", change.area.as_deref()),
        ("severity", change.severity.map(Severity::as_str)),
        ("owner", change.owner.as_deref()),
        ("next_action", change.next_action.as_deref()),
    ];
    for (key, new) in words {
        if let Some(new) = new {
            put(table, key, new.into());
        }
    }
    for link in change.evidence.iter().filter(|link| !gap.evidence.contains(link)) {
        let list = table.entry("evidence").or_insert_with(|| value(Array::new()));
        list.as_array_mut().ok_or(EditError::Shape)?.push(link.as_str());
    }
    set_status(table, gap, change, today)?;
    if table.to_string() != before {
        put(table, "updated", day(today)?);
    }
    sound(&document)
}

fn set_status(table: &mut Table, gap: &Gap, change: &Change, today: &str) -> Result<(), EditError> {
    let status = change.status.unwrap_or(gap.status);
    if !gap.status.may_become(status) {
        let (from, to) = (gap.status.as_str(), status.as_str());
        return Err(EditError::Transition { id: gap.id.clone(), from, to });
    }
    if status != gap.status {
        put(table, "status", status.as_str().into());
    }
    if !status.is_closed() {
        table.remove("closed");
        table.remove("closed_by");
        return Ok(());
    }
    if !gap.status.is_closed() {
        put(table, "closed", day(today)?);
    }
    match (&change.closed_by, &gap.closed_by) {
        (Some(by), _) => put(table, "closed_by", by.as_str().into()),
        (None, Some(_)) => {}
        (None, None) => return Err(EditError::ClosedBy(status.as_str())),
    }
    Ok(())
}

pub(super) fn parse(text: &str) -> Result<DocumentMut, EditError> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        let message = format!("not TOML: {}", sanitize(error.message(), 160));
        EditError::Problems(vec![Problem { line: 0, key: String::new(), message, hint: None }])
    })
}

/// The edited text, if it is still a sound ledger.
fn sound(document: &DocumentMut) -> Result<String, EditError> {
    let text = document.to_string();
    read(&text).map_err(EditError::Problems)?;
    Ok(text)
}

/// Puts a value where the old one was: what stands around it, such as a comment, stays.
pub(super) fn put(table: &mut Table, key: &str, new: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(key, Item::Value(new));
        }
    }
}

fn new_table(id: &str, addition: &Addition, today: &str) -> Result<Table, EditError> {
    let mut table = Table::new();
    table.decor_mut().set_prefix("\n");
    let mut keep = |key: &str, text: &str| {
        table.insert(key, value(text));
    };
    keep("id", id);
    keep("title", &addition.title);
    keep("area", &addition.area);
    keep("status", addition.status.as_str());
    keep("severity", addition.severity.as_str());
    keep("source", addition.source.as_str());
    if !addition.evidence.is_empty() {
        table.insert("evidence", value(addition.evidence.iter().collect::<Array>()));
    }
    table.insert("owner", value(&addition.owner));
    table.insert("next_action", value(&addition.next_action));
    table.insert("opened", Item::Value(day(today)?));
    table.insert("updated", Item::Value(day(today)?));
    if let Some(fingerprint) = &addition.fingerprint {
        table.insert("fingerprint", value(fingerprint));
    }
    Ok(table)
}

fn day(today: &str) -> Result<Value, EditError> {
    today.parse::<toml_edit::Datetime>().map(Value::from).map_err(|_| {
        let message = format!("`{}` is not a day such as 2026-11-21", sanitize(today, 40));
        EditError::Problems(vec![Problem { line: 0, key: String::new(), message, hint: None }])
    })
}
