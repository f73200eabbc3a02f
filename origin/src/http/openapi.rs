//! The OpenAPI document and its page, both served by the process itself.

use axum::{Json, Router};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, InfoBuilder, LicenseBuilder, OpenApi, PathItem};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the document is.
pub const DOCUMENT_PATH: &str = "/openapi.json";

/// Fills in what no route knows: what it is, and how callers prove who they are.
#[must_use]
pub fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Footfall")
        .description(Some(
            "Customer intelligence for online shops. In development mode the customer-intelligence \
             routes need no credential and speak for the demo shop; in production they need a secret key or a \
             person. `bearer_key` is an API key, or the access token of `/api/auth/login`; `basic` is an API key \
             as the user's name, and in development identifier and password.",
        ))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(
            LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
        ))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    let schemes = [
        (
            "bearer_key",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        ),
        (
            "basic",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)),
        ),
        (
            "api_key",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))),
        ),
    ];
    for (name, scheme) in schemes {
        components.add_security_scheme(name, scheme);
    }
    for (path, item) in &mut document.paths.paths {
        name_operations(path, item);
    }
    document
}

/// Handlers of two features may have one name; the ids that clients are generated from must not.
fn name_operations(path: &str, item: &mut PathItem) {
    let operations = [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ];
    for (method, operation) in operations {
        if let Some(operation) = operation {
            let words = path
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| !word.is_empty());
            let words: Vec<&str> = std::iter::once(method).chain(words).collect();
            operation.operation_id = Some(words.join("_"));
        }
    }
}

/// `/openapi.json`, and `/docs` with files that are part of the binary.
pub fn routes(document: OpenApi) -> Router {
    let page = SwaggerUi::new("/docs").config(Config::from(DOCUMENT_PATH));
    Router::new()
        .route(
            DOCUMENT_PATH,
            axum::routing::get(move || async move { Json(document) }),
        )
        .merge(page)
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(crate::router::document()).unwrap();
        let items = document["paths"].as_object().unwrap().values();
        let operations = items.flat_map(|item| item.as_object().unwrap().values());
        let mut names: Vec<&str> = operations
            .filter_map(|one| one["operationId"].as_str())
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert!(count > 50 && names.len() == count, "{count}");
    }
}
