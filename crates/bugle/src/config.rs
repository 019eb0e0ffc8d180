//! Settings: one place, good defaults, each with its reason.
//!
//! They come, in rising order, from the config file (`--config FILE`, else `DIR/bugle.toml`), the environment
//! (`BUGLE_…`) and the flags. A key that is not known is an error: a misspelt limit must not pass for a set one.

use crate::client_address::Proxies;
use crate::policy::browser::is_address;
use crate::retention;
use crate::storage::bounds::{Bounds, RETENTION_DAYS_MAX};
use anyhow::{Context, bail};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where the SDK's makers publish its bundle. A version stands in it, so a page runs what was tried.
const BROWSER_SDK_URL: &str = "https://browser.sentry-cdn.com/11.12.0/bundle.min.js";
/// First segments of Bugle's own addresses: none of them can be the tunnel's.
const OWN_SEGMENTS: [&str; 24] = [
    "api",
    "assets",
    "bulk",
    "builds",
    "deliveries",
    "feedback",
    "healthz",
    "help",
    "invites",
    "issues",
    "js-sdk-loader",
    "ledger",
    "metrics",
    "monitors",
    "notify",
    "organizations",
    "projects",
    "readyz",
    "releases",
    "session",
    "settings",
    "setup",
    "sessions",
    "stream",
];

/// All settings, resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where everything lives: database, journal, secrets.
    pub data: PathBuf,
    /// The address of a PostgreSQL database; none: the embedded one in `data`. It may hold a password.
    pub database: Option<String>,
    /// Where to listen. Loopback by default: nothing is reachable from outside until somebody says so.
    pub listen: SocketAddr,
    /// The address that people and SDKs use, without a slash at the end.
    pub public_url: String,
    /// Where mail goes out, `smtp://user:password@host:port`; none: no mail is sent.
    pub smtp_url: Option<String>,
    /// The sender of mail.
    pub mail_from: String,
    /// Whether webhooks may go to loopback and private addresses. Off: a webhook must not reach into the network.
    pub allow_private_targets: bool,
    /// Whose word is taken about whom a request comes from. Programs on this machine: the usual proxy.
    pub trusted_proxies: Proxies,
    /// A MaxMind database from which places are told. None: places are not told; none can be shipped.
    pub geo_database: Option<PathBuf>,
    /// What may be acknowledged and not yet filed, in bytes. 4 GiB: hours of a busy day.
    pub backlog_bytes_max: i64,
    /// The same in items. 10 million: what filing catches up with in about an hour, however small the events are.
    pub backlog_items_max: i64,
    /// Events accepted in one minute. None: what is too much shows in the backlog, which delays where this would refuse.
    pub accepted_per_minute_max: Option<i64>,
    /// Free disk that must remain, in bytes. 1 GiB: room for the database to finish what it has begun.
    pub disk_free_bytes_min: i64,
    /// Payloads that are kept of one issue in one hour; further events are counted everywhere. 10,000: more of the same
    /// teach nobody anything.
    pub issue_cap_per_hour: i64,
    /// How long events are kept, in days. 90: a quarter, as the hosted trackers do.
    pub retention_days: i64,
    /// Events that are kept of one issue, the newest; 0: any number. 0: nothing goes for its number unless somebody says so.
    pub issue_events_max: i64,
    /// Bytes that the database may have in use; 0: any number. 0: nothing goes for its size unless somebody says so.
    pub store_bytes_max: i64,
    /// Seconds between two rounds of retention. 300: what comes meanwhile fits on any disk that has the free bytes above.
    pub retention_every_s: i64,
    /// The bundle that the loader script loads where a project names none. The public one of the SDK's makers.
    pub browser_sdk_url: String,
    /// The path that takes envelopes for projects that have opened the tunnel; none: no path does.
    pub tunnel_path: Option<String>,
    /// Whether SDKs are told to stop sending what is not kept. On: it saves their users' bandwidth.
    pub tell_unsupported: bool,
}

