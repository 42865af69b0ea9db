//! A folder or a file as the content of an artifact: its files by path, and the zip of them.
//! The zip has fixed times and sorted names, so the same files give the same bytes. Links are never followed.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::DeflateEncoder;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::forge::Blob;
use crate::model::{RelPath, RelPathError, sanitize};

/// Unfinished files of ours: a name no finished file carries.
const TEMPORARY_PREFIX: &str = ".patchwarden-";

/// Read at once: a file's system calls shall not show beside its bytes.
const BUFFER: usize = 256 * 1024;

/// A larger file is tried on samples before all of it is compressed.
const TRIED_FROM: u64 = 1024 * 1024;
const SAMPLES: u64 = 4;
const SAMPLE_BYTES: usize = 64 * 1024;

/// Why something cannot be uploaded. The caller's to mend, but for the last.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("`{0}` is a link, and links are not followed")]
    Link(String),
    #[error("`{0}` is neither a file nor a folder")]
    Kind(String),
    #[error("`{0}` has a name that is not UTF-8")]
    Name(String),
    #[error("a file cannot lie under its name in an artifact: {0}")]
    Path(#[from] RelPathError),
    #[error("`{0}` holds no file")]
    Empty(String),
    #[error("`{path}` could not be read: {source}")]
    Read { path: String, source: io::Error },
    #[error("the zip could not be written: {0}")]
    Zip(#[from] zip::result::ZipError),
}

/// The files at `root`, sorted by their path in the artifact; a single file lies there under its own name.
///
/// # Errors
/// [`PackError`] for anything that is no plain file, and where there is none.
pub fn files(root: &Path) -> Result<Vec<(RelPath, PathBuf)>, PackError> {
    let mut found = Vec::new();
    if kind(root)?.is_dir() {
        collect(root, "", &mut found)?;
    } else {
        let name = root.file_name().and_then(|name| name.to_str());
        found.push((name.ok_or_else(|| PackError::Name(shown(root)))?.parse()?, root.to_owned()));
    }
    if found.is_empty() {
        return Err(PackError::Empty(shown(root)));
    }
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<(RelPath, PathBuf)>) -> Result<(), PackError> {
    for entry in fs::read_dir(folder).map_err(|source| read(folder, source))? {
        let path = entry.map_err(|source| read(folder, source))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| PackError::Name(shown(&path)))?;
        if name.starts_with(TEMPORARY_PREFIX) {
            continue;
        }
        if kind(&path)?.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), found)?;
        } else {
            found.push((format!("{prefix}{name}").parse()?, path));
        }
    }
    Ok(())
}

fn kind(path: &Path) -> Result<fs::FileType, PackError> {
    let kind = fs::symlink_metadata(path).map_err(|source| read(path, source))?.file_type();
    if kind.is_symlink() {
        Err(PackError::Link(shown(path)))
    } else if kind.is_dir() || kind.is_file() {
        Ok(kind)
    } else {
        Err(PackError::Kind(shown(path)))
    }
}

/// The files as one zip, in an unnamed temporary file.
///
/// # Errors
/// [`PackError`] where a file cannot be read any more, or the disk is full.
pub fn zip(files: &[(RelPath, PathBuf)]) -> Result<Blob, PackError> {
    let mut writer = ZipWriter::new(tempfile::tempfile().map_err(zip::result::ZipError::from)?);
    for (name, path) in files {
        let file = File::open(path).map_err(|source| read(path, source))?;
        let bytes = file.metadata().map_err(|source| read(path, source))?.len();
        // Past four gigabytes a zip needs its wider fields, and must be told beforehand.
        let options = SimpleFileOptions::default()
            .large_file(bytes >= u64::from(u32::MAX))
            .compression_method(method(&file, bytes).map_err(|source| read(path, source))?);
        writer.start_file(name.as_str(), options)?;
        io::copy(&mut BufReader::with_capacity(BUFFER, file), &mut writer)
            .map_err(|source| read(path, source))?;
    }
    let mut file = writer.finish()?;
    file.flush().map_err(zip::result::ZipError::from)?;
    Blob::new(file).map_err(|error| zip::result::ZipError::from(error).into())
}

