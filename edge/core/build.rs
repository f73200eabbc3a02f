//! Packs the static files: the component is bounded, and they are a thirtieth of it unpacked.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;

const FILES: [(&str, &str); 2] = [
    ("../tracker/dist/t.js", "t.js.gz"),
    ("../demo/index.html", "demo.html.gz"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for (from, to) in FILES {
        println!("cargo::rerun-if-changed={from}");
        let bytes = fs::read(from)
            .map_err(|fault| format!("{from}: {fault}; `make tracker` builds the tracker"))?;
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&bytes)?;
        fs::write(out.join(to), packed.finish()?)?;
    }
    Ok(())
}
