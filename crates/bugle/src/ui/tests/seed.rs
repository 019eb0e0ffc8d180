//! Events to look at: a shop with a busy night.

use super::house::{HOUR_MS, House};
use crate::client_report;
use crate::outcome::{Account, Category, Entries, Outcome, Reason};
use crate::store::now_ms;
use serde_json::{Value, json};

/// Type, message, function, level, how often, hours between them, hours since the last, people.
type Kind = (&'static str, &'static str, &'static str, &'static str, i64, f64, f64, i64);

const KINDS: [Kind; 15] = [
    (
        "OperationalError",
        "could not extend file \"base/16402/24571\": No space left on device",
        "reports.jobs.rebuild_daily",
        "fatal",
        61,
        0.02,
        0.07,
        0,
    ),
    (
        "ReadTimeout",
        "HTTPConnectionPool(host='tax.internal', port=443): Read timed out. (read timeout=5)",
        "pricing.tax.quote",
        "error",
        260,
        0.09,
        0.1,
        112,
    ),
    (
        "IntegrityError",
        "duplicate key value violates unique constraint \"cart_line_cart_id_sku_key\"",
        "cart.models.Cart.add",
        "error",
        140,
        2.1,
        0.2,
        88,
    ),
    (
        "ValidationError",
        "{'vat_id': ['Enter a valid VAT number.']}",
        "accounts.forms.CompanyForm.clean_vat_id",
        "error",
        38,
        0.3,
        0.4,
        31,
    ),
    ("", "Slow query: 4.2 s while filtering by customer and date", "orders.search", "warning", 96, 3.0, 0.5, 0),
    (
        "UnicodeDecodeError",
        "'utf-8' codec can't decode byte 0xe9 in position 14: invalid continuation byte",
        "imports.csv.read_rows",
        "error",
        12,
        20.0,
        3.0,
        2,
    ),
    ("MemoryError", "", "catalog.export.to_xlsx", "fatal", 3, 60.0, 4.0, 2),
    ("", "Stampede guard held 3.1 s for key catalog:tree", "catalog.views.tree", "debug", 41, 5.0, 4.5, 0),
    (
        "RemovedInNextVersionWarning",
        "The default of Meta.ordering will change; set it explicitly",
        "orders.models",
        "warning",
        7,
        40.0,
        6.0,
        0,
    ),
    ("خطأ", "تعذر الاتصال بقاعدة البيانات", "accounts.mail.send", "error", 5, 4.0, 7.0, 3),
    ("TypeError", "无法读取未定义的属性（读取“价格”）", "web.cart.total", "error", 9, 6.0, 8.0, 9),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "error",
        2,
        1.0,
        9.0,
        1,
    ),
    ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>\"'", "\"><b>x</b>", "error", 4, 1.0, 10.0, 1),
    ("PermissionDenied", "staff only", "admin.views.export", "info", 22, 12.0, 11.0, 6),
    ("ConnectionResetError", "[Errno 104] Connection reset by peer", "queue.worker.poll", "error", 31, 9.0, 12.0, 0),
];

/// Fills two projects. Issue 1 is the rich one.
pub(super) async fn night(house: &mut House) -> i64 {
    let shop = house.project("Shop API").await;
    house.project("Shop web").await;
    let now = now_ms();
    let payments: Vec<Value> = (0..120).map(|at| payment(now - 11 * HOUR_MS + at * 330_000, at)).collect();
    house.send(shop, payments).await;
    for (kind, message, function, level, count, every, since, people) in KINDS {
        let events = (0..count).rev().map(|at| {
            let at_ms = now - ((since + every * at as f64) * HOUR_MS as f64) as i64;
            let person = if people > 0 { format!("u{}", at % people) } else { String::new() };
            simple(kind, message, function, level, at_ms, &person)
        });
        house.send(shop, events.collect()).await;
    }
    shop
}

