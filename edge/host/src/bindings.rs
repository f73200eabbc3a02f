//! The host's side of `wit/`: traits that the modules beside implement.
#![allow(missing_docs, unreachable_pub, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "footfall:edge/capabilities",
    require_store_data_send: true,
    imports: {
        "spin:key-value/key-value@3.0.0.[method]store.get-keys": async | store | trappable,
        "spin:sqlite/sqlite@3.1.0.[method]connection.execute-async": async | store | trappable,
        default: async | trappable,
    },
    with: {
        "spin:key-value/key-value@3.0.0.store": crate::key_value::OpenStore,
        "spin:sqlite/sqlite@3.1.0.connection": crate::sqlite::Connection,
    },
});
