//! What the API is asked about: two organizations, three projects, four issues, and events as filing leaves them.

use super::NOW_MS;
use crate::access::{Role, organization, token, user};
use crate::issue::activity::{self, Kind};
use crate::issue::{Status, workflow};
use crate::outcome::{Account, Category, Entries, HOUR_MS, Outcome, Reason};
use crate::{client_report, issue, payload, project};
use bugle_db::{DbError, Tx, params};
use serde_json::{Value, json};

const HOUR: i64 = HOUR_MS;
const DAY: i64 = 24 * HOUR_MS;

/// The public part of the shop's key.
pub(super) const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Id of the `n`th event.
pub(super) fn event_id(n: u8) -> String {
    format!("{n:032x}")
}

/// Fills an empty database; answers a token of Acme's owner.
pub(super) fn seed(tx: &mut Tx<'_>) -> Result<String, DbError> {
    let acme = organization::create(tx, "Acme", None, NOW_MS - 30 * DAY)?.id;
    let olga = user::create(tx, "olga@acme.example", "Olga Owner", "no password", NOW_MS - 30 * DAY)?;
    let mika = user::create(tx, "mika@acme.example", "Mika Member", "no password", NOW_MS - 20 * DAY)?;
    user::add(tx, acme, olga, Role::Owner)?;
    user::add(tx, acme, mika, Role::Member)?;
    let other = organization::create(tx, "Other", None, NOW_MS - 30 * DAY)?.id;
    let zoe = user::create(tx, "zoe@other.example", "Zoe", "no password", NOW_MS - 30 * DAY)?;
    user::add(tx, other, zoe, Role::Owner)?;

    let (shop, _) = project::create(tx, acme, "Shop", "python-flask", KEY, NOW_MS - 10 * DAY)?;
    let (app, _) = project::create(tx, acme, "App", "javascript", &"a".repeat(32), NOW_MS - 9 * DAY)?;
    let (foreign, _) = project::create(tx, other, "Foreign", "", &"f".repeat(32), NOW_MS - 9 * DAY)?;
    tx.execute("UPDATE projects SET first_event_ms = $2 WHERE id = $1", params![shop.id, NOW_MS - 3 * DAY])?;
    for (id, project, name) in
        [(1, shop.id, "production"), (2, shop.id, "staging"), (3, app.id, "production"), (4, foreign.id, "secret")]
    {
        tx.execute("INSERT INTO environments (id, project, name) VALUES ($1, $2, $3)", params![id, project, name])?;
    }
    tx.execute(
        "INSERT INTO releases (id, project, version, first_ms, last_ms) VALUES (1, $1, 'shop@1.2.0', $2, $3)",
        params![shop.id, NOW_MS - 3 * DAY, NOW_MS - HOUR],
    )?;

    let key_error = Seed { kind: "KeyError", title: "'sku'", culprit: "shop.cart in total", level: "error", ..BASE };
    key_error.insert(tx, 1, shop.id, 1)?;
    let message = Seed { title: "paid 3", level: "info", events: 1, people: 0, first_ms: NOW_MS - 2 * HOUR, ..BASE };
    message.insert(tx, 2, shop.id, 2)?;
    let type_error = Seed { kind: "TypeError", title: "x is undefined", culprit: "app.js", level: "fatal", ..BASE };
    type_error.insert(tx, 3, app.id, 1)?;
    Seed { title: "not for Acme", ..BASE }.insert(tx, 4, foreign.id, 1)?;
    let third = issue::get(tx, acme, 3)?.expect("is there");
    workflow::set_status(tx, &third, Status::Resolved, Some(mika), NOW_MS - HOUR)?;

    events(tx, shop.id, foreign.id)?;
    rollups(tx)?;
    activity::record(tx, 1, NOW_MS - 3 * DAY, None, Kind::FirstSeen, "shop@1.2.0")?;
    let first = issue::get(tx, acme, 1)?.expect("is there");
    workflow::assign(tx, &first, Some(mika), Some(olga), NOW_MS - 2 * HOUR)?;
    workflow::comment(tx, 1, mika, "Looks like the import.", NOW_MS - HOUR)?;
    ledger(tx, shop.id, app.id, foreign.id)?;
    Ok(token::create(tx, acme, olga, "tests", &[], NOW_MS - DAY)?.1)
}

/// The row of an issue.
struct Seed {
    kind: &'static str,
    title: &'static str,
    culprit: &'static str,
    level: &'static str,
    events: i64,
    people: i64,
    first_ms: i64,
}

const BASE: Seed =
    Seed { kind: "", title: "", culprit: "", level: "error", events: 3, people: 2, first_ms: NOW_MS - 3 * DAY };