/// What a flag or the environment may say; every one optional.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    /// See [`Config::database`].
    pub database: Option<String>,
    /// See [`Config::listen`].
    pub listen: Option<String>,
    /// See [`Config::public_url`].
    pub public_url: Option<String>,
    /// See [`Config::smtp_url`].
    pub smtp_url: Option<String>,
    /// See [`Config::mail_from`].
    pub mail_from: Option<String>,
    /// See [`Config::allow_private_targets`].
    pub allow_private_targets: Option<bool>,
    /// See [`Config::trusted_proxies`].
    pub trusted_proxies: Option<String>,
    /// See [`Config::geo_database`].
    pub geo_database: Option<PathBuf>,
    /// See [`Config::backlog_bytes_max`].
    pub backlog_bytes_max: Option<i64>,
    /// See [`Config::backlog_items_max`].
    pub backlog_items_max: Option<i64>,
    /// See [`Config::accepted_per_minute_max`]. 0 is none.
    pub accepted_per_minute_max: Option<i64>,
    /// See [`Config::disk_free_bytes_min`].
    pub disk_free_bytes_min: Option<i64>,
    /// See [`Config::issue_cap_per_hour`].
    pub issue_cap_per_hour: Option<i64>,
    /// See [`Config::retention_days`].
    pub retention_days: Option<i64>,
    /// See [`Config::issue_events_max`].
    pub issue_events_max: Option<i64>,
    /// See [`Config::store_bytes_max`].
    pub store_bytes_max: Option<i64>,
    /// See [`Config::retention_every_s`].
    pub retention_every_s: Option<i64>,
    /// See [`Config::browser_sdk_url`].
    pub browser_sdk_url: Option<String>,
    /// See [`Config::tunnel_path`]. Empty is none.
    pub tunnel_path: Option<String>,
    /// See [`Config::tell_unsupported`].
    pub tell_unsupported: Option<bool>,
}

impl Overrides {
    /// What the environment says (`get` is `std::env::var`, or a test's).
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> anyhow::Result<Overrides> {
        let number = |name: &str| -> anyhow::Result<Option<i64>> {
            let parse = |text: String| {
                text.trim().parse().with_context(|| format!("{name} must be a whole number, not {text:?}"))
            };
            get(name).map(parse).transpose()
        };
        let switch = |name: &str| get(name).map(|text| !matches!(text.trim(), "" | "0" | "false" | "no"));
        Ok(Overrides {
            database: get("BUGLE_DATABASE"),
            listen: get("BUGLE_LISTEN"),
            public_url: get("BUGLE_PUBLIC_URL"),
            smtp_url: get("BUGLE_SMTP_URL"),
            mail_from: get("BUGLE_MAIL_FROM"),
            allow_private_targets: switch("BUGLE_ALLOW_PRIVATE_TARGETS"),
            trusted_proxies: get("BUGLE_TRUSTED_PROXIES"),
            geo_database: get("BUGLE_GEO_DATABASE").map(PathBuf::from),
            backlog_bytes_max: number("BUGLE_BACKLOG_BYTES_MAX")?,
            backlog_items_max: number("BUGLE_BACKLOG_ITEMS_MAX")?,
            accepted_per_minute_max: number("BUGLE_ACCEPTED_PER_MINUTE_MAX")?,
            disk_free_bytes_min: number("BUGLE_DISK_FREE_BYTES_MIN")?,
            issue_cap_per_hour: number("BUGLE_ISSUE_CAP_PER_HOUR")?,
            retention_days: number("BUGLE_RETENTION_DAYS")?,
            issue_events_max: number("BUGLE_ISSUE_EVENTS_MAX")?,
            store_bytes_max: number("BUGLE_STORE_BYTES_MAX")?,
            retention_every_s: number("BUGLE_RETENTION_EVERY_S")?,
            browser_sdk_url: get("BUGLE_BROWSER_SDK_URL"),
            tunnel_path: get("BUGLE_TUNNEL_PATH"),
            tell_unsupported: switch("BUGLE_TELL_UNSUPPORTED"),
        })
    }

