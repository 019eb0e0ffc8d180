//! Secrets that no SDK of the suite would send, by every way in that a raw request can take: fields of events that apps do not
//! fill, feedback, files, sessions, check-ins, client reports, reports of browsers, the pixel.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::Plant;
use crate::door::Request;
use crate::{Bugle, Project, envelope};

/// How many events [`send`] sends.
pub const EVENTS: u64 = 4;

/// Sends all of it. Every request must be taken: what is refused would prove nothing.
pub fn send(bugle: &Bugle, project: &Project, plant: &Plant) {
    let wire = Wire { bugle, project, plant };
    wire.events();
    wire.people();
    wire.health();
}

struct Wire<'w> {
    bugle: &'w Bugle,
    project: &'w Project,
    plant: &'w Plant,
}

impl Wire<'_> {
    fn secret(&self, place: &str) -> String {
        self.plant.secret(place)
    }

    /// `word=` and a secret.
    fn said(&self, word: &str, place: &str) -> String {
        format!("{word}={}", self.plant.secret(place))
    }

    fn post(&self, request: Request) {
        let answer = request.send(self.bugle.address()).expect("an answer");
        assert!(answer.status < 300, "{}: {}", answer.status, answer.text());
    }

    fn envelope(&self, header: &Value, items: &[(Value, String)]) {
        let mut body = header.to_string();
        for (head, payload) in items {
            body += &format!("\n{head}\n{payload}");
        }
        self.post(Request::post(envelope::path(self.project), body).key(&self.project.key));
    }

    /// An error with a secret in every part of it that shows in lists, mails and chats.
    fn error(&self, id: u64) -> Value {
        let mut event = envelope::exception(&format!("WireError{id}"), &self.said("password", "value"));
        event["event_id"] = envelope::id(id).into();
        event["transaction"] = format!("/reset?{}", self.said("token", "transaction")).into();
        event["release"] = self.said("password", "release").into();
        event["dist"] = self.said("token", "dist").into();
        event["environment"] = self.said("secret", "environment").into();
        event["server_name"] = self.said("password", "server").into();
        event["logger"] = self.said("token", "logger").into();
        event["fingerprint"] = json!([self.said("secret", "fingerprint"), id.to_string()]);
        event["user"] = json!({"id": "u-9", "password": self.secret("user")});
        event["extra"] = json!({self.said("password", "key"): 1, "card": "4012 8888 8888 1881", "theme": "dark"});
        event["threads"] = json!({"values": [{"id": 1, "name": self.said("password", "thread")}]});
        event["_meta"] = json!({"extra": {"x": {"": {"val": self.said("password", "meta")}}}});
        event
    }

    fn events(&self) {
        let header = json!({"event_id": envelope::id(1), "password": self.secret("envelope"), "sdk": {"name": "suite", "version": self.said("token", "sdk")}});
        let file = json!({"type": "attachment", "filename": self.said("password", "name.log"), "content_type": format!("text/plain; {}", self.said("token", "type"))});
        let items = [
            (json!({"type": "event"}), self.error(1).to_string()),
            (file, format!("a line, {}", self.said("password", "file"))),
            (json!({"type": self.said("password", "item-type")}), "x".into()),
        ];
        self.envelope(&header, &items);
        let store = format!("/api/{}/store/", self.project.id);
        self.post(Request::post(&store, self.error(2).to_string()).key(&self.project.key));
        let data = crate::person::escape(&self.error(3).to_string());
        self.post(Request::bare(
            "GET",
            format!("{store}?sentry_version=4&sentry_key={}&sentry_data={data}", self.project.key),
        ));
        let report = json!({"csp-report": {
            "document-uri": format!("https://shop.example/?{}", self.said("token", "page")), "effective-directive": "img-src",
            "violated-directive": "img-src", "blocked-uri": format!("https://e.example/a.png?{}", self.said("token", "blocked")),
            "referrer": format!("https://jo:{}@x.example/", self.secret("referrer")),
        }});
        let path = format!("/api/{}/security/?sentry_key={}", self.project.id, self.project.key);
        self.post(Request::post(path, report.to_string()).header("Content-Type", "application/csp-report"));
    }

    fn people(&self) {
        let report = json!({"event_id": envelope::id(1), "name": self.said("password", "reporter"), "email": "jo@example.com", "comments": format!("I typed {}", self.said("password", "comments"))});
        let feedback = json!({"contexts": {"feedback": {
            "message": format!("my card 4012 8888 8888 1881, {}", self.said("token", "message")), "name": self.said("token", "person"),
            "url": format!("https://shop.example/?{}", self.said("token", "url")), "associated_event_id": envelope::id(1),
        }}});
        self.envelope(
            &json!({"event_id": envelope::id(50)}),
            &[
                (json!({"type": "user_report"}), report.to_string()),
                (json!({"type": "feedback"}), feedback.to_string()),
            ],
        );
        let dsn = crate::person::escape(&self.project.dsn);
        let path = format!("/api/embed/error-page/?dsn={dsn}&eventId={}", envelope::id(2));
        let form = format!(
            "name=Jo&email=jo%40example.com&comments={}",
            crate::person::escape(&self.said("password", "dialog"))
        );
        self.post(Request::post(path, form).header("Content-Type", "application/x-www-form-urlencoded"));
    }

    fn health(&self) {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).expect("now is after 1970").as_secs();
        let attributes =
            json!({"release": self.said("password", "session"), "environment": self.said("token", "session-place")});
        let session = json!({"sid": envelope::id(9), "did": self.secret("did"), "init": true, "started": now_s, "attrs": attributes});
        let check_in = json!({"monitor_slug": format!("job {}", self.said("password", "slug")), "status": "ok", "environment": self.said("token", "job-place"),
            "monitor_config": {"schedule": {"type": "crontab", "value": self.said("token", "schedule")}, "timezone": self.said("token", "zone")}});
        let report = json!({"discarded_events": [{"reason": self.said("password", "reason"), "category": "error", "quantity": 1}]});
        self.envelope(
            &json!({}),
            &[
                (json!({"type": "session"}), session.to_string()),
                (json!({"type": "check_in"}), check_in.to_string()),
                (json!({"type": "client_report"}), report.to_string()),
            ],
        );
        let slug = crate::person::escape(&format!("nightly {}", self.said("token", "cron")));
        let path = format!("/api/{}/cron/{slug}/{}/?status=ok", self.project.id, self.project.key);
        self.post(Request::bare("GET", path));
    }
}
