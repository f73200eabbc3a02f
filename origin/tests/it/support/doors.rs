//! Every route of the OpenAPI document, so that a new one is tested without anybody remembering it.

use http::Request;
use serde_json::Value;

use super::{Client, Reply};

/// A documented route.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// In capitals.
    pub(crate) method: String,
    /// The pattern, as `/api/keys/{id}`.
    pub(crate) path: String,
    /// Names of the query's parameters.
    pub(crate) query: Vec<String>,
    /// The body that the document shows.
    pub(crate) example: Option<Value>,
}

/// All of them.
pub(crate) fn doors() -> Vec<Door> {
    let document = serde_json::to_value(footfall::router::document()).unwrap();
    let mut doors = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, note) in methods.as_object().unwrap() {
            let parameters = note["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|one| one["in"] == "query");
            doors.push(Door {
                method: method.to_uppercase(),
                path: path.clone(),
                query: query
                    .map(|one| one["name"].as_str().unwrap().to_owned())
                    .collect(),
                example: note["requestBody"]["content"]["application/json"]
                    .get("example")
                    .cloned(),
            });
        }
    }
    assert!(doors.len() > 20, "the document has its routes");
    doors
}

impl Door {
    /// Knocks with these values in path and query, and this body.
    pub(crate) async fn knock(
        &self,
        client: &Client,
        id: &str,
        query: &str,
        body: Option<&Value>,
    ) -> Reply {
        let uri = match self.path.split_once('{') {
            Some((before, rest)) => {
                let (_, after) = rest.split_once('}').unwrap();
                assert!(
                    !after.contains('{'),
                    "one name in a path is all that is filled"
                );
                format!("{before}{id}{after}?{query}")
            }
            None => format!("{}?{query}", self.path),
        };
        let request = Request::builder().method(self.method.as_str()).uri(uri);
        match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                client.send(request, body.to_string().into_bytes()).await
            }
            None => client.send(request, Vec::new()).await,
        }
    }

    /// Knocks with what the document shows.
    pub(crate) async fn knock_as_shown(&self, client: &Client) -> Reply {
        let query = "customer_email=nobody@example.com";
        let query = if self.query.iter().any(|name| name == "customer_email") {
            query
        } else {
            ""
        };
        self.knock(client, "none", query, self.example.as_ref())
            .await
    }
}
