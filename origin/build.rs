//! Tells cargo that the migrations are part of the binary: `sqlx::migrate!` embeds them, and without this
//! line a new file would not be seen until something else changes.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
