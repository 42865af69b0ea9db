//! What the gates of each id and kind came to in the week.

use std::collections::BTreeMap;

use super::aggregate::Table;
use super::document::GateLine;
use crate::model::Outcome;

/// A line for each gate, by id and kind.
pub(super) fn lines(table: &Table<'_>) -> Vec<GateLine> {
    let mut by_gate: BTreeMap<(&str, &str), GateLine> = BTreeMap::new();
    for row in table.gates.iter().filter(|row| row.place.week == table.week) {
        let line = by_gate.entry((&row.gate, &row.kind)).or_insert_with(|| GateLine {
            gate: row.gate.clone(),
            kind: row.kind.clone(),
            judgements: 0,
            pass: 0,
            fail: 0,
            needs_human: 0,
            unmeasured: 0,
            skipped: 0,
        });
        line.judgements += 1;
        match row.outcome {
            Outcome::Pass => line.pass += 1,
            Outcome::Fail => line.fail += 1,
            Outcome::NeedsHuman => line.needs_human += 1,
            Outcome::Unmeasured => line.unmeasured += 1,
            Outcome::Skipped => line.skipped += 1,
        }
    }
    by_gate.into_values().collect()
}