/// A ledger with about everything that one can hold: 90 days, two keys, a flood in the last hours, odd reasons.
pub(super) async fn flood(house: &House, project: i64) {
    let (now, mut entries) = (now_ms() / HOUR_MS, Entries::default());
    let mut add = |key: i64, hour: i64, category: Category, outcome: Outcome, reason: Reason, quantity: i64| {
        for fate in [None, Some((outcome, reason))] {
            entries.add(Account { project, key, hour, category, fate }, quantity);
        }
    };
    for ago in 0..90 * 24 {
        let (hour, day) = (now - ago, (now - ago) % 24);
        let busy = 40 + 9 * (12 - (day - 14).abs());
        add(1, hour, Category::Error, Outcome::Stored, Reason::None, busy);
        add(1, hour, Category::Default, Outcome::Stored, Reason::None, busy / 9 + 1);
        add(2, hour, Category::Transaction, Outcome::Discarded, Reason::Unsupported, busy / 4 + 1);
        add(1, hour, Category::Error, Outcome::Filtered, Reason::FilterLocalhost, busy / 6 + 1);
        add(1, hour, Category::Error, Outcome::Filtered, Reason::FilterRule, busy / 9 + 1);
        for (every, outcome, reason) in [
            (5, Outcome::Invalid, Reason::Duplicate),
            (71, Outcome::Invalid, Reason::Framing),
            (97, Outcome::Invalid, Reason::Encoding),
            (13, Outcome::Invalid, Reason::TooLarge),
            (600, Outcome::RateLimited, Reason::DiskFull),
        ] {
            if ago % every == 3 {
                add(1, hour, Category::Error, outcome, reason, 1 + ago % 7);
            }
        }
    }
    add(1, now - 2, Category::Error, Outcome::Stored, Reason::None, 10_000);
    add(1, now - 2, Category::Error, Outcome::Discarded, Reason::IssueCap, 98_400);
    add(1, now - 1, Category::Error, Outcome::Discarded, Reason::IssueCap, 10_000);
    add(2, now - 6, Category::Error, Outcome::RateLimited, Reason::KeyQuota, 14_000);
    let reasons =
        ["before_send", "network_error", "ratelimit_backoff", &"aVeryLongReasonWithoutSpaces".repeat(3), "没有必要"];
    for (at, reason) in reasons.iter().enumerate() {
        for (category, quantity) in [(Category::Error, 902), (Category::Attachment, 40_960)] {
            let reason = reason.to_string();
            let account = client_report::Account { project, key: 1, hour: now - at as i64, category, reason };
            entries.client.add(account, quantity / (at as i64 + 1));
        }
    }
    let write = move |tx: &mut bugle_db::Tx<'_>| {
        entries.write(tx)?;
        crate::file::quarantine(
            tx,
            1,
            1_000_000,
            b"\xffdust",
            None,
            "the record is damaged, or of a later version",
            now_ms(),
        )?;
        let capped = "INSERT INTO capped_hours (project, hour, issue, events) VALUES ($1, $2, 1, 108400)";
        tx.execute(capped, bugle_db::params![project, now - 2])
    };
    house.app.store.write(write).await.expect("writes");
    let long = format!(
        "The envelope header is not one JSON object on a line of its own; it breaks at byte {}.",
        "9".repeat(90)
    );
    for (status, why) in
        [(400, long.as_str()), (429, "The key's rate limit is reached; the next window opens in 20 s.")]
    {
        house.app.heard.record(project, status, why);
    }
}

/// The JSON of an event of which much is too long, with notes of its SDK.
pub(super) fn cut() -> String {
    let frames: Vec<Value> = (0..300)
        .map(|n| json!({ "function": format!("walk_{n}"), "module": "shop.tree", "filename": "shop/tree.py", "lineno": n + 1,
            "in_app": n > 240 || n == 120, "context_line": "    return walk(node.left)", "vars": { "node": format!("Node({n})") } }))
        .collect();
    let crumbs: Vec<Value> = (0..120).map(|n| json!({ "message": format!("crumb {n}"), "category": "log" })).collect();
    json!({
        "platform": "python", "breadcrumbs": crumbs, "user": { "id": "7", "ip_address": "here" },
        "exception": [{ "type": "RecursionError", "value": "deep ".repeat(3_000), "stacktrace": { "frames": frames } }],
        "extra": { "list": (0..9_000).collect::<Vec<_>>(), "deep": { "a": { "b": { "c": { "d": { "e": { "f": { "g": [1] } } } } } } },
            "text": "é".repeat(20_000), "password": "hunter2-abc", "note": "[Filtered]" },
        "_meta": { "extra": { "note": { "": { "rem": [["!config", "s", 0, 10]] } }, "gone": { "": { "rem": [["!raw", "x"]] } } } },
    })
    .to_string()
}

