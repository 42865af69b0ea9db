//! What the fuzz targets share: bounds small enough that a bounded reader is told apart from an unbounded one,
//! and the one property that every reader of hostile bytes has: it answers, and never panics.

use std::io::Cursor;

use patchwarden::evidence::archive::ZipSource;
use patchwarden::evidence::manifest::Manifest;
use patchwarden::evidence::read::recognise;
use patchwarden::evidence::shape::Shape;
use patchwarden::evidence::source::ArtifactSource;
use patchwarden::evidence::{Format, Limits};
use patchwarden::gate::Gates;
use patchwarden::policy::Policy;
use patchwarden::policy::proposal::{Seen, propose};

/// The bounds of the fuzzing runs.
pub fn limits() -> Limits {
    Limits {
        archive_entries: 200,
        archive_bytes: 4 << 20,
        file_bytes: 1 << 20,
        document_bytes: 1 << 20,
        kept_details: 20,
        ..Limits::default()
    }
}

/// Reads a report. Whatever is read is bounded: no more details than asked for are kept.
pub fn report(format: Format, data: &[u8]) {
    let limits = limits();
    if let Ok(parsed) = format.parse(&mut &data[..], &limits) {
        let _ = parsed.content.shows_red();
    }
}

/// Lists a zip, opens each file, and looks at all of it as the embedded policy does; what is proposed is sound.
pub fn zip(data: &[u8]) {
    let limits = limits();
    let Ok(mut source) = ZipSource::open(Cursor::new(data)) else { return };
    if source.list(&limits).is_err() {
        return;
    }
    let Ok(found) = recognise(&mut source, &limits) else { return };
    let artifact: patchwarden::model::ArtifactName = "artifact".parse().unwrap();
    let seen: Vec<Seen> = found
        .into_iter()
        .map(|one| Seen {
            artifact: artifact.clone(),
            path: one.path,
            format: one.format,
            recorded_as: one.recorded_as,
        })
        .collect();
    sound(&propose(&seen));
}

/// Reads a manifest.
pub fn manifest(data: &[u8]) {
    let _ = Manifest::parse(data);
}

/// Reads a policy and builds its gates; an unsound one says why.
pub fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Policy::read(text) {
        Ok((policy, _)) => {
            if let Err(problems) = Gates::build(&policy) {
                assert!(!problems.is_empty());
            }
        }
        Err(problems) => assert!(!problems.is_empty()),
    }
}

/// Tells a format by content, and reads the file as what it was taken for.
pub fn auto(data: &[u8]) {
    for whole in [true, false] {
        if let Ok(Some(format)) = Format::of(&Shape::of(data, whole)) {
            report(format, data);
        }
    }
}

fn sound(text: &str) {
    let (policy, problems) = Policy::read(text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    assert!(Gates::build(&policy).is_ok(), "{text}");
}
