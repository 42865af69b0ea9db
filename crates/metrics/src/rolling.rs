//! The fold over the log: every line once, a handful of windows, the states of hysteresis, and the crossings.
//! Definitions: issue "The operator's window", part Metrics; docs/reference/metrics.md says them for readers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

use crate::model::{Digest, sanitize};

use super::band::{Band, RELAX_AT, TRUST_AT};
use super::batch::{Batch, Read, Row};
use super::log::{Fold, Log, Place};
use super::remembered::Remembered;
use super::report::{
    Cause, CountMetric, Crossing, LineIssue, LineProblem, LogCounts, Metric, MetricState, MetricsReport,
    Pinned, ProjectRate, RateMetric, SCHEMA, Scope,
};
use super::series::{Point, Series};
use super::window::{FIRST_PASS_WINDOW, Kept, LONG_WINDOW, Window};

/// Lines that are listed one by one.
const ISSUES: usize = 100;
/// Crossings that are kept, the latest.
const CROSSINGS: usize = 10_000;
/// Projects with a window of their own.
const PROJECTS: usize = 10_000;

/// Reads a whole log.
///
/// # Errors
/// The file's index and what reading it answered.
pub fn read_log(log: Log, pin: Option<&str>) -> Result<Rolling, (usize, io::Error)> {
    let mut rolling = Rolling::new(log.names(), pin);
    log.feed(&mut rolling)?;
    Ok(rolling)
}

/// Everything that is known after some lines of the log.
pub struct Rolling {
    files: Vec<String>,
    counts: LogCounts,
    issues: Vec<LineIssue>,
    /// The last line that could not be read, by its place in the log and in its file.
    unread: Option<(u64, Place)>,
    seen: Remembered,
    latest: Option<crate::model::Timestamp>,
    global: Window,
    first_pass: Tracked,
    conflicts: Tracked,
    projects: BTreeMap<String, Project>,
    crossings: VecDeque<Crossing>,
    crossings_total: u64,
    recorded: BTreeSet<String>,
    series: Series,
    last_point: Option<Point>,
    /// The work item whose merge ends the pinned windows, instead of the first healthy ones.
    pin: Option<String>,
}

/// A rate's state and the window it is compared with.
struct Tracked {
    metric: Metric,
    band: Band,
    pinned: Option<Pinned>,
}

struct Project {
    window: Window,
    conflicts: Tracked,
}

impl Default for Project {
    fn default() -> Self {
        Self { window: Window::default(), conflicts: Tracked::new(Metric::RebaseConflictRate) }
    }
}

impl Tracked {
    fn new(metric: Metric) -> Self {
        Self { metric, band: Band::new(metric), pinned: None }
    }

    fn healthy(&self, numerator: u64, denominator: u64) -> bool {
        match self.metric {
            Metric::FirstPassMergeRate => numerator * 100 >= TRUST_AT * denominator,
            Metric::RebaseConflictRate => numerator * 100 <= RELAX_AT * denominator,
        }
    }
}

impl Rolling {
    /// Nothing read yet. `pin` is the work item whose merge ends the pinned windows.
    pub fn new(files: Vec<String>, pin: Option<&str>) -> Self {
        Self {
            files,
            counts: LogCounts::default(),
            issues: Vec::new(),
            unread: None,
            seen: Remembered::default(),
            latest: None,
            global: Window::default(),
            first_pass: Tracked::new(Metric::FirstPassMergeRate),
            conflicts: Tracked::new(Metric::RebaseConflictRate),
            projects: BTreeMap::new(),
            crossings: VecDeque::new(),
            crossings_total: 0,
            recorded: BTreeSet::new(),
            series: Series::default(),
            last_point: None,
            pin: pin.map(str::to_owned),
        }
    }

    fn issue(&mut self, place: Place, problem: LineProblem, detail: String) {
        if self.issues.len() < ISSUES {
            let file = self.files.get(place.file).cloned().unwrap_or_default();
            self.issues.push(LineIssue { file, line: place.line, problem, detail });
        }
    }