impl Seed {
    fn insert(&self, tx: &mut Tx<'_>, id: i64, project: i64, number: i64) -> Result<(), DbError> {
        let last_ms = NOW_MS - id * HOUR;
        tx.execute(
            "INSERT INTO issues (id, project, number, kind, title, culprit, level, platform, logger, is_unhandled, \
             status, status_ms, first_ms, last_ms, events, people) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'python', '', $8, 'unresolved', $9, $9, $10, $11, $12)",
            params![
                id,
                project,
                number,
                self.kind,
                self.title,
                self.culprit,
                self.level,
                self.kind == "KeyError",
                self.first_ms,
                last_ms,
                self.events,
                self.people
            ],
        )?;
        if self.kind == "KeyError" {
            tx.execute("UPDATE issues SET first_release = 1, last_release = 1 WHERE id = $1", params![id])?;
        }
        Ok(())
    }
}

/// Three events of the first issue, one of the second, one of the other organization.
fn events(tx: &mut Tx<'_>, shop: i64, foreign: i64) -> Result<(), DbError> {
    let keys: Vec<u8> = [vec![1u8, 2], vec![0xaa; 16], vec![3], vec![0xbb; 16]].concat();
    tx.execute("INSERT INTO groupings (id, version, keys) VALUES (1, 1, $1)", params![&keys])?;
    for (hash, kind) in [([0xaau8; 16], "full"), ([0xbb; 16], "site")] {
        tx.execute(
            "INSERT INTO issue_keys (project, hash, kind, issue) VALUES ($1, $2, $3, 1)",
            params![shop, &hash, kind],
        )?;
    }
    let exemplar = rich(event_id(1), NOW_MS - 3 * DAY).to_string();
    let body = payload::compress(exemplar.as_bytes(), None).expect("compresses");
    tx.execute(
        "INSERT INTO exemplars (id, project, family, created_ms, body) VALUES (77, $1, 5, $2, $3)",
        params![shop, NOW_MS - 3 * DAY, &body],
    )?;
    let message = json!({
        "event_id": event_id(4), "platform": "python", "level": "info", "timestamp": (NOW_MS - 2 * HOUR) as f64 / 1e3,
        "logentry": { "message": "paid %s", "formatted": "paid 3", "params": ["3"] }, "tags": [["level", "info"]],
        "big": 12_345_678_901_234_567_890u64,
    });
    let all = [
        (1, shop, 1, NOW_MS - 3 * DAY, 1, rich(event_id(1), NOW_MS - 3 * DAY)),
        (2, shop, 1, NOW_MS - 2 * HOUR, 2, rich(event_id(2), NOW_MS - 2 * HOUR)),
        (3, shop, 1, NOW_MS - HOUR, 1, rich(event_id(3), NOW_MS - HOUR)),
        (4, shop, 2, NOW_MS - 2 * HOUR, 1, message),
        (5, foreign, 4, NOW_MS - 4 * HOUR, 4, rich(event_id(5), NOW_MS - 4 * HOUR)),
    ];
    for (id, project, issue, at_ms, environment, json) in all {
        let json = json.to_string();
        let payload = payload::compress(json.as_bytes(), Some(exemplar.as_bytes())).expect("compresses");
        tx.execute(
            "INSERT INTO events (id, project, event_id, issue, received_ms, timestamp_ms, environment, release_id, \
             person, grouping_id, tag_set, exemplar, payload_bytes, payload) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 1, 9, 1, 0, 77, $8, $9)",
            params![
                id,
                project,
                &u128::try_from(id).expect("small").to_be_bytes(),
                issue,
                at_ms + 500,
                at_ms,
                environment,
                json.len() as i64,
                &payload
            ],
        )?;
    }
    Ok(())
}

