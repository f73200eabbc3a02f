//! The guest's side of `spin:sqlite`, with the calls that answer at once: spin-sdk's own hands each row over in a
//! stream, which costs more than most of our statements.

#![allow(missing_docs, unreachable_pub, reason = "generated code")]

spin_sdk::wit_bindgen::generate!({
    inline: "package footfall:component; world database { import spin:sqlite/sqlite@3.1.0; }",
    path: "../../wit/deps/spin-sqlite.wit",
    runtime_path: "spin_sdk::wit_bindgen::rt",
    generate_all,
});
