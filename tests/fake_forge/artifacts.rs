//! Artifact rows and what happens to them: created, filled, confirmed, deleted, condemned by a re-run, expired.
//! One row per v4 artifact, one per file of a v3 artifact, as in the server's table; ids run through both.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;

use super::state::{State, next};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowStatus {
    Pending,
    Confirmed,
    Expired,
    /// Deleted by a caller or condemned by a re-run, and waiting for the nightly clean-up.
    PendingDeletion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    V3,
    V4,
}

#[derive(Clone)]
pub struct Row {
    pub id: i64,
    pub run: i64,
    pub name: String,
    /// The file inside a v3 artifact, `<name>.zip` for v4.
    pub path: String,
    pub protocol: Protocol,
    pub status: RowStatus,
    /// What listings show; v3 counts a file's first chunk where no length was sent.
    pub size: usize,
    pub gzip: bool,
    /// The stored bytes, which stay readable whatever the status says.
    pub content: Option<Vec<u8>>,
    pub created: i64,
    /// Moved by an upload and by condemning alike.
    pub updated: i64,
    pub retention_days: i64,
    /// v3: (first byte, bytes, promised total). v4 append mode: in order of arrival.
    pub chunks: Vec<(usize, Vec<u8>, usize)>,
    pub block_list: Option<Vec<String>>,
}

#[derive(Default)]
pub struct Artifacts {
    pub rows: Vec<Row>,
    /// v4 blocks by run, length and id: two artifacts of one run that share block ids corrupt each other.
    pub blocks: BTreeMap<(i64, usize, String), Vec<u8>>,
}

/// What a person sees as one artifact: all confirmed or expired rows of a name in a run.
pub struct Group {
    pub id: i64,
    pub run: i64,
    pub name: String,
    pub size: usize,
    pub expired: bool,
    pub created: i64,
    pub updated: i64,
    pub expires: i64,
}

const DAY: i64 = 24 * 3600;

impl Artifacts {
    pub fn of_run(&self, run: i64) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.run == run)
    }

    pub fn find(&self, run: i64, name: &str, path: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.run == run && row.name == name && row.path == path)
    }

    /// The live listing of REST and of the web page: neither unfinished nor deleted nor condemned rows.
    pub fn groups(&self, runs: &[i64]) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for row in self.rows.iter().filter(|row| runs.contains(&row.run)) {
            if !matches!(row.status, RowStatus::Confirmed | RowStatus::Expired) {
                continue;
            }
            let expired = row.status == RowStatus::Expired;
            let found = groups.iter_mut().find(|group| group.run == row.run && group.name == row.name);
            match found {
                Some(group) => {
                    group.size += row.size;
                    group.expired |= expired;
                    group.updated = group.updated.max(row.updated);
                }
                None => groups.push(Group {
                    id: row.id,
                    run: row.run,
                    name: row.name.clone(),
                    size: row.size,
                    expired,
                    created: row.created,
                    updated: row.updated,
                    expires: row.created + row.retention_days * DAY,
                }),
            }
        }
        groups
    }

    /// The bytes a person downloads under this name, or none where any row of it is not confirmed.
    pub fn archive(&self, run: i64, name: &str) -> Option<Archive> {
        let rows: Vec<&Row> = self.of_run(run).filter(|row| row.name == name).collect();
        if rows.is_empty() || rows.iter().any(|row| row.status != RowStatus::Confirmed) {
            return None;
        }
        let first = rows.first()?;
        if first.protocol == Protocol::V4 {
            return Some(Archive::Stored(first.content.clone()?, first.updated));
        }
        let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for row in rows {
            out.start_file(row.path.as_str(), SimpleFileOptions::default()).ok()?;
            out.write_all(&plain(row)?).ok()?;
        }
        Some(Archive::MadeOnTheFly(out.finish().ok()?.into_inner()))
    }
}

pub enum Archive {
    /// The uploaded zip itself and when its row was last touched.
    Stored(Vec<u8>, i64),
    MadeOnTheFly(Vec<u8>),
}

/// A v3 file as it was before the client's gzip.
fn plain(row: &Row) -> Option<Vec<u8>> {
    let content = row.content.clone()?;
    if !row.gzip {
        return Some(content);
    }
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(content.as_slice()).read_to_end(&mut out).ok()?;
    Some(out)
}

impl State {
    /// The row of this name and path, created pending where it is new. A finished one is opened again: its size
    /// goes, its bytes stay readable, its creation time stays.
    pub fn open_row(&mut self, run: i64, name: &str, path: &str, protocol: Protocol, days: i64) -> usize {
        let now = self.now;
        if let Some(at) = self.artifacts.find(run, name, path) {
            let row = &mut self.artifacts.rows[at];
            row.status = RowStatus::Pending;
            row.size = 0;
            row.updated = now;
            row.chunks.clear();
            return at;
        }
        self.artifacts.rows.push(Row {
            id: next(&mut self.ids.artifact),
            run,
            name: name.to_owned(),
            path: path.to_owned(),
            protocol,
            status: RowStatus::Pending,
            size: 0,
            gzip: false,
            content: None,
            created: now,
            updated: now,
            retention_days: days,
            chunks: Vec::new(),
            block_list: None,
        });
        self.artifacts.rows.len() - 1
    }

    pub fn confirm_row(&mut self, at: usize, content: Vec<u8>) {
        let now = self.now;
        let row = &mut self.artifacts.rows[at];
        if row.protocol == Protocol::V4 {
            row.size = content.len();
        }
        row.content = Some(content);
        row.status = RowStatus::Confirmed;
        row.updated = now;
        row.chunks.clear();
        row.block_list = None;
    }

    /// What a re-run does to every artifact of its run, those of jobs that do not run again included.
    pub fn condemn(&mut self, run: i64) {
        let now = self.now;
        for row in self.artifacts.rows.iter_mut().filter(|row| row.run == run) {
            row.status = RowStatus::PendingDeletion;
            row.updated = now;
        }
    }

    /// The nightly clean-up: condemned rows go, old ones expire. Their bytes are gone with them.
    pub fn clean_up(&mut self) {
        let now = self.now;
        self.artifacts.rows.retain(|row| row.status != RowStatus::PendingDeletion);
        for row in &mut self.artifacts.rows {
            if row.status == RowStatus::Confirmed && row.created + row.retention_days * DAY <= now {
                row.status = RowStatus::Expired;
                row.content = None;
            }
        }
    }
}
