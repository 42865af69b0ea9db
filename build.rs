//! Packs docs/schemas for the executable, which shows them and validates by them. They are made of the types by the test
//! `schemas_are_checked_in_as_the_types_are`; packed they take a tenth of the code that makes them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, error, fs};

use flate2::Compression;
use flate2::write::DeflateEncoder;

const FOLDER: &str = "docs/schemas";

fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    let mut names: Vec<String> = fs::read_dir(FOLDER)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    names.sort();
    let mut table = "&[\n".to_owned();
    for name in names.iter().filter_map(|name| name.strip_suffix(".json")) {
        let text = fs::read(Path::new(FOLDER).join(format!("{name}.json")))?;
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&text)?;
        fs::write(out.join(name), packed.finish()?)?;
        writeln!(table, "    ({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/\", {name:?}))),")?;
    }
    fs::write(out.join("schemas.rs"), table + "]\n")?;
    Ok(())
}
