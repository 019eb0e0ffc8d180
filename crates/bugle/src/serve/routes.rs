//! Everything that is answered, in one place: intake, API, pages, and what operators ask.

use super::{JOURNAL_FILE, unwritable};
use crate::app::Shared;
use crate::{api, receive, store, ui};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

/// All routes.
pub(super) fn router(app: Shared) -> Router {
    Router::new()
        .merge(receive::router())
        .merge(receive::tunnel::router(app.config.tunnel_path.as_deref()))
        .merge(api::router())
        .merge(ui::router(&app.config))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        .with_state(app)
}

/// 200 while journal and database take writes.
async fn ready(State(app): State<Shared>) -> Response {
    let reason = if let Some(error) = unwritable(&app) {
        Some(format!("Bugle is about to end because {error}."))
    } else if let Err((refusal, _)) = app.door.guard.judge() {
        Some(refusal.detail)
    } else {
        app.store.write(|_| Ok(())).await.err().map(|error| error.to_string())
    };
    match reason {
        None => axum::Json(json!({ "status": "ready" })).into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, axum::Json(json!({ "reason": reason }))).into_response(),
    }
}

async fn metrics(State(app): State<Shared>) -> Response {
    app.metrics.backlog.set(app.backlog());
    let size = |name: &str| -> i64 {
        ["", "-wal", "-shm"]
            .iter()
            .filter_map(|ending| std::fs::metadata(app.config.data.join(format!("{name}{ending}"))).ok())
            .map(|file| file.len() as i64)
            .sum()
    };
    app.metrics.journal_bytes.set(size(JOURNAL_FILE));
    app.metrics.store_bytes.set(match app.config.database {
        None => size(store::FILE),
        // A server that is away says nothing of its size; the last one that it told stays.
        Some(_) => app.store.read(store::bytes).await.unwrap_or_else(|_| app.metrics.store_bytes.get()),
    });
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.text()).into_response()
}

/// Users write DSNs with a slash too many; `//api//1/envelope/` means what it looks like.
pub(super) fn fold_slashes(mut request: Request) -> Request {
    if !request.uri().path().contains("//") {
        return request;
    }
    let mut path = String::with_capacity(request.uri().path().len());
    for c in request.uri().path().chars() {
        if c != '/' || !path.ends_with('/') {
            path.push(c);
        }
    }
    if let Some(query) = request.uri().query() {
        path.push('?');
        path.push_str(query);
    }
    if let Ok(uri) = path.parse() {
        *request.uri_mut() = uri;
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn slashes_too_many_mean_one() {
        for (asked, meant) in [
            ("//api//1/envelope//?a=b//c", "/api/1/envelope/?a=b//c"),
            ("/api/1/store/", "/api/1/store/"),
            ("///", "/"),
        ] {
            let request = Request::get(asked).body(Body::empty()).expect("a request");
            assert_eq!(fold_slashes(request).uri().to_string(), meant);
        }
    }
}
