//! The loader script (protocol reference, section 10.4): `/js-sdk-loader/{key}.min.js` takes errors and calls until the SDK's
//! bundle is there.
//!
//! The bundle comes from the address that the project or the server names. A key that is not known or switched off gets a
//! script that does nothing but let the page's calls pass: a 404 would be an error in somebody's page.

use super::{admitted, script};
use crate::app::{App, Shared};
use crate::project::{self, Key};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use bugle_event::auth;
use serde_json::json;

const LOADER: &str = include_str!("../../../../assets/loader.js");
/// What stands in its place without a key: calls lead nowhere.
const NOTHING: &str = "/* Bugle: the key in this script's address is not known here, or switched off. */\n\
    (function(){var s=window.Sentry=window.Sentry||{};['onLoad','forceLoad','init','addBreadcrumb','captureMessage',\
    'captureException','captureEvent','configureScope','withScope','setUser','setTag','setTags','setExtra','setExtras',\
    'setContext','showReportDialog','startSpan','addIntegration','lastEventId'].forEach(function(n){s[n]=s[n]||function(){}})})();\n";
/// An hour in browsers, a minute in caches of many; an old one serves while the new one is fetched, or cannot be.
const CACHE: &str = "public, max-age=3600, s-maxage=60, stale-while-revalidate=315360000, stale-if-error=315360000";

/// Its route.
pub fn routes() -> Router<Shared> {
    Router::new().route("/js-sdk-loader/{file}", get(show))
}

async fn show(State(app): State<Shared>, Path(file): Path<String>) -> Response {
    let name = file.strip_suffix(".js").unwrap_or(&file);
    let name = name.strip_suffix(".min").unwrap_or(name);
    let key = match auth::key(name) {
        Ok(public) => admitted(&app, &public, None).await.ok(),
        Err(_) => None,
    };
    script::answer(key.map_or_else(|| NOTHING.to_string(), |key| of(&app, &key)), CACHE)
}

/// The script of a key.
fn of(app: &App, key: &Key) -> String {
    let policy = app.store.policy(key.project);
    let bundle = policy.browser.sdk_url.as_ref().unwrap_or(&app.config.browser_sdk_url);
    let mut options = json!({ "dsn": project::dsn(&app.config.public_url, key) });
    if let (true, Some(path)) = (policy.browser.is_tunnelled, &app.config.tunnel_path) {
        options["tunnel"] = format!("{}{path}", app.config.public_url).into();
    }
    script::call(LOADER, &json!({ "bundle": bundle, "options": options }))
}