/// An event with one frame.
pub(super) fn simple(kind: &str, message: &str, function: &str, level: &str, at_ms: i64, person: &str) -> Value {
    let (module, name) = function.rsplit_once('.').unwrap_or(("app", function));
    let mut event = json!({
        "timestamp": at_ms as f64 / 1e3, "platform": "python", "level": level, "transaction": function,
        "environment": if at_ms % 7 == 0 { "staging" } else { "production" }, "release": "shop@4.18.1",
        "tags": [["level", level], ["server_name", "shop-1"]],
    });
    if !person.is_empty() {
        event["user"] = json!({ "id": person });
    }
    match kind {
        "" => event["logentry"] = json!({ "formatted": message }),
        kind => {
            event["exception"] = json!({ "values": [{ "type": kind, "value": message, "stacktrace": { "frames": [
                { "module": module, "function": name, "filename": format!("{}.py", module.replace('.', "/")), "lineno": 12, "in_app": true },
            ] } }] });
        }
    }
    event
}

/// An event with about everything that one can have.
pub(super) fn payment(at_ms: i64, at: i64) -> Value {
    let library = |module: &str, function: &str| json!({ "module": module, "filename": format!("{}.py", module.replace('.', "/")), "function": function, "lineno": 144, "in_app": false });
    let view = json!({
        "module": "payments.views", "filename": "payments/views.py", "function": "PayView.post", "lineno": 132, "in_app": true,
        "pre_context": ["    def post(self, request):", "        token = WalletToken.parse(request.body)"],
        "context_line": "        payment = authorise(token, order)", "post_context": ["        return render(request, 'paid.html')"],
    });
    let wallet = json!({
        "module": "payments.wallet", "filename": "payments/wallet.py", "abs_path": "/srv/shop/payments/wallet.py",
        "function": "billing_from_token", "lineno": 88, "in_app": true,
        "pre_context": [
            "    \"\"\"The billing address that the wallet sent along.\"\"\"",
            "    contact = token.payload.get(\"billingContact\") or {}",
            "    lines = [line for line in contact.get(\"addressLines\", []) if line]",
            "    # Wallets send the country in capitals, or not.", "    country = contact[\"countryCode\"].upper()",
        ],
        "context_line": "    postcode = contact[\"postalCode\"].replace(\" \", \"\")",
        "post_context": ["    if country in NO_POSTCODE and not postcode:", "        postcode = None", "    return Billing(lines[:3], postcode, country)"],
        "vars": { "contact": { "countryCode": "'ie'", "givenName": "[Filtered]" }, "country": "'IE'", "lines": "[Filtered]", "tries": "3",
                  "token": "WalletToken(kind='apple_pay', network='visa')" },
    });
    let authorise = json!({ "module": "payments.wallet", "filename": "payments/wallet.py", "function": "authorise", "lineno": 61, "in_app": true,
        "context_line": "    billing = billing_from_token(token)" });
    let mut caller = authorise.clone();
    caller["lineno"] = 64.into();
    let crumbs: Vec<Value> = (0..37)
        .map(|back| {
            let time = (at_ms - 40 * back - 18) as f64 / 1e3;
            match back % 4 {
                0 => json!({ "timestamp": time, "category": "query", "message": "SELECT id, total, currency FROM orders_order WHERE id = %s FOR UPDATE" }),
                1 => json!({ "timestamp": time, "category": "httplib", "type": "http", "data": { "method": "POST", "url": "https://vault.internal/v2/tokens/open", "status_code": 200 } }),
                2 => json!({ "timestamp": time, "category": "pricing.tax", "level": "warning", "message": "the cached quote is 61 min old and was used" }),
                _ => json!({ "timestamp": time, "category": "redis", "message": "GET cart:8c1fe0" }),
            }
        })
        .rev()
        .collect();
    let browsers = ["Mobile Safari 26.1", "Chrome 143", "Firefox 145", "Edge 143", "Opera 120", "Samsung 29"];
    let browser = browsers[(at % 6) as usize];
    let country = if at % 3 == 0 { "FR" } else { "IE" };
    let release = if at < 30 { "shop@4.18.1" } else { "shop@4.18.2" };
    json!({
        "timestamp": at_ms as f64 / 1e3, "platform": "python", "level": "error", "transaction": "/checkout/pay",
        "release": release, "environment": "production", "server_name": "shop-api-7c9f-x2kqd",
        "sdk": { "name": "sentry.python.django", "version": "2.38.0" },
        "exception": { "values": [
            { "type": "KeyError", "value": "'postalCode'", "mechanism": { "type": "chained", "source": "__cause__", "handled": true },
              "stacktrace": { "frames": [authorise.clone(), wallet] } },
            { "type": "PaymentError", "value": "wallet token could not be read", "module": "payments.errors",
              "mechanism": { "type": "django", "handled": false },
              "stacktrace": { "frames": [
                  library("gunicorn.workers.sync", "handle"), library("django.core.handlers.exception", "inner"),
                  library("django.core.handlers.base", "BaseHandler._get_response"), library("django.views.generic.base", "View.dispatch"), view,
                  caller,
              ] } },
        ] },
        "breadcrumbs": { "values": crumbs },
        "request": { "method": "POST", "url": "https://shop.example.com/checkout/pay", "query_string": [["step", "2"]],
            "headers": [["Host", "shop.example.com"], ["User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X)"], ["Cookie", "[Filtered]"]],
            "data": { "order": 88213, "wallet": "apple_pay", "token": "[Filtered]" } },
        "user": { "id": format!("{}", 58_121 + at % 37), "ip_address": "203.0.113.7", "geo": { "city": "Cork", "country_code": "IE" } },
        "contexts": { "runtime": { "name": "CPython", "version": "3.14.1" }, "os": { "name": "Linux", "version": "6.12.41" },
            "order": { "id": 88213, "total": "64.90 EUR", "lines": 3 }, "trace": { "trace_id": "7d0f3c0000000000000000000000e21b", "span_id": "aa01" } },
        "tags": [["wallet", "apple_pay"], ["country", country], ["level", "error"], ["release", "4.18.2"],
            ["browser", browser],
            ["environment", "production"], ["transaction", "/checkout/pay"], ["server_name", "shop-api-7c9f-x2kqd"], ["device", "iPhone"]],
        "extra": { "attempt": at },
        "modules": { "django": "6.0", "gunicorn": "23.0", "sentry-sdk": "2.38.0" },
        "errors": [{ "type": "value_too_long", "name": "request.data.cart", "value": "cut from 212 KB to 16 KB" }],
    })
}

