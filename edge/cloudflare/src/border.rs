//! What crosses between WebAssembly and JavaScript in one step each; see `border.js`.

use wasm_bindgen::prelude::*;
use worker::js_sys::Promise;
use worker::web_sys;

#[wasm_bindgen(module = "/src/border.js")]
extern "C" {
    /// All of a request but its body, by lines.
    #[wasm_bindgen(js_name = readHead)]
    pub(crate) fn read_head(request: &web_sys::Request) -> String;

    /// The headers of a response, by lines.
    #[wasm_bindgen(js_name = readHeaders)]
    pub(crate) fn read_headers(response: &web_sys::Response) -> String;

    /// Headers from lines.
    #[wasm_bindgen(js_name = makeHeaders)]
    pub(crate) fn make_headers(lines: &str) -> web_sys::Headers;

    /// A response from its parts; it throws at a status that is none.
    #[wasm_bindgen(catch, js_name = makeResponse)]
    pub(crate) fn make_response(
        status: u16,
        lines: &str,
        body: &[u8],
    ) -> Result<web_sys::Response, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// A KV namespace, with the one method that is called for every request; worker's own way to it takes a
    /// dozen steps.
    #[derive(Clone)]
    pub(crate) type KvNamespace;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn get(this: &KvNamespace, key: &str, kind: &str) -> Result<Promise, JsValue>;
}
