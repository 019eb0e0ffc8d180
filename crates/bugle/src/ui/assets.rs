//! What pages load: four stylesheets and one script, inside the binary.
//!
//! Each is served under a name that contains the hash of its content and may be kept for ever, so a new release
//! never meets an old stylesheet, and a second visit loads the page alone.

use crate::app::Shared;
use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::LazyLock;
use xxhash_rust::xxh3::xxh3_64;

/// The stylesheets, in the order in which a page names them.
pub static STYLES: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        Asset::style("tokens", include_str!("../../../../assets/tokens.css")),
        Asset::style("base", include_str!("../../../../assets/base.css")),
        Asset::style("parts", include_str!("../../../../assets/parts.css")),
        Asset::style("pages", include_str!("../../../../assets/pages.css")),
    ]
});

/// The script.
pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("bugle", "js", "text/javascript; charset=utf-8", include_str!("../../../../assets/bugle.js"))
});

/// The horn, as the page's icon.
pub static HORN: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("horn", "svg", "image/svg+xml", include_str!("../../../../assets/horn.svg")));

/// A file that pages load.
pub struct Asset {
    /// Its address.
    pub path: String,
    kind: &'static str,
    body: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, kind: &'static str, body: &'static str) -> Asset {
        Asset { path: format!("/assets/{name}-{:016x}.{extension}", xxh3_64(body.as_bytes())), kind, body }
    }

    fn style(name: &str, body: &'static str) -> Asset {
        Asset::new(name, "css", "text/css; charset=utf-8", body)
    }
}

/// Where they are served.
pub fn routes() -> Router<Shared> {
    Router::new().route("/assets/{file}", get(asset))
}

async fn asset(Path(file): Path<String>) -> Response {
    let wanted = |asset: &&Asset| asset.path.strip_prefix("/assets/") == Some(file.as_str());
    match STYLES.iter().chain([&*SCRIPT, &*HORN]).find(wanted) {
        Some(asset) => {
            let headers =
                [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
            (headers, asset.body).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_load_keeps_its_budget() {
        let styles: usize = STYLES.iter().map(|asset| asset.body.len()).sum();
        assert!(styles <= 36 << 10, "{styles} bytes of stylesheets");
        assert!(SCRIPT.body.len() <= 20 << 10, "{} bytes of script", SCRIPT.body.len());
    }
}
