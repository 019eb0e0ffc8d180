//! `project create`: a project, and everything a client needs to send to it.

use crate::access::{organization, random};
use crate::project::{self, Key, Project};
use crate::store::{Store, now_ms};
use bugle_db::DbError;
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) const EMPTY: &str =
    "There is no organization yet. Begin with `bugle init`, or with the link that `bugle serve` prints.";

/// Make a project with one key and print how to send to it.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// Its name, such as the application's.
    name: String,
    /// The platform that the setup page shows first, such as python or node.
    #[arg(long, value_name = "NAME", default_value = "")]
    platform: String,
}

impl Create {
    pub(super) fn run(self, store: &Store, public_url: &str, json: bool) -> anyhow::Result<bool> {
        let (organization, (project, key)) = store.blocking().write_now(move |tx| {
            let organization = organization::first(tx)?.ok_or_else(|| DbError::Abandoned(EMPTY.into()))?;
            let made = project::create(tx, organization.id, &self.name, &self.platform, &random::hex32(), now_ms())?;
            Ok((organization, made))
        })?;
        let connection = Connection::new(public_url, &organization.slug, &project, &key);
        match json {
            true => println!("{}", serde_json::to_string(&connection)?),
            false => println!(
                "{} is ready. Its DSN is\n\n    {}\n\nFirst steps: {public_url}/projects/{}/setup",
                project.name, connection.dsn, project.slug
            ),
        }
        Ok(true)
    }
}

/// How clients of each protocol reach a project. Part of the promise to scripts.
#[derive(Debug, Serialize)]
pub struct Connection {
    /// The project's id, in digits.
    pub id: String,
    /// Its slug.
    pub slug: String,
    /// The organization's slug.
    pub organization: String,
    /// For SDKs of Sentry.
    pub dsn: String,
    /// The key itself, valid for every protocol.
    pub key: String,
    /// For BugSnag's notifiers.
    pub bugsnag: Bugsnag,
    /// For Rollbar's.
    pub rollbar: Rollbar,
    /// For OpenTelemetry's exporters.
    pub otlp: Otlp,
}

/// What BugSnag's notifiers are configured with.
#[derive(Debug, Serialize)]
pub struct Bugsnag {
    notify: String,
    sessions: String,
    api_key: String,
}

/// What Rollbar's notifiers are configured with.
#[derive(Debug, Serialize)]
pub struct Rollbar {
    endpoint: String,
    access_token: String,
}

/// What OpenTelemetry's exporters are configured with; they add `/v1/logs` and `/v1/traces`.
#[derive(Debug, Serialize)]
pub struct Otlp {
    endpoint: String,
    headers: BTreeMap<&'static str, String>,
}

impl Connection {
    /// The addresses under `public_url`.
    pub fn new(public_url: &str, organization: &str, project: &Project, key: &Key) -> Connection {
        let public = &key.public;
        Connection {
            id: project.id.to_string(),
            slug: project.slug.clone(),
            organization: organization.to_string(),
            dsn: project::dsn(public_url, key),
            key: public.clone(),
            bugsnag: Bugsnag {
                notify: format!("{public_url}/notify"),
                sessions: format!("{public_url}/sessions"),
                api_key: public.clone(),
            },
            rollbar: Rollbar { endpoint: format!("{public_url}/api/1/item/"), access_token: public.clone() },
            otlp: Otlp {
                endpoint: format!("{public_url}/api/{}/integration/otlp", project.id),
                headers: BTreeMap::from([("x-sentry-auth", format!("sentry sentry_key={public}"))]),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_as_promised() {
        let (project, key) = (
            Project {
                id: 3,
                organization: 1,
                slug: "shop".into(),
                name: "Shop".into(),
                platform: String::new(),
                created_ms: 0,
                first_event_ms: None,
            },
            Key {
                id: 1,
                project: 3,
                public: "5f".repeat(16),
                label: String::new(),
                is_active: true,
                rate_count: None,
                rate_window_s: None,
                created_ms: 0,
            },
        );
        let k = &key.public;
        let expected = serde_json::json!({
            "id": "3", "slug": "shop", "organization": "acme", "key": k,
            "dsn": format!("https://{k}@b.example/3"),
            "bugsnag": {"notify": "https://b.example/notify", "sessions": "https://b.example/sessions", "api_key": k},
            "rollbar": {"endpoint": "https://b.example/api/1/item/", "access_token": k},
            "otlp": {
                "endpoint": "https://b.example/api/3/integration/otlp",
                "headers": {"x-sentry-auth": format!("sentry sentry_key={k}")},
            },
        });
        let printed = serde_json::to_value(Connection::new("https://b.example", "acme", &project, &key));
        assert_eq!(printed.expect("serialises"), expected);
    }
}