    fn merged(&mut self, place: Place, merge: Row<'_>) {
        if !self.seen.insert(merge.key) {
            self.counts.duplicate += 1;
            self.issue(place, LineProblem::Duplicate, sanitize(merge.work_item_id, 80));
            return;
        }
        self.counts.merged += 1;
        if self.latest.is_some_and(|latest| merge.at < latest) {
            self.counts.out_of_order += 1;
            self.issue(place, LineProblem::OutOfOrder, merge.at.to_string());
        }
        self.latest = self.latest.max(Some(merge.at));
        if merge.rebase_conflict.is_none() {
            self.counts.without_final_verdict += 1;
            self.issue(place, LineProblem::WithoutFinalVerdict, String::new());
        }
        let kept = Kept {
            at: merge.at,
            sequence: self.counts.lines,
            attempts: merge.attempts,
            rebase_conflict: merge.rebase_conflict,
        };
        self.global.insert(kept);
        if let Some(unread) = self.unread_sequence() {
            self.global.leave_behind(unread);
        }
        let first_pass = self.first_pass_rate();
        let conflicts = self.conflict_rate(&self.global);
        self.track(merge, &first_pass, &conflicts);
        self.track_project(merge, kept);
        let point = Point {
            merge: self.counts.merged,
            at: merge.at,
            first_pass_merge_rate: first_pass.value,
            rebase_conflict_rate: conflicts.value,
        };
        self.series.push(point);
        self.last_point = Some(point);
    }

    fn track(&mut self, merge: Row<'_>, first_pass: &Measured, conflicts: &Measured) {
        let number = self.counts.merged;
        let pin = self.pin.as_deref();
        let turns = [
            step(&mut self.first_pass, first_pass, pin, merge, number, None),
            step(&mut self.conflicts, conflicts, pin, merge, number, None),
        ];
        turns.into_iter().flatten().for_each(|crossing| self.keep(crossing));
    }

    fn track_project(&mut self, merge: Row<'_>, kept: Kept) {
        if !self.projects.contains_key(merge.project) {
            if self.projects.len() >= PROJECTS {
                return;
            }
            self.projects.insert(merge.project.to_owned(), Project::default());
        }
        let unread = self.unread_sequence();
        let Some(project) = self.projects.get_mut(merge.project) else { return };
        project.window.insert(kept);
        if let Some(unread) = unread {
            project.window.leave_behind(unread);
        }
        let rate = conflict_rate(&project.window, unread);
        let pin = self.pin.as_deref();
        let turn = step(&mut project.conflicts, &rate, pin, merge, self.counts.merged, Some(merge.project));
        if let Some(crossing) = turn {
            self.keep(crossing);
        }
    }

    fn keep(&mut self, crossing: Crossing) {
        self.crossings_total += 1;
        self.crossings.push_back(crossing);
        if self.crossings.len() > CROSSINGS {
            self.crossings.pop_front();
        }
    }

    fn unread_sequence(&self) -> Option<u64> {
        self.unread.map(|(sequence, _)| sequence)
    }

    fn first_pass_rate(&self) -> Measured {
        Measured::new(&self.global, FIRST_PASS_WINDOW, self.unread_sequence(), self.global.first_pass())
    }

    fn conflict_rate(&self, window: &Window) -> Measured {
        conflict_rate(window, self.unread_sequence())
    }

    /// What is known by now.
    pub fn report(&self) -> MetricsReport {
        let first_pass = self.rate(&self.first_pass_rate(), &self.first_pass);
        let conflicts = self.rate(&self.conflict_rate(&self.global), &self.conflicts);
        let by_project = self
            .projects
            .iter()
            .map(|(name, project)| {
                let own_n = project.window.len(LONG_WINDOW);
                let own = own_n == LONG_WINDOW as u64;
                let rate = if own {
                    self.rate(&self.conflict_rate(&project.window), &project.conflicts)
                } else {
                    conflicts.clone()
                };
                let scope = if own { "project" } else { "global" };
                ProjectRate { project: name.clone(), own_n, scope: scope.to_owned(), rate }
            })
            .collect();
        MetricsReport {
            schema: SCHEMA.to_owned(),
            files: self.files.clone(),
            log: LogCounts { forgotten: self.seen.forgotten(), ..self.counts.clone() },
            issues: self.issues.clone(),
            first_pass_merge_rate: first_pass,
            rebase_conflict_rate: conflicts,
            rebase_conflict_rate_by_project: by_project,
            p95_attempts_to_merge: self.p95(),
            crossings_total: self.crossings_total,
            crossings: self.crossings.iter().cloned().collect(),
            series: self.series.clone().ended_by(self.last_point),
        }
    }

    /// The crossings that the log does not carry yet, oldest first.
    pub fn unrecorded(&self) -> impl Iterator<Item = &Crossing> {
        self.crossings.iter().filter(|crossing| !self.recorded.contains(crossing.id.as_str()))
    }

    fn p95(&self) -> CountMetric {
        let whole = Measured::new(&self.global, LONG_WINDOW, self.unread_sequence(), Some(0));
        let value = match whole.state {
            MetricState::Measured => self.global.attempts_percentile(LONG_WINDOW, 95),
            MetricState::Undefined | MetricState::Unmeasured => None,
        };
        let because = self.because(&whole);
        CountMetric { state: whole.state, n: whole.n, window: LONG_WINDOW as u64, value, because }
    }

