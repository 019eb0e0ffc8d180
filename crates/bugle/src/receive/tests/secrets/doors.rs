//! The same search after secrets have come through every door that there is beside the envelope of an event: tunnel, pixel,
//! store, reports of browsers, crashes, uploads, feedback in all its forms, check-ins, sessions, client reports.
//!
//! What each door has kept is counted, so that one which refuses everything does not pass for one that scrubs.

use super::*;
use crate::attachment;
use crate::crash::tests::{archive, dump};
use crate::receive::tests::browser::KEY;
use crate::receive::tests::upload::form;
use crate::receive::tunnel;
use crate::ui::address::encode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use std::io::Write;

/// What came in each row of a table, and how many there must be.
const KEPT: &[(&str, i64)] = &[
    ("SELECT COUNT(*) FROM events", 7),
    ("SELECT COUNT(*) FROM attachments", 5),
    ("SELECT COUNT(*) FROM feedback", 4),
    ("SELECT COUNT(*) FROM monitors", 3),
    ("SELECT COUNT(*) FROM monitor_environments WHERE environment = 'password=[Filtered]'", 2),
    ("SELECT COUNT(*) FROM releases WHERE version = 'password=[Filtered]'", 1),
    ("SELECT COUNT(*) FROM client_discards WHERE reason = 'password=[Filtered]'", 1),
    ("SELECT COUNT(*) FROM quarantine", 0),
];

struct Planter<'s> {
    server: &'s Server,
    marker: &'s str,
}

