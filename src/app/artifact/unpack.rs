//! A fetched artifact as a folder: its files within the bounds of evidence, the folder there as a whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::evidence::Limits;
use crate::evidence::archive::ZipSource;
use crate::evidence::source::{ArtifactSource, SourceError, checked_files};
use crate::forge::Fetched;
use crate::model::{RelPath, RelPathError, sanitize};

/// Why there is no folder.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("it was created and its upload never finished")]
    Unfinished,
    #[error("the run has no artifact of that name, or lost it since it was listed")]
    Missing,
    #[error("it outlived its retention, or was cleaned up after a re-run")]
    Expired,
    #[error("it was uploaded by both protocols, and neither can be told from the other")]
    Collides,
    #[error("it is larger than this program fetches")]
    TooLarge,
    #[error("it cannot be unpacked: {0}")]
    Source(#[from] SourceError),
    #[error("it cannot be unpacked: {0}")]
    Path(#[from] RelPathError),
    #[error("the folder could not be written: {0}")]
    Write(#[from] io::Error),
}

/// Whether `folder` may become the artifact: it is not there, or empty.
///
/// # Errors
/// What the operating system answers.
pub fn is_free(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Unpacks into `folder`, which must be [`is_free`]; gives the paths of the files in it, sorted.
///
/// # Errors
/// [`UnpackError`]; the folder is then as it was.
pub fn unpack(fetched: Fetched, folder: &Path, limits: &Limits) -> Result<Vec<RelPath>, UnpackError> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(parent)?;
    let making = tempfile::Builder::new()
        .prefix(".patchwarden-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in(parent)?;
    let mut paths = match fetched {
        Fetched::Zip(zip) => from_zip(zip.file, making.path(), limits)?,
        Fetched::Files(files) => {
            let mut paths = Vec::new();
            for file in files {
                let path: RelPath = file.path.parse()?;
                put(&mut &file.content.file, &making.path().join(path.as_str()))?;
                paths.push(path);
            }
            paths
        }
        Fetched::Missing => return Err(UnpackError::Missing),
        Fetched::Unfinished => return Err(UnpackError::Unfinished),
        Fetched::Expired => return Err(UnpackError::Expired),
        Fetched::Collides => return Err(UnpackError::Collides),
        Fetched::TooLarge => return Err(UnpackError::TooLarge),
    };
    paths.sort();
    fs::rename(making.path(), folder)?;
    // It has its name now: there is nothing left to clean up.
    let _ = making.keep();
    Ok(paths)
}

fn from_zip(file: File, folder: &Path, limits: &Limits) -> Result<Vec<RelPath>, UnpackError> {
    let mut source = ZipSource::open(io::BufReader::new(file))?;
    let mut left = limits.archive_bytes;
    let mut paths = Vec::new();
    for (path, listed) in checked_files(&mut source, limits)? {
        // The claimed sizes are within the bound; what is really there is counted on the way.
        let mut content = ArtifactSource::open(&mut source, &listed, limits)?.take(left.saturating_add(1));
        let bytes = put(&mut content, &folder.join(path.as_str())).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::Other => {
                UnpackError::Source(SourceError::Malformed(sanitize(&error.to_string(), 200)))
            }
            _ => UnpackError::Write(error),
        })?;
        left = left.checked_sub(bytes).ok_or(UnpackError::TooLarge)?;
        paths.push(path);
    }
    Ok(paths)
}

/// Writes a new file; a file that is there already is an error, so that no two of an artifact become one.
fn put(content: &mut dyn Read, path: &Path) -> io::Result<u64> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    io::copy(content, &mut File::create_new(path)?)
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;
    use crate::forge::Downloaded;
    use crate::model::Digest;

    fn fetched(files: &[(&str, &[u8])]) -> Fetched {
        let mut writer = ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        downloaded(writer.finish().unwrap())
    }

    fn downloaded(mut file: File) -> Fetched {
        file.rewind().unwrap();
        let bytes = file.metadata().unwrap().len();
        Fetched::Zip(Downloaded { file, digest: Digest::of("x"), bytes })
    }

    #[test]
    fn the_folder_is_there_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("new/unit");
        let paths =
            unpack(fetched(&[("b/c.xml", b"c"), ("a.xml", b"a")]), &folder, &Limits::default()).unwrap();
        assert_eq!(paths.iter().map(RelPath::as_str).collect::<Vec<_>>(), ["a.xml", "b/c.xml"]);
        assert_eq!(fs::read(folder.join("b/c.xml")).unwrap(), b"c");
        assert!(!is_free(&folder).unwrap());
        let none = root.path().join("none");
        let limits = Limits { archive_bytes: 3, ..Limits::default() };
        let mut text = tempfile::tempfile().unwrap();
        text.write_all(b"nine byte").unwrap();
        for (bad, limits) in [
            (fetched(&[("../up", b"x")]), &Limits::default()),
            (fetched(&[("a", b"abc"), ("b", b"d")]), &limits),
            (fetched(&[("a", b"x"), ("a/b", b"y")]), &Limits::default()),
            (downloaded(text), &Limits::default()),
            (Fetched::Unfinished, &Limits::default()),
        ] {
            assert!(unpack(bad, &none, limits).is_err());
            assert!(!none.exists());
        }
        let left = fs::read_dir(root.path()).unwrap().count();
        assert_eq!(left, 1, "only `new` is left");
    }
}
