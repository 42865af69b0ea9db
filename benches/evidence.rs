//! Reads generated JUnit and SARIF of three sizes and passes over the same bytes with the bare parser, in turns;
//! prints the medians of the ratios, how time grows, and peak memory (docs/performance.md has the numbers).
//! With the words `bare NAME FILE` it makes one pass of the bare parser over a file, for `scripts/bench` to measure.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use patchwarden::evidence::content::Content;
use patchwarden::evidence::{Format, Limits};
use serde::de::{Deserialize as _, IgnoredAny};

/// How often each is measured. The median of so many is steady to a few hundredths on a machine with other work.
const TURNS: usize = 7;
/// The buffer that the product reads a file through, and so the bare parser too.
const BUFFER: usize = 64 * 1024;

/// What is read, by what, and beside what.
struct Workload {
    name: &'static str,
    format: Format,
    /// Writes this many cases or results.
    write: fn(&mut dyn Write, u64) -> io::Result<()>,
    full: u64,
    /// The bare parser over a reader: nothing kept, nothing looked at.
    bare: fn(&mut dyn BufRead) -> io::Result<()>,
    /// The bare parser over all bytes in memory, which no streaming reader can be.
    bare_slice: fn(&[u8]) -> io::Result<()>,
}

const WORKLOADS: [Workload; 2] = [
    Workload {
        name: "JUnit",
        format: Format::Junit,
        write: junit,
        full: 1_000_000,
        bare: bare_xml,
        bare_slice: bare_xml_slice,
    },
    Workload {
        name: "SARIF",
        format: Format::Sarif,
        write: sarif,
        full: 80_000,
        bare: bare_json,
        bare_slice: bare_json_slice,
    },
];

/// Some 100 bytes a case, as pytest writes them; one in a thousand fails.
fn junit(out: &mut dyn Write, cases: u64) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites>")?;
    writeln!(out, "<testsuite name=\"pytest\" errors=\"0\" tests=\"{cases}\">")?;
    for number in 0..cases {
        let module = number / 400;
        write!(
            out,
            "<testcase classname=\"tests.unit.test_module_{module}\" name=\"test_behaviour[case-{number}]\" time=\"0.00{}\"",
            number % 10
        )?;
        if number % 1000 == 999 {
            writeln!(
                out,
                "><failure message=\"assert {number} == 0\">def test():\n&gt; assert</failure></testcase>"
            )?;
        } else {
            writeln!(out, " />")?;
        }
    }
    writeln!(out, "</testsuite></testsuites>")
}

/// Some 1,250 bytes a result, as semgrep and CodeQL write them: a snippet, fingerprints, a flow, properties, a fix.
fn sarif(out: &mut dyn Write, results: u64) -> io::Result<()> {
    write!(
        out,
        "{{\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":{{\"name\":\"analyser\",\"rules\":["
    )?;
    for rule in 0..200 {
        let comma = if rule == 0 { "" } else { "," };
        write!(out, "{comma}{{\"id\":\"rule/{rule}\",\"defaultConfiguration\":{{\"level\":\"warning\"}}}}")?;
    }
    write!(out, "]}}}},\"results\":[")?;
    for number in 0..results {
        let (comma, rule, file, line) =
            (if number == 0 { "" } else { "," }, number % 200, number % 4000, number % 997 + 1);
        let place = format!(
            "\"physicalLocation\":{{\"artifactLocation\":{{\"uri\":\"src/package/module_{file}.py\",\"uriBaseId\":\"%SRCROOT%\"}},\
             \"region\":{{\"startLine\":{line},\"startColumn\":9,\"endLine\":{line},\"endColumn\":48,\
             \"snippet\":{{\"text\":\"    cursor.execute(\\\"SELECT * FROM t WHERE id = \\\" + request_{number})\"}}}}}}"
        );
        write!(
            out,
            "{comma}{{\"ruleId\":\"rule/{rule}\",\"ruleIndex\":{rule},\"message\":{{\"text\":\"Untrusted data of request {number} \
             flows into a query that is built by concatenation; use parameters instead.\"}},\"locations\":[{{{place}}}],\
             \"codeFlows\":[{{\"threadFlows\":[{{\"locations\":[{{\"location\":{{{place},\"message\":{{\"text\":\"source\"}}}}}}]}}]}}],\
             \"partialFingerprints\":{{\"primaryLocationLineHash\":\"{number:016x}:1\",\"primaryLocationStartColumnFingerprint\":\"4\"}},\
             \"hostedViewerUri\":\"https://analyser.example.org/organisation/project/findings/{number:032x}/at/the/commit\",\
             \"correlationGuid\":\"00000000-0000-4000-8000-{number:012x}\",\"properties\":{{\"tags\":[\"security\",\"external/cwe/cwe-089\"],\"precision\":\"high\",\"rank\":12.5}},\
             \"fixes\":[{{\"artifactChanges\":[{{\"replacements\":[{{\"deletedRegion\":{{\"startLine\":{line}}}}}]}}]}}]}}"
        )?;
    }
    writeln!(out, "]}}]}}")
}

fn bare_xml(reader: &mut dyn BufRead) -> io::Result<()> {
    let mut xml = quick_xml::Reader::from_reader(reader);
    let mut buffer = Vec::new();
    loop {
        match xml.read_event_into(&mut buffer).map_err(io::Error::other)? {
            quick_xml::events::Event::Eof => return Ok(()),
            _ => buffer.clear(),
        }
    }
}

fn bare_xml_slice(bytes: &[u8]) -> io::Result<()> {
    let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
    let mut xml = quick_xml::Reader::from_str(text);
    while !matches!(xml.read_event().map_err(io::Error::other)?, quick_xml::events::Event::Eof) {}
    Ok(())
}

fn bare_json(reader: &mut dyn BufRead) -> io::Result<()> {
    IgnoredAny::deserialize(&mut serde_json::Deserializer::from_reader(reader)).map_err(io::Error::other)?;
    Ok(())
}

fn bare_json_slice(bytes: &[u8]) -> io::Result<()> {
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(io::Error::other)?;
    Ok(())
}

/// Reads the file as the product does; makes sure that all of it was counted.
fn ours(workload: &Workload, path: &Path, size: u64) -> io::Result<()> {
    let parsed = workload
        .format
        .parse(&mut buffered(path)?, &Limits::default())
        .map_err(|error| io::Error::other(error.to_string()))?;
    let counted = match parsed.content.as_ref() {
        Content::Tests(report) => report.counts.total(),
        Content::Findings(report) => report.counts.total(),
        _ => 0,
    };
    assert_eq!(counted, size, "everything in the file is counted");
    Ok(())
}

fn buffered(path: &Path) -> io::Result<BufReader<File>> {
    Ok(BufReader::with_capacity(BUFFER, File::open(path)?))
}

/// Nanoseconds this process spent on a processor, so that what else the machine does is not measured; Linux only.
fn processor_time() -> u64 {
    let spent = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    spent.split_whitespace().next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0)
}

/// Milliseconds of processor time that something takes.
fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<f64> {
    let started = processor_time();
    work()?;
    #[expect(clippy::cast_precision_loss, reason = "no duration here comes near 2^52 nanoseconds")]
    Ok((processor_time() - started) as f64 / 1e6)
}

/// The most memory the process held since [`forget_peak`], in MiB; Linux only.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib: u64 =
        line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse().ok()).unwrap_or(0);
    kib / 1024
}

