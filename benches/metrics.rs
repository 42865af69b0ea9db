//! Streams event logs of growing length through `metrics`; prints processor time and peak memory of each, shortest first.
//! The log is made row by row while it is read, so that nothing but the fold can hold it.

use std::io::{self, BufReader, Read, Write as _};

use patchwarden::metrics::{Log, LogFile, MetricState, read_log};

/// Rows that are made one after the other, each another work item of one of twenty projects.
struct Rows {
    next: u64,
    end: u64,
    row: Vec<u8>,
    sent: usize,
}

impl Rows {
    fn new(end: u64) -> Self {
        Self { next: 0, end, row: Vec::new(), sent: 0 }
    }

    fn make(&mut self) -> io::Result<()> {
        let number = self.next;
        // One in seven takes a second attempt, one in thirty a rebase; a multiplier keeps them from lining up.
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let attempts = if mixed.is_multiple_of(7) { 2 } else { 1 };
        let verdict = if mixed.is_multiple_of(30) { "rebase_conflict" } else { "clean" };
        let seconds = number % 60;
        let (minutes, hours, days) = (number / 60 % 60, number / 3600 % 24, number / 86_400);
        let (day, month, year) = (days % 28 + 1, days / 28 % 12 + 1, 2020 + days / 336);
        self.row.clear();
        writeln!(
            self.row,
            "{{\"kind\":\"merged\",\"work_item_id\":\"item-{number}\",\"project\":\"project-{}\",\"payload\":{{\"attempts\":{attempts},\
             \"final_verdict\":\"{verdict}\"}},\"created_at\":\"{year}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z\"}}",
            number % 20
        )?;
        self.next += 1;
        self.sent = 0;
        Ok(())
    }
}

impl Read for Rows {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.sent == self.row.len() {
            if self.next == self.end {
                return Ok(0);
            }
            self.make()?;
        }
        let rest = self.row.get(self.sent..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        self.sent += count;
        Ok(count)
    }
}

/// The most memory the process ever held, in KiB; Linux only.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Nanoseconds this process spent on a processor, so that what else the machine does is not measured; Linux only.
fn processor_time() -> u64 {
    let spent = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    spent.split_whitespace().next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for events in [100_000_u64, 1_000_000, 10_000_000] {
        let reader = Box::new(BufReader::with_capacity(1 << 16, Rows::new(events)));
        let started = processor_time();
        let log = Log::open(vec![LogFile { name: "made".to_owned(), reader }]).map_err(|(_, error)| error)?;
        let report = read_log(log, None).map_err(|(_, error)| error)?.report();
        let took = (processor_time() - started) / 1_000_000;
        assert_eq!(report.log.merged, events, "every row is read");
        assert_eq!(report.first_pass_merge_rate.state, MetricState::Measured, "and counted");
        let peak = peak_kib().unwrap_or(0) / 1024;
        writeln!(
            out,
            "{events:>10} events: {took:>6} ms, peak {peak} MiB, {} forgotten",
            report.log.forgotten
        )?;
    }
    Ok(())
}