/// Two weeks of sessions of three releases, in two environments, and events of one without sessions.
pub(super) async fn releases(house: &mut House, project: i64) {
    let now = now_ms();
    for (release, days, sessions, crashed_in, environment) in [
        ("shop.api@4.18.1", 13, 900, 240, "production"),
        ("shop.api@4.18.2", 3, 1_400, 120, "production"),
        ("shop.api@4.18.2", 3, 40, 9, "staging"),
        ("shop.api@4.19.0-rc.1+771", 1, 12, 0, "staging"),
    ] {
        let aggregates: Vec<Value> = (0..days.min(4) * 24)
            .map(|hour| {
                let wave = sessions * (30 + (hour * 7) % 24) / 54;
                let crashed = if crashed_in > 0 { wave / crashed_in } else { 0 };
                json!({
                    "started": (now - hour * HOUR_MS) as f64 / 1e3, "exited": wave, "errored": wave / 40,
                    "unhandled": wave / 300, "abnormal": wave / 500, "crashed": crashed,
                })
            })
            .collect();
        let attrs = json!({ "release": release, "environment": environment });
        house.sessions(project, &[("sessions", json!({ "aggregates": aggregates, "attrs": attrs }))]).await;
        let of_people = (0..40).map(|at| {
            let status = if crashed_in > 0 && at % 20 == 0 { "crashed" } else { "exited" };
            let started = (now - at * HOUR_MS / 2) as f64 / 1e3;
            let (sid, did) = (format!("{release}{environment}{at}"), format!("person {}", at % 25));
            (
                "session",
                json!({ "sid": sid, "did": did, "init": true, "started": started, "status": status, "attrs": attrs }),
            )
        });
        house.sessions(project, &of_people.collect::<Vec<_>>()).await;
    }
    let event = json!({
        "timestamp": (now - 5 * HOUR_MS) / 1000, "platform": "python", "level": "error", "logentry": { "formatted": "no sessions here" },
        "release": "9ec79c33ec9942ab8353589fcb2e04dc", "environment": "production",
        "tags": [["release", "9ec79c33ec9942ab8353589fcb2e04dc"]],
    });
    house.send(project, vec![event]).await;
}
