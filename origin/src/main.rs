//! The binary `footfall`.

fn main() {}