/// Deflate where it helps. What is compressed already (archives, images, traces) is stored: deflating it takes twenty
/// times as long as sending it and saves nothing. Only bytes at fixed places decide, so the same file is always treated
/// the same way.
fn method(file: &File, bytes: u64) -> io::Result<CompressionMethod> {
    if bytes < TRIED_FROM {
        return Ok(CompressionMethod::Deflated);
    }
    let mut sample = vec![0; SAMPLE_BYTES];
    let (mut whole, mut packed) = (0, 0);
    for index in 0..SAMPLES {
        let length = file.read_at(&mut sample, bytes / SAMPLES * index)?;
        let sample = sample.get(..length).unwrap_or_default();
        whole += length as u64;
        packed += io::copy(&mut DeflateEncoder::new(sample, Compression::fast()), &mut io::sink())?;
    }
    // Less than a twentieth saved.
    Ok(if packed * 20 > whole * 19 { CompressionMethod::Stored } else { CompressionMethod::Deflated })
}

/// The files, each by itself, as protocol v3 carries them.
///
/// # Errors
/// [`PackError`] where a file cannot be read any more.
pub fn blobs(files: &[(RelPath, PathBuf)]) -> Result<Vec<(RelPath, Blob)>, PackError> {
    let blob = |path: &PathBuf| File::open(path).and_then(Blob::new).map_err(|source| read(path, source));
    files.iter().map(|(name, path)| Ok((name.clone(), blob(path)?))).collect()
}

fn read(path: &Path, source: io::Error) -> PackError {
    PackError::Read { path: shown(path), source }
}

fn shown(path: &Path) -> String {
    sanitize(&path.to_string_lossy(), 200)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn names(root: &Path) -> Result<Vec<String>, PackError> {
        Ok(files(root)?.into_iter().map(|(name, _)| name.to_string()).collect())
    }

    #[test]
    fn a_folder_is_the_artifacts_root_and_a_file_its_only_entry() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["b/z.xml", "b/a.xml", "a.xml", ".patchwarden-half"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        assert_eq!(names(folder.path()).unwrap(), ["a.xml", "b/a.xml", "b/z.xml"]);
        assert_eq!(names(&folder.path().join("b/z.xml")).unwrap(), ["z.xml"]);
        let once = zip(&files(folder.path()).unwrap()).unwrap();
        let again = zip(&files(folder.path()).unwrap()).unwrap();
        assert_eq!(once.digest().unwrap(), again.digest().unwrap());
    }

    #[test]
    fn what_is_compressed_already_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = 1_u64;
        let noise: Vec<u8> = (0..2 * 1024 * 1024)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_be_bytes()[0]
            })
            .collect();
        // Text, but for the sample at its start.
        let mut text = b"a line of a log that is like many others\n".repeat(60_000);
        text[..SAMPLE_BYTES].copy_from_slice(&noise[..SAMPLE_BYTES]);
        for (name, bytes) in [("noise", &noise), ("text", &text)] {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let blob = zip(&files(folder.path()).unwrap()).unwrap();
        assert!(blob.bytes() > noise.len() as u64 && blob.bytes() < (noise.len() + text.len() / 10) as u64);
        let mut archive = zip::ZipArchive::new(blob.file().try_clone().unwrap()).unwrap();
        for (name, bytes, stored) in [("noise", &noise, true), ("text", &text, false)] {
            let mut entry = archive.by_name(name).unwrap();
            assert_eq!(entry.compression() == CompressionMethod::Stored, stored, "{name}");
            let mut out = Vec::new();
            entry.read_to_end(&mut out).unwrap();
            assert!(out == *bytes);
        }
    }

    #[test]
    fn a_link_and_an_empty_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(files(folder.path()), Err(PackError::Empty(_))));
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("report.xml")).unwrap();
        assert!(matches!(files(folder.path()), Err(PackError::Link(_))));
        assert!(matches!(files(&folder.path().join("report.xml")), Err(PackError::Link(_))));
        assert!(matches!(files(&folder.path().join("gone")), Err(PackError::Read { .. })));
    }
}