    fn rate(&self, measured: &Measured, tracked: &Tracked) -> RateMetric {
        RateMetric {
            state: measured.state,
            n: measured.n,
            window: measured.window,
            numerator: measured.value.and(measured.hits),
            denominator: measured.value.map(|_| measured.n),
            value: measured.value,
            because: self.because(measured),
            roll_state: tracked.band.state(),
            pinned: tracked.pinned.clone(),
            drift: measured.value.zip(tracked.pinned.as_ref()).map(|(value, pin)| value - pin.value),
        }
    }

    fn because(&self, measured: &Measured) -> Option<String> {
        if measured.state != MetricState::Unmeasured {
            return None;
        }
        match self.unread {
            Some((_, place)) if measured.spans_unread => {
                let file = self.files.get(place.file).map_or("", String::as_str);
                Some(format!("line {} of `{}` could not be read", place.line, sanitize(file, 120)))
            }
            _ => Some("a merge in the window does not say its final verdict".to_owned()),
        }
    }
}

impl Fold for Rolling {
    fn look_ahead(&self, batch: &Batch) {
        self.seen.look_ahead(batch.keys());
    }

    fn feed(&mut self, place: Place, read: Read<'_>) {
        self.counts.lines += 1;
        match read {
            Read::HalfWritten => {
                self.counts.half_written += 1;
                self.issue(place, LineProblem::HalfWritten, String::new());
            }
            Read::Malformed(why) => {
                self.counts.malformed += 1;
                self.unread = Some((self.counts.lines, place));
                self.issue(place, LineProblem::Malformed, why.to_owned());
            }
            Read::Other => self.counts.other += 1,
            Read::Crossing(id) => {
                self.counts.crossings_recorded += 1;
                if self.recorded.len() < 2 * CROSSINGS {
                    self.recorded.insert(id.to_owned());
                }
            }
            Read::Merged(merge) => self.merged(place, merge),
        }
    }
}

/// A rate over a window, before words.
struct Measured {
    state: MetricState,
    n: u64,
    window: u64,
    hits: Option<u64>,
    value: Option<f64>,
    spans_unread: bool,
}

impl Measured {
    fn new(window: &Window, size: usize, unread: Option<u64>, hits: Option<u64>) -> Self {
        let n = window.len(size);
        let spans_unread = unread.is_some_and(|sequence| window.spans(size, sequence));
        let state = if n < size as u64 {
            MetricState::Undefined
        } else if spans_unread || hits.is_none() {
            MetricState::Unmeasured
        } else {
            MetricState::Measured
        };
        let value = hits.filter(|_| state == MetricState::Measured).map(|hits| ratio(hits, n));
        Self { state, n, window: size as u64, hits, value, spans_unread }
    }
}

fn conflict_rate(window: &Window, unread: Option<u64>) -> Measured {
    Measured::new(window, LONG_WINDOW, unread, window.conflicts())
}

/// A share as a number; windows are far smaller than what a float holds exactly.
fn ratio(numerator: u64, denominator: u64) -> f64 {
    let exact = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    exact(numerator) / exact(denominator.max(1))
}

/// Moves a rate's state on, pins its first healthy window, and tells of a crossing. `project` is the scope, none of
/// them the global one.
fn step(
    tracked: &mut Tracked,
    measured: &Measured,
    pin: Option<&str>,
    merge: Row<'_>,
    number: u64,
    project: Option<&str>,
) -> Option<Crossing> {
    let (value, numerator, denominator) = (measured.value?, measured.hits?, measured.n);
    let pins = match pin {
        Some(item) => item == merge.work_item_id,
        None => tracked.healthy(numerator, denominator),
    };
    if pins && tracked.pinned.is_none() {
        let ended_by = merge.work_item_id.to_owned();
        tracked.pinned = Some(Pinned { numerator, denominator, value, ended_by, ended_at: merge.at });
    }
    let turn = tracked.band.step(numerator, denominator)?;
    let at = merge.at.to_string();
    let direction = turn.direction.as_str();
    let of = project.unwrap_or_default();
    let identity = [tracked.metric.as_str(), of, direction, merge.project, merge.work_item_id, &at];
    Some(Crossing {
        id: Digest::of_parts(&identity),
        metric: tracked.metric,
        scope: project.map_or(Scope::Global, |name| Scope::Project(name.to_owned())),
        direction: turn.direction,
        roll_state: tracked.band.state(),
        numerator,
        denominator,
        value,
        n: measured.n,
        threshold: turn.threshold,
        caused_by: Cause {
            work_item_id: merge.work_item_id.to_owned(),
            project: merge.project.to_owned(),
            created_at: merge.at,
            merge: number,
        },
    })
}
