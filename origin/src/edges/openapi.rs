//! Notes on the edge's own routes: they are served by the edge component, not here, but the API is one
//! and so is its document.

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

/// A router without routes that brings the notes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}