    fn or(self, lower: Overrides) -> Overrides {
        Overrides {
            database: self.database.or(lower.database),
            listen: self.listen.or(lower.listen),
            public_url: self.public_url.or(lower.public_url),
            smtp_url: self.smtp_url.or(lower.smtp_url),
            mail_from: self.mail_from.or(lower.mail_from),
            allow_private_targets: self.allow_private_targets.or(lower.allow_private_targets),
            trusted_proxies: self.trusted_proxies.or(lower.trusted_proxies),
            geo_database: self.geo_database.or(lower.geo_database),
            backlog_bytes_max: self.backlog_bytes_max.or(lower.backlog_bytes_max),
            backlog_items_max: self.backlog_items_max.or(lower.backlog_items_max),
            accepted_per_minute_max: self.accepted_per_minute_max.or(lower.accepted_per_minute_max),
            disk_free_bytes_min: self.disk_free_bytes_min.or(lower.disk_free_bytes_min),
            issue_cap_per_hour: self.issue_cap_per_hour.or(lower.issue_cap_per_hour),
            retention_days: self.retention_days.or(lower.retention_days),
            issue_events_max: self.issue_events_max.or(lower.issue_events_max),
            store_bytes_max: self.store_bytes_max.or(lower.store_bytes_max),
            retention_every_s: self.retention_every_s.or(lower.retention_every_s),
            browser_sdk_url: self.browser_sdk_url.or(lower.browser_sdk_url),
            tunnel_path: self.tunnel_path.or(lower.tunnel_path),
            tell_unsupported: self.tell_unsupported.or(lower.tell_unsupported),
        }
    }
}

impl Config {
    /// Reads the config file and lays environment and flags over it.
    ///
    /// # Errors
    /// When a file that was named is missing, a key is not known, or a value makes no sense.
    pub fn resolve(
        data: PathBuf,
        file: Option<&Path>,
        environment: Overrides,
        flags: Overrides,
    ) -> anyhow::Result<Config> {
        let beside = data.join("bugle.toml");
        let text = match file {
            Some(path) => std::fs::read_to_string(path)
                .with_context(|| format!("The config file {} cannot be read", path.display()))?,
            None => std::fs::read_to_string(&beside).unwrap_or_default(),
        };
        let written: Overrides = toml::from_str(&text)
            .with_context(|| format!("The config file {} is wrong", file.unwrap_or(&beside).display()))?;
        let all = flags.or(environment).or(written);
        let listen = all.listen.as_deref().unwrap_or("127.0.0.1:8000");
        let listen: SocketAddr = listen
            .parse()
            .with_context(|| format!("The address to listen on must look like 127.0.0.1:8000, not {listen:?}"))?;
        let public_url = match all.public_url {
            Some(url) => checked_url(&url)?,
            None => format!("http://{listen}"),
        };
        Ok(Config {
            data,
            database: all.database.filter(|url| !url.trim().is_empty()).map(checked_database).transpose()?,
            listen,
            mail_from: all.mail_from.unwrap_or_else(|| format!("Bugle <bugle@{}>", host(&public_url))),
            public_url,
            smtp_url: all.smtp_url.filter(|url| !url.trim().is_empty()),
            allow_private_targets: all.allow_private_targets.unwrap_or(false),
            trusted_proxies: all.trusted_proxies.as_deref().map(Proxies::read).transpose()?.unwrap_or_default(),
            geo_database: all.geo_database.filter(|path| !path.as_os_str().is_empty()),
            backlog_bytes_max: all.backlog_bytes_max.unwrap_or(4 << 30),
            backlog_items_max: all.backlog_items_max.unwrap_or(10_000_000),
            accepted_per_minute_max: all.accepted_per_minute_max.filter(|count| *count > 0),
            disk_free_bytes_min: all.disk_free_bytes_min.unwrap_or(1 << 30),
            issue_cap_per_hour: at_least_one("issue_cap_per_hour", all.issue_cap_per_hour.unwrap_or(10_000))?,
            retention_days: days("retention_days", all.retention_days.unwrap_or(90))?,
            issue_events_max: at_least_none("issue_events_max", all.issue_events_max.unwrap_or(0))?,
            store_bytes_max: at_least_none("store_bytes_max", all.store_bytes_max.unwrap_or(0))?,
            retention_every_s: at_least_one("retention_every_s", all.retention_every_s.unwrap_or(300))?,
            browser_sdk_url: checked_bundle(all.browser_sdk_url.unwrap_or_else(|| BROWSER_SDK_URL.into()))?,
            tunnel_path: checked_path(all.tunnel_path.as_deref().unwrap_or("/tunnel"))?,
            tell_unsupported: all.tell_unsupported.unwrap_or(true),
        })
    }