/// An event with about everything that one can have, as normalising leaves it.
fn rich(id: String, at_ms: i64) -> Value {
    let frames = json!([
        {
            "filename": "flask/app.py", "abs_path": "/venv/flask/app.py", "function": "wsgi_app",
            "module": "flask.app", "lineno": 1498, "in_app": false,
        },
        {
            "filename": "shop/cart.py", "abs_path": "/srv/shop/cart.py", "function": "total", "module": "shop.cart",
            "lineno": 3, "colno": 9, "in_app": true, "vars": { "self": "<Cart>", "n": 2 },
            "pre_context": ["def total(self):", "    prices = load()"], "context_line": "    return prices[sku]",
            "post_context": ["", "def clear(self):"],
        },
    ]);
    json!({
        "event_id": id, "timestamp": at_ms as f64 / 1e3, "platform": "python", "level": "error",
        "release": "shop@1.2.0", "dist": "7", "environment": "production", "transaction": "shop.cart in total",
        "sdk": { "name": "sentry.python.flask", "version": "2.40.0", "integrations": ["flask"] },
        "exception": { "values": [
            { "type": "OSError", "value": "no disk" },
            {
                "type": "KeyError", "value": "'sku'", "module": "builtins", "thread_id": 7,
                "mechanism": { "type": "flask", "handled": false }, "stacktrace": { "frames": frames },
            },
        ] },
        "threads": { "values": [{ "id": 7, "name": "main", "crashed": true, "current": true }] },
        "breadcrumbs": { "values": [
            { "timestamp": (at_ms - 1500) as f64 / 1e3, "category": "query", "type": "query", "message": "SELECT 1" },
        ] },
        "request": {
            "url": "https://shop.example/cart", "method": "POST", "query_string": [["page", "2"]],
            "headers": [["Host", "shop.example"]], "cookies": [], "data": { "sku": "A1" },
            "env": { "SERVER_NAME": "shop" }, "inferred_content_type": "application/json",
        },
        "user": { "id": "42", "email": "buyer@example.com" },
        "contexts": { "runtime": { "name": "CPython", "version": "3.14.0" }, "trace": { "trace_id": "ab" } },
        "tags": [["environment", "production"], ["release", "shop@1.2.0"], ["user", "id:42"]],
        "extra": { "cart": [1, 2] }, "modules": { "flask": "3.1.0" },
        "debug_meta": { "images": [{ "type": "sourcemap", "debug_id": "x" }] },
        "errors": [{ "type": "value_too_long", "name": "extra.big", "value": "cut to 16 KiB" }],
        "_meta": { "user": { "id": { "": { "len": 9 } } }, "request": { "data": { "": { "rem": [["x", "x"]] } } } },
    })
}

fn rollups(tx: &mut Tx<'_>) -> Result<(), DbError> {
    let bucket = |at_ms: i64| at_ms / issue::series::BUCKET_MS;
    for (issue, at_ms, environment) in [
        (1, NOW_MS - 3 * DAY, 1),
        (1, NOW_MS - 2 * HOUR, 2),
        (1, NOW_MS - HOUR, 1),
        (2, NOW_MS - 2 * HOUR, 1),
        (3, NOW_MS - 3 * DAY, 3),
        (4, NOW_MS - 4 * HOUR, 4),
    ] {
        tx.execute(
            "INSERT INTO issue_buckets (issue, bucket, environment, events) VALUES ($1, $2, $3, 1)",
            params![issue, bucket(at_ms), environment],
        )?;
    }
    for (first_day, environment, person) in [(0, 2, 10), (3, 1, 9)] {
        tx.execute(
            "INSERT INTO issue_people (issue, person, environment, first_bucket, last_bucket) VALUES (1, $1, $2, $3, $4)",
            params![person, environment, bucket(NOW_MS - first_day * DAY), bucket(NOW_MS)],
        )?;
    }
    for (tag, value, environment, events, last_ms) in [
        ("environment", "production", 1, 2, NOW_MS - HOUR),
        ("environment", "staging", 2, 1, NOW_MS - 2 * HOUR),
        ("browser.name", "Firefox", 1, 2, NOW_MS - 2 * DAY),
        ("browser.name", "Say \"Cheese\"", 2, 1, NOW_MS - 2 * HOUR),
    ] {
        tx.execute(
            "INSERT INTO issue_tag_values (issue, tag, value, environment, events, first_ms, last_ms) \
             VALUES (1, $1, $2, $3, $4, $5, $6)",
            params![tag, value, environment, events, NOW_MS - 3 * DAY, last_ms],
        )?;
    }
    Ok(())
}

fn ledger(tx: &mut Tx<'_>, shop: i64, app: i64, foreign: i64) -> Result<(), DbError> {
    let mut entries = Entries::default();
    let hour = NOW_MS / HOUR_MS;
    let stored = Some((Outcome::Stored, Reason::None));
    for (project, hour, category, fate, quantity) in [
        (shop, hour, Category::Error, stored, 4),
        (shop, hour - 1, Category::Error, stored, 3),
        (shop, hour - 1, Category::Error, Some((Outcome::Invalid, Reason::Duplicate)), 2),
        (shop, hour, Category::Session, Some((Outcome::Discarded, Reason::Unsupported)), 5),
        (shop, hour - 30 * 24, Category::Error, stored, 100),
        (app, hour, Category::Error, Some((Outcome::RateLimited, Reason::KeyQuota)), 1),
        (foreign, hour, Category::Error, stored, 1_000),
    ] {
        for fate in [None, fate] {
            entries.add(Account { project, key: 1, hour, category, fate }, quantity);
        }
    }
    for (project, quantity) in [(shop, 6), (foreign, 600)] {
        let (category, reason) = (Category::Error, "before_send".to_string());
        entries.client.add(client_report::Account { project, key: 1, hour, category, reason }, quantity);
    }
    entries.write(tx)
}
