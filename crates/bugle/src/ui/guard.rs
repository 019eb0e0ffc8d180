//! What holds for every page: its headers, who may post to it, how large a form may be, how it travels.

use super::error::UiError;
use super::toast;
use crate::app::Shared;
use crate::config::Config;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tower_http::compression::CompressionLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};

/// Nothing may run or load that is not a file of ours; no other site may frame a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The largest form, in bytes. The largest field is a comment, of 20,000.
const FORM_BYTES_MAX: usize = 256 << 10;

/// Puts the guard around the pages.
pub fn around(pages: Router<Shared>, config: &Config) -> Router<Shared> {
    pages
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(same_site(config))
        .layer(from_fn(headers))
        .layer(CompressionLayer::new())
}

/// Posts from other sites are refused, by what the browser says about where they come from. Behind a proxy that
/// rewrites `Host` the public address is what the browser knows us by.
fn same_site(config: &Config) -> CsrfLayer<impl Fn(ProtectionError) -> Response + Clone + Send + Sync + 'static> {
    let origin = origin(&config.public_url);
    let layer = CsrfLayer::new();
    let layer = layer.clone().add_trusted_origin(&origin).unwrap_or(layer);
    layer.with_rejection_response(|_: ProtectionError| {
        let sentence = "Another site tried to send this form. Open the page here and do it again; nothing was changed.";
        UiError::Refused(StatusCode::FORBIDDEN, sentence.into()).into_response()
    })
}

fn origin(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_string() };
    format!("{scheme}://{}", rest.split('/').next().unwrap_or(rest))
}

async fn headers(request: Request, next: Next) -> Response {
    let asked = request.headers().clone();
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    toast::clear(&asked, headers);
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        // A file that somebody sent has a stricter policy of its own.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // Pages show personal data: they stay out of shared caches and are asked for anew on the way back.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-cache"));
    answer
}
