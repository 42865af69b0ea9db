//! Two branches that each added a gap gave both the same id. The branch that landed first keeps its ids; the gaps
//! of the other move behind them, in the order of the file.

use std::collections::BTreeMap;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use super::edit::{EditError, parse, put};
use super::gap::{Gap, Ledger, gap_id};
use super::read::read_loosely;

/// A gap that got another id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renumbered {
    pub from: String,
    pub to: String,
    pub title: String,
}

/// Renumbers the gaps of `text` that are not those of `onto_text`, and takes over what only that one has, so that the
/// result is sound before and after the merge. `base` is the ledger both grew from, where known: an id it has is the
/// same gap in both, however it was edited since.
///
/// # Errors
/// [`EditError`]: one of the texts has problems that are not about ids.
pub fn renumber(
    text: &str,
    onto_text: &str,
    base: Option<&Ledger>,
) -> Result<(String, Vec<Renumbered>), EditError> {
    let (ours, _) = read_loosely(text).map_err(EditError::Problems)?;
    let (onto, _) = read_loosely(onto_text).map_err(EditError::Problems)?;
    let keeps = kept(&ours, &onto, base);
    let mut document = parse(text)?;
    let mut tables: Vec<Table> = tables_of(&document)?;
    let mut renumbered = Vec::new();
    let mut next = onto.last_number() + 1;
    for ((table, gap), keeps) in tables.iter_mut().zip(&ours.gaps).zip(&keeps) {
        if *keeps {
            continue;
        }
        let to = gap_id(&ours.prefix, next);
        next += 1;
        if to != gap.id {
            put(table, "id", to.as_str().into());
            renumbered.push(Renumbered { from: gap.id.clone(), to, title: gap.title.clone() });
        }
    }
    let newer = newer_there(&ours, &keeps, &onto, base);
    if renumbered.is_empty() && newer.is_empty() {
        return Ok((text.to_owned(), renumbered));
    }
    if !newer.is_empty() {
        tables = joined(&ours, &keeps, tables, &onto, &newer, tables_of(&parse(onto_text)?)?);
    }
    let mut array = ArrayOfTables::new();
    for (position, mut table) in (0..).zip(tables) {
        table.set_position(Some(position));
        array.push(table);
    }
    document.insert("gap", Item::ArrayOfTables(array));
    Ok((document.to_string(), renumbered))
}

fn tables_of(document: &DocumentMut) -> Result<Vec<Table>, EditError> {
    match document.get("gap") {
        None => Ok(Vec::new()),
        Some(item) => Ok(item.as_array_of_tables().ok_or(EditError::Shape)?.iter().cloned().collect()),
    }
}

/// The ids of which the other side has the newer word: we lack them, or have not touched what it has changed.
fn newer_there(ours: &Ledger, keeps: &[bool], onto: &Ledger, base: Option<&Ledger>) -> Vec<String> {
    let same = |a: &Gap, b: &Gap| Gap { line: 0, ..a.clone() } == Gap { line: 0, ..b.clone() };
    let newer = |theirs: &&Gap| {
        let mine = ours.gaps.iter().zip(keeps).find(|(gap, keeps)| **keeps && gap.id == theirs.id);
        let before = base.and_then(|base| base.gap(&theirs.id));
        match (mine, before) {
            (None, _) => true,
            (Some((mine, _)), Some(before)) => same(mine, before) && !same(theirs, before),
            (Some(_), None) => false,
        }
    };
    onto.gaps.iter().filter(newer).map(|gap| gap.id.clone()).collect()
}

/// Their gaps in their order, in our words where those are newer, and ours behind them.
fn joined(
    ours: &Ledger,
    keeps: &[bool],
    tables: Vec<Table>,
    onto: &Ledger,
    newer: &[String],
    their_tables: Vec<Table>,
) -> Vec<Table> {
    let mut kept = BTreeMap::new();
    let mut new = Vec::new();
    for ((table, gap), keeps) in tables.into_iter().zip(&ours.gaps).zip(keeps) {
        if *keeps {
            kept.insert(gap.id.as_str(), table);
        } else {
            new.push(table);
        }
    }
    let theirs = onto.gaps.iter().zip(their_tables).map(|(gap, table)| {
        let mine = if newer.contains(&gap.id) { None } else { kept.remove(gap.id.as_str()) };
        mine.unwrap_or(table)
    });
    theirs.collect::<Vec<_>>().into_iter().chain(new).collect()
}

/// For each of our gaps, whether it is the one that `onto` has under the same id.
fn kept(ours: &Ledger, onto: &Ledger, base: Option<&Ledger>) -> Vec<bool> {
    let mut keeps = vec![false; ours.gaps.len()];
    let mut keep = |fits: &dyn Fn(&Gap, &Gap) -> bool| {
        for theirs in &onto.gaps {
            let places: Vec<usize> = (0..ours.gaps.len())
                .filter(|index| ours.gaps.get(*index).is_some_and(|gap| gap.id == theirs.id))
                .collect();
            if places.iter().any(|index| keeps.get(*index) == Some(&true)) {
                continue;
            }
            let found =
                places.into_iter().find(|index| ours.gaps.get(*index).is_some_and(|gap| fits(gap, theirs)));
            if let Some(place) = found.and_then(|index| keeps.get_mut(index)) {
                *place = true;
            }
        }
    };
    let origin = |gap: &Gap| (gap.opened.clone(), gap.source, gap.area.clone(), gap.fingerprint.clone());
    keep(&|gap, theirs| gap.title == theirs.title);
    keep(&|gap, theirs| {
        base.is_some_and(|base| base.gap(&gap.id).is_some()) && origin(gap) == origin(theirs)
    });
    keep(&|gap, _| base.is_some_and(|base| base.gap(&gap.id).is_some()));
    keeps
}