/// Lets the peak start anew (proc(5), `clear_refs`).
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}

fn ratios(over: &[f64], under: &[f64]) -> f64 {
    median(over.iter().zip(under).map(|(over, under)| over / under).collect())
}

/// The exponent by which time grows with size, fitted through the points by least squares of their logarithms.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(size, time)| (size.ln(), time.ln())).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| {
        let (sum, number) = logs.iter().fold((0.0, 0.0), |(sum, number), log| (sum + of(log), number + 1.0));
        sum / number
    };
    let (x, y) = (mean(|log| log.0), mean(|log| log.1));
    let cross: f64 = logs.iter().map(|log| (log.0 - x) * (log.1 - y)).sum();
    let square: f64 = logs.iter().map(|log| (log.0 - x).powi(2)).sum();
    cross / square
}

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [verb, name, path] = words.as_slice()
        && verb == "bare"
    {
        let workload = WORKLOADS.iter().find(|workload| workload.name == name);
        let workload = workload.ok_or_else(|| io::Error::other(format!("no workload `{name}`")))?;
        return (workload.bare)(&mut buffered(Path::new(path))?);
    }
    let only = std::env::args().nth(1).filter(|word| !word.starts_with('-'));
    let folder = tempfile::tempdir()?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "| file | MB | ours, ms | of a bare reader | of a bare slice | peak MiB |\n|---|---|---|---|---|---|"
    )?;
    for workload in WORKLOADS.iter().filter(|one| only.as_deref().is_none_or(|name| name == one.name)) {
        let mut points = Vec::new();
        for part in [100, 10, 1] {
            let size = workload.full / part;
            // Processor time is told in steps of some milliseconds: a short file is read as often as makes a long one.
            let times = |work: &dyn Fn() -> io::Result<()>| timed(|| (0..part).try_for_each(|_| work()));
            let path = folder.path().join("report");
            let mut file = BufWriter::new(File::create(&path)?);
            (workload.write)(&mut file, size)?;
            file.flush()?;
            forget_peak();
            ours(workload, &path, size)?;
            let peak = peak_mib();
            let bytes = std::fs::read(&path)?;
            let (mut own, mut reader, mut slice) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..TURNS {
                own.push(times(&|| ours(workload, &path, size))?);
                reader.push(times(&|| (workload.bare)(&mut buffered(&path)?))?);
                slice.push(times(&|| (workload.bare_slice)(&bytes))?);
            }
            #[expect(clippy::cast_precision_loss, reason = "no number here comes near 2^52")]
            let (megabytes, took) = (bytes.len() as f64 / 1e6, median(own.clone()) / part as f64);
            writeln!(
                out,
                "| {}, {size} | {megabytes:.1} | {:.1} | {:.2} | {:.2} | {peak} |",
                workload.name,
                took,
                ratios(&own, &reader),
                ratios(&own, &slice)
            )?;
            points.push((megabytes, took));
        }
        writeln!(
            out,
            "\n{}: time grows with the size to the power of {:.3}\n",
            workload.name,
            exponent(&points)
        )?;
    }
    Ok(())
}