impl Planter<'_> {
    fn planted(&self, text: &str) -> String {
        super::planted(text, self.marker)
    }

    /// Posts what `text` is once its secrets are in it.
    async fn post(&self, path: &str, kind: &str, text: &str) {
        self.post_bytes(path, kind, self.planted(text).into_bytes()).await;
    }

    async fn post_bytes(&self, path: &str, kind: &str, body: Vec<u8>) {
        let path = self.planted(path);
        let request = Request::post(&path).header("content-type", kind).header("user-agent", "Firefox/140.0");
        let answer = self.server.ask(request, body).await;
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text);
    }

    async fn envelope(&self, header: &str, items: &[(&str, String)]) {
        let mut envelope = header.to_string();
        for (head, body) in items {
            envelope.push_str(&format!("\n{head}\n{body}"));
        }
        self.post(&format!("/api/1/envelope/?sentry_key={KEY}"), "", &envelope).await;
    }

    async fn events(&self) {
        let id = |n: u8| format!("{n:032x}");
        let event = EVENT.replace('\n', " ");
        let header = format!("{{\"event_id\":\"{}\",\"dsn\":\"https://{KEY}@x.example/1\"}}", id(1));
        self.post("/tunnel", "text/plain", &format!("{header}\n{{\"type\":\"event\"}}\n{event}\n")).await;
        let own = |n: u8| event.replacen('{', &format!("{{\"event_id\":\"{}\",", id(n)), 1);
        self.post(&format!("/api/1/store/?sentry_key={KEY}"), "application/json", &own(2)).await;
        let pixel = encode(&BASE64_STANDARD.encode(self.planted(&own(3))));
        let image = format!("/api/1/store/?sentry_version=4&sentry_key={KEY}&sentry_data={pixel}");
        assert_eq!(self.server.ask(Request::get(image), "").await.header("x-sentry-error"), "");
        let report = r#"{"csp-report":{"document-uri":"https://jo:§csp-user@shop.example/?token=§csp-url","referrer":"https://x.example/?api_key=§csp-referrer",
            "effective-directive":"img-src","violated-directive":"img-src","blocked-uri":"https://e.example/?token=§csp-blocked","script-sample":"password='§csp-sample'"}}"#;
        let path = format!(
            "/api/1/security/?sentry_key={KEY}&sentry_release=password%3D§csp-release&sentry_environment=token%3D§csp-environment"
        );
        self.post(&path, "application/csp-report", report).await;
        let report = r#"[{"type":"csp-violation","url":"https://shop.example/?token=§api-url","body":{"documentURL":"https://shop.example/?token=§api-document","effectiveDirective":"script-src",
            "blockedURL":"https://e.example/?secret=§api-blocked","sample":"token=§api-sample"}}]"#;
        self.post(&format!("/api/1/security/?sentry_key={KEY}"), "application/reports+json", report).await;
    }

    async fn crashes(&self) {
        let text = |text: &str| self.planted(text).into_bytes();
        let (log, pair) = (text("password=§dump-log"), text("password=§dump-field"));
        let sentry = text(
            r#"{"extra":{"password":"§dump-json"},"message":"token=§dump-message","release":"password=§dump-release"}"#,
        );
        let dump = dump();
        let field = self.planted("sentry[extra][api_key]");
        let name = self.planted("password=§dump-file.log");
        let parts: &[(&str, Option<&str>, &[u8])] = &[
            ("upload_file_minidump", Some("a.dmp"), &dump),
            ("sentry", None, &sentry),
            (&field, None, &pair),
            ("token", None, &pair),
            ("comments", None, &pair),
            ("log", Some(&name), &log),
        ];
        let (kind, body) = form(parts);
        self.post_bytes(&format!("/api/1/minidump/?sentry_key={KEY}"), &kind, body).await;
        let context = text(
            "<?xml version=\"1.0\"?><FGenericCrashContext><RuntimeProperties><ErrorMessage>password=§unreal</ErrorMessage>\
             <CommandLine>shop --token=§unreal-argument</CommandLine><UserName>password=§unreal-user</UserName>\
             </RuntimeProperties><GameData><password>§unreal-data</password></GameData></FGenericCrashContext>",
        );
        let archive = archive(&[("CrashContext.runtime-xml", &context), ("Shop.log", &text("token=§unreal-log"))]);
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&archive).expect("memory takes everything");
        let archive = packer.finish().expect("memory takes everything");
        self.post_bytes(
            &format!("/api/1/unreal/{KEY}/?UserID=password%3D§unreal-id"),
            "application/octet-stream",
            archive,
        )
        .await;
        let name = self.planted("token=§late-name.txt");
        let (kind, body) = form(&[("password=§field", Some(&name), &text("password=§late"))]);
        let path = format!("/api/1/events/{:032x}/attachments/?sentry_key={KEY}", 2);
        self.post_bytes(&path, &kind, body).await;
    }

    async fn people(&self) {
        let told = r#""name":"password=§name","email":"jo@x.example","comments":"my card is 4012 8888 8888 1881, token=§comments""#;
        let about = format!("\"event_id\":\"{:032x}\"", 2);
        let feedback = r#"{"user":{"email":"jo@x.example"},"contexts":{"feedback":{"message":"password=§feedback","name":"token=§feedback-name","contact_email":"password=§feedback@mail.example","url":"https://jo:§feedback-user@shop.example/?token=§feedback-url"}},"extra":{"password":"§feedback-extra"}}"#;
        self.envelope(
            &format!("{{\"event_id\":\"{}\"}}", "f".repeat(32)),
            &[
                (r#"{"type":"feedback"}"#, feedback.into()),
                (r#"{"type":"user_report"}"#, format!("{{{about},{told}}}")),
                (
                    r#"{"type":"attachment","filename":"token=§shot-name.log","content_type":"text/plain; token=§shot-type","attachment_type":"password=§shot-kind"}"#,
                    "token=§shot".into(),
                ),
            ],
        )
        .await;
        let dsn = encode(&format!("https://{KEY}@bugle.example/1"));
        let path = format!("/api/embed/error-page/?dsn={dsn}&eventId={:032x}", 3);
        let body = "name=password%3D§dialog-name&email=jo%40x.example&comments=password%3A+§dialog";
        self.post(&path, "application/x-www-form-urlencoded", body).await;
        let request = Request::post("/api/0/projects/acme/shop-1/user-feedback/")
            .header("authorization", format!("DSN https://{KEY}@bugle.example/1"));
        let answer = self.server.ask(request, self.planted(&format!("{{{about},{}}}", told.replace("my", "a")))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    async fn health(&self) {
        let started_ms = now_ms() - 60_000;
        let attributes = r#""attrs":{"release":"password=§release","environment":"token=§environment","ip_address":"10.9.8.7","user_agent":"token=§agent"}"#;
        let update = json!({"sid": "§sid", "did": "token=§did", "init": true, "started": started_ms as f64 / 1000.0});
        let update = update.to_string().replacen('{', &format!("{{{attributes},"), 1);
        let sums =
            json!({"aggregates": [{"started": started_ms as f64 / 1000.0, "did": "password=§sums-did", "exited": 3}]});
        let sums = sums.to_string().replacen('{', &format!("{{{attributes},"), 1);
        let check_in = json!({
            "check_in_id": "§run", "monitor_slug": "job --password=§slug", "status": "ok", "environment": "password=§environment",
            "monitor_config": {"schedule": {"type": "crontab", "value": "token=§schedule"}, "timezone": "password=§zone", "owner": "token=§owner"},
        });
        let card = json!({"monitor_slug": "4012888888881881", "status": "ok"});
        self.envelope(
            "{}",
            &[
                (r#"{"type":"session"}"#, update),
                (r#"{"type":"sessions"}"#, sums),
                (r#"{"type":"check_in"}"#, check_in.to_string()),
                (r#"{"type":"check_in"}"#, card.to_string()),
                (
                    r#"{"type":"client_report"}"#,
                    json!({"discarded_events": [{"reason": "password=§reason", "category": "error", "quantity": 2}]})
                        .to_string(),
                ),
            ],
        )
        .await;
        let path =
            format!("/api/1/cron/nightly%20token%3D§cron/{KEY}/?status=ok&environment=password%3D§cron-environment");
        self.post(
            &path,
            "application/json",
            r#"{"monitor_config":{"schedule":{"type":"crontab","value":"password=§cron-schedule"}}}"#,
        )
        .await;
    }
}

#[tokio::test]
async fn no_byte_of_a_secret_is_left_by_any_other_door() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Server::filing(folder.path(), Overrides::default()).await;
    let peer = MockConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1)));
    let tunnel = tunnel::router(server.app.config.tunnel_path.as_deref());
    let router = crate::receive::router().merge(tunnel).merge(crate::api::router());
    server.router = router.layer(peer).with_state(server.app.clone());
    server.wish(&["*"], true).await;
    let marker = marker();
    let planter = Planter { server: &server, marker: &marker };
    planter.events().await;
    planter.crashes().await;
    planter.people().await;
    planter.health().await;
    server.settled().await;
    let entries = server.app.door.ledger.take();
    server.write(move |tx| entries.write(tx)).await;

    in_rows(&server, &marker).await;
    on_disk(folder.path(), &marker, "while it runs");
    for (sql, count) in KEPT {
        assert_eq!(server.count(sql).await, *count, "{sql}");
    }
    server.stop();
    on_disk(folder.path(), &marker, "after it has stopped");
}

/// Fails if a secret is in what is packed on the disk: events and their files.
async fn in_rows(server: &Server, marker: &str) {
    let read = server.app.store.read(|tx| {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for event in event::list_of_project(tx, 1, 0, 100)? {
            texts.push(event.json.clone().into_bytes());
        }
        let ids = tx.query("SELECT DISTINCT event_id FROM attachments", &[])?;
        for row in ids {
            let id: Vec<u8> = row.get(0)?;
            let id = bugle_event::EventId(id.try_into().expect("16 bytes"));
            for one in attachment::of_event(tx, 1, id)? {
                texts.push(attachment::body(tx, &one)?.expect("is there"));
            }
        }
        Ok(texts)
    });
    for text in read.await.expect("reads") {
        let left = left_in(&text, marker);
        assert!(left.is_empty(), "in a row:\n{}", left.join("\n"));
    }
}
