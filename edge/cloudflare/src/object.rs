//! What is asked of a Durable Object and what it answers, as JSON over its `fetch`.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use worker::{Method, RequestInit, Response, State, Stub, console_warn};

/// Asks an object and reads its answer. What goes wrong is logged here, once: whoever asked goes on without.
pub(crate) async fn ask<R: DeserializeOwned>(
    stub: &Stub,
    question: &impl Serialize,
) -> worker::Result<R> {
    let answered = exchange(stub, question).await;
    if let Err(fault) = &answered {
        console_warn!("a durable object does not answer: {fault}");
    }
    answered
}

async fn exchange<R: DeserializeOwned>(
    stub: &Stub,
    question: &impl Serialize,
) -> worker::Result<R> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(serde_json::to_string(question)?.into()));
    // An object has no address; the name is never looked up.
    let request = worker::Request::new_with_init("https://object.invalid/", &init)?;
    let mut answer = stub.fetch_with_request(request).await?;
    let body = answer.bytes().await?;
    if answer.status_code() != 200 {
        return Err(String::from_utf8_lossy(&body).into_owned().into());
    }
    Ok(serde_json::from_slice(&body)?)
}

/// Reads the question that [`ask`] asked.
pub(crate) async fn question<Q: DeserializeOwned>(
    request: &mut worker::Request,
) -> worker::Result<Q> {
    Ok(serde_json::from_slice(&request.bytes().await?)?)
}

/// Answers [`ask`]. A fault is an answer, too: one that is thrown would end the object.
pub(crate) fn answer(result: worker::Result<impl Serialize>) -> worker::Result<Response> {
    match result {
        Ok(answer) => Response::from_json(&answer),
        Err(fault) => Response::error(fault.to_string(), 500),
    }
}

#[wasm_bindgen]
extern "C" {
    /// The part of an object's storage that worker does not bind.
    type Transactional;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &Transactional,
        step: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<JsValue, JsValue>;
}

/// Runs a step of statements: all of them happen, or none where the step fails.
pub(crate) fn transaction<T>(
    state: &State,
    mut step: impl FnMut() -> worker::Result<T>,
) -> worker::Result<T> {
    let storage = state.storage();
    let storage: &Transactional = storage.as_raw().unchecked_ref();
    let mut done = None;
    // Only a build that unwinds asks for it. A panic in the step rolls back, and `done` stays empty.
    let mut work = std::panic::AssertUnwindSafe(|| {
        done = Some(step().map_err(JsValue::from)?);
        Ok(())
    });
    storage.transaction_sync(&mut move || (*work)())?;
    done.ok_or_else(|| "the transaction did not run".into())
}
