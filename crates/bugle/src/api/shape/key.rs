//! A key, with the addresses that clients of all kinds are given. Its id is its public part, as it is for Sentry's
//! clients; there is no secret part.

use super::date;
use crate::project::{self, Key};
use serde_json::{Value, json};

/// A key under the server's public address.
pub fn key(key: &Key, base: &str) -> Value {
    let dsn = project::dsn(base, key);
    let (project, public) = (key.project, &key.public);
    let intake = format!("{base}/api/{project}");
    let rate_limit =
        key.rate_count.zip(key.rate_window_s).map(|(count, window_s)| json!({ "window": window_s, "count": count }));
    json!({
        "id": public,
        "name": key.label,
        "label": key.label,
        "public": public,
        "secret": "",
        "projectId": project,
        "isActive": key.is_active,
        "dateCreated": date(key.created_ms),
        "rateLimit": rate_limit,
        "browserSdkVersion": "",
        "browserSdk": { "choices": [] },
        "dynamicSdkLoaderOptions": { "hasReplay": false, "hasPerformance": false, "hasDebug": false },
        "dsn": {
            "public": dsn,
            "secret": dsn,
            "csp": format!("{intake}/csp-report/?sentry_key={public}"),
            "security": format!("{intake}/security/?sentry_key={public}"),
            "minidump": format!("{intake}/minidump/?sentry_key={public}"),
            "nel": format!("{intake}/nel/?sentry_key={public}"),
            "unreal": format!("{intake}/unreal/{public}/"),
            "crons": format!("{intake}/cron/___MONITOR_SLUG___/{public}/"),
            "cdn": format!("{base}/js-sdk-loader/{public}.min.js"),
            "integration": format!("{intake}/integration/"),
            "otlp_traces": format!("{intake}/integration/otlp/v1/traces"),
            "otlp_logs": format!("{intake}/integration/otlp/v1/logs"),
            "playstation": format!("{intake}/playstation/?sentry_key={public}"),
        },
    })
}
