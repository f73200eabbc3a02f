//! How much is shipped: the component to the edge, the tracker to every shopper.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::http::{Connection, request};
use crate::report::{Figure, Target};
use crate::world::World;

/// Measures the component's file, and the tracker as the edge serves it.
///
/// # Errors
/// When either is not there.
pub fn measure(world: &World, component: &Path) -> anyhow::Result<Vec<Figure>> {
    let component = std::fs::metadata(component)
        .context("the edge component")?
        .len();
    let mut edge = Connection::open(world.edge)?;
    let tracker = edge.call(&request("GET", "/t.js", &[], b""))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(tracker)?;
    let tracker = gzip.finish()?.len();
    Ok(vec![
        Figure::against(
            "edge component",
            component as f64,
            "bytes",
            Target::AtMost(1_048_576.0),
        ),
        Figure::against(
            "tracker, gzipped",
            tracker as f64,
            "bytes",
            Target::AtMost(5120.0),
        ),
    ])
}
