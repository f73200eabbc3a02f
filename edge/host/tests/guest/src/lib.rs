//! A Spin component that does whatever the host's tests ask of it, one route for each capability.

use anyhow::Context as _;
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use spin_sdk::http::{FullBody, Method, Request, Response};
use spin_sdk::sqlite::{Connection, Value};
use spin_sdk::{http_service, key_value, variables};

type Reply = Response<FullBody<bytes::Bytes>>;

#[http_service]
async fn handle(request: Request) -> anyhow::Result<Reply> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    if let Some(key) = path.strip_prefix("/kv/") {
        let body = body.collect().await?.to_bytes();
        return key_value_entry(&head.method, key, &body).await;
    }
    match path {
        "/sql" => run_statements("default", &body.collect().await?.to_bytes()).await,
        "/sql/limits" => run_statements("limits", &body.collect().await?.to_bytes()).await,
        "/fetch" => fetch(&body.collect().await?.to_bytes()).await,
        "/variable" => json_reply(json!({ "value": variables::get("greeting").await.ok() })),
        "/length" => json_reply(json!({ "length": body.collect().await?.to_bytes().len() })),
        "/client" => {
            let header = |name: &str| head.headers.get(name).and_then(|v| v.to_str().ok());
            json_reply(json!({
                "client": header("spin-client-addr"),
                "url": header("spin-full-url"),
                "count": head.headers.get_all("spin-client-addr").iter().count(),
            }))
        }
        "/bench" => lookup().await,
        "/internal/flush" => {
            let store = key_value::Store::open_default().await?;
            let signature = head.headers.get("x-test-signature").context("unsigned")?;
            store.set("flushed-with", signature.as_bytes()).await?;
            json_reply(json!({}))
        }
        "/panic" => panic!("asked to"),
        #[expect(clippy::empty_loop, reason = "the test wants an endless loop")]
        "/loop" => loop {},
        _ => Ok(Response::builder().status(404).body(FullBody::default())?),
    }
}

async fn key_value_entry(method: &Method, key: &str, body: &[u8]) -> anyhow::Result<Reply> {
    let store = key_value::Store::open_default().await?;
    match *method {
        Method::PUT => store.set(key, body).await?,
        Method::DELETE => store.delete(key).await?,
        _ => {}
    }
    let value = store.get(key).await?;
    let keys = store.get_keys().await.collect().await?;
    json_reply(json!({
        "value": value.map(|v| String::from_utf8_lossy(&v).into_owned()),
        "exists": store.exists(key).await?,
        "keys": keys,
    }))
}

/// Runs the statements of a JSON array on one connection to a database, and tells what each one gave.
async fn run_statements(database: &str, body: &[u8]) -> anyhow::Result<Reply> {
    let statements: Vec<String> = serde_json::from_slice(body)?;
    let connection = Connection::open(database).await?;
    let mut results = Vec::new();
    for statement in statements {
        // A pause, so that a test can hold a transaction open.
        if let Some(ms) = statement.strip_prefix("sleep ") {
            spin_sdk::time::sleep(std::time::Duration::from_millis(ms.parse()?)).await;
            continue;
        }
        results.push(match connection.execute(&statement, []).await {
            Ok(result) => match result.collect().await {
                Ok(rows) => json!({ "rows": rows.iter().map(row_json).collect::<Vec<_>>() }),
                Err(error) => json!({ "error": error.to_string() }),
            },
            Err(error) => json!({ "error": error.to_string() }),
        });
    }
    json_reply(json!({
        "results": results,
        "changes": connection.changes().await,
        "last_insert_rowid": connection.last_insert_rowid().await,
    }))
}

fn row_json(row: &spin_sdk::sqlite::RowResult) -> Json {
    row.values
        .iter()
        .map(|value| match value {
            Value::Integer(i) => json!(i),
            Value::Real(r) => json!(r),
            Value::Text(t) => json!(t),
            Value::Blob(b) => json!(b),
            Value::Null => Json::Null,
        })
        .collect()
}

async fn fetch(body: &[u8]) -> anyhow::Result<Reply> {
    let url = std::str::from_utf8(body)?;
    json_reply(match spin_sdk::http::get(url).await {
        Ok(response) => json!({ "status": response.status().as_u16() }),
        Err(error) => json!({ "error": format!("{error:?}") }),
    })
}

/// What a cached bundle lookup costs: three reads, a hash, a JSON reply.
async fn lookup() -> anyhow::Result<Reply> {
    let store = key_value::Store::open_default().await?;
    let shop = store.get("shop").await?.unwrap_or_default();
    let device = store.get("device").await?.unwrap_or_default();
    let entry = store.get("entry").await?.unwrap_or_default();
    let hash = Sha256::new()
        .chain_update(&shop)
        .chain_update(&device)
        .finalize();
    json_reply(json!({ "hash": format!("{:x?}", &hash[..8]), "entry": entry.len() }))
}

fn json_reply(value: Json) -> anyhow::Result<Reply> {
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(FullBody::new(value.to_string().into()))?)
}