    /// What a project keeps that says nothing of its own.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            retention_days: self.retention_days,
            issue_cap_per_hour: self.issue_cap_per_hour,
            issue_events_max: self.issue_events_max,
            bytes_max: 0,
        }
    }

    /// What retention is told.
    pub fn retention(&self) -> retention::Settings {
        retention::Settings { bounds: self.bounds(), store_bytes_max: self.store_bytes_max }
    }

    /// Whether people reach this server by https, so that cookies may say so.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

fn at_least_one(name: &str, value: i64) -> anyhow::Result<i64> {
    match value {
        1.. => Ok(value),
        _ => bail!("{name} must be at least 1, not {value}"),
    }
}

fn at_least_none(name: &str, value: i64) -> anyhow::Result<i64> {
    match value {
        0.. => Ok(value),
        _ => bail!("{name} must be 0, for any number, or more, not {value}"),
    }
}

fn days(name: &str, value: i64) -> anyhow::Result<i64> {
    match value {
        1..=RETENTION_DAYS_MAX => Ok(value),
        _ => bail!("{name} must be 1 to {RETENTION_DAYS_MAX}, not {value}"),
    }
}

fn checked_url(url: &str) -> anyhow::Result<String> {
    let url = url.trim().trim_end_matches('/');
    if !(url.starts_with("http://") || url.starts_with("https://")) || host(url).is_empty() {
        bail!("The public URL must begin with http:// or https:// and name a host, not {url:?}");
    }
    Ok(url.to_string())
}

/// Empty switches the loader's loading off.
fn checked_bundle(url: String) -> anyhow::Result<String> {
    match url.is_empty() || is_address(&url) {
        true => Ok(url),
        false => bail!("browser_sdk_url must begin with https:// or http:// and have no blank, not {url:?}"),
    }
}

/// One segment that is nobody else's. Empty: no tunnel.
fn checked_path(path: &str) -> anyhow::Result<Option<String>> {
    if path.is_empty() {
        return Ok(None);
    }
    let segment = path.strip_prefix('/').unwrap_or_default();
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if segment.is_empty() || segment.len() > 40 || !segment.bytes().all(is_plain) || OWN_SEGMENTS.contains(&segment) {
        bail!(
            "tunnel_path must be a slash and a word of letters, digits, - and _ that Bugle does not use, not {path:?}"
        );
    }
    Ok(Some(path.to_string()))
}

/// What it says is not repeated: it may hold a password.
fn checked_database(url: String) -> anyhow::Result<String> {
    match url.starts_with("postgres://") || url.starts_with("postgresql://") {
        true => Ok(url),
        false => {
            bail!("The database's address must begin with postgres://. Without one, Bugle uses the embedded database")
        }
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let host = &rest[..end];
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("bugle.toml"), text).expect("writes");
        folder
    }

    #[test]
    fn flags_beat_the_environment_and_that_the_file() {
        let folder = folder("listen = \"127.0.0.1:1\"\nmail_from = \"a@b.example\"\nsmtp_url = \"smtp://x\"");
        let environment =
            Overrides { listen: Some("127.0.0.1:2".into()), smtp_url: Some("".into()), ..Default::default() };
        let flags = Overrides { listen: Some("127.0.0.1:3".into()), ..Default::default() };
        let config = Config::resolve(folder.path().into(), None, environment, flags).expect("resolves");
        assert_eq!(config.public_url, "http://127.0.0.1:3");
        assert_eq!(config.mail_from, "a@b.example");
        assert_eq!(config.smtp_url, None, "an empty value switches off");
    }

    #[test]
    fn mistakes_are_told() {
        for (text, told) in [
            ("lisen = \"x\"", "lisen"),
            ("listen = \"x\"", "127.0.0.1:8000"),
            ("public_url = \"x\"", "http://"),
            ("database = \"mysql://x\"", "postgres://"),
            ("browser_sdk_url = \"bundle.js\"", "https://"),
            ("tunnel_path = \"/issues\"", "does not use"),
            ("tunnel_path = \"/a/b\"", "a slash and a word"),
            ("trusted_proxies = \"10.0.0.0/99\"", "10.0.0.0/8"),
        ] {
            let folder = folder(text);
            let error = Config::resolve(folder.path().into(), None, Overrides::default(), Overrides::default());
            let error = format!("{:#}", error.expect_err("is refused"));
            assert!(error.contains(told), "{error}");
        }
    }
}
