//! Deliveries to real listeners on loopback, as a webhook's receiver sees them.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Response, Uri};
use ring::hmac;
use serde_json::Value;
use tokio::net::TcpListener;

use super::*;
use crate::alert::notice::{Cause, sample};

/// A request as it arrived.
type Arrived = Arc<Mutex<Vec<(Uri, HeaderMap, Bytes)>>>;

/// An HTTP server that gives one answer to everything and remembers what it was asked.
struct Receiver {
    base: String,
    arrived: Arrived,
}

impl Receiver {
    async fn answering(answer: impl Fn() -> Response<Body> + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let arrived = Arrived::default();
        let kept = arrived.clone();
        let app = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| {
            kept.lock().unwrap().push((uri, headers, body));
            std::future::ready(answer())
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Receiver { base, arrived }
    }

    async fn saying(status: u16, body: &'static str) -> Self {
        Self::answering(move || Response::builder().status(status).body(Body::from(body)).unwrap()).await
    }

    fn webhook(&self) -> Target {
        Target::Webhook {
            url: format!("{}/hooks/very-secret-path?token=sesame123", self.base),
            secret: "whsec_0123".into(),
        }
    }

    fn slack(&self) -> Target {
        Target::Slack { url: format!("{}/services/T0000000/B0000000/very-secret-path", self.base) }
    }

    fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }
}

fn sender() -> Sender {
    Sender::new(&SenderSettings { allow_private_targets: true, ..SenderSettings::default() }).unwrap()
}

async fn failed(sender: &Sender, target: &Target) -> SendError {
    let error = sender.send(target, "d-1", &sample(Cause::New)).await.expect_err("it is not delivered");
    for secret in ["very-secret-path", "sesame123", "whsec_0123"] {
        assert!(!error.text.contains(secret), "{}", error.text);
    }
    error
}

#[tokio::test]
async fn a_webhook_arrives_signed() {
    let receiver = Receiver::saying(204, "").await;
    let answer = sender().send(&receiver.webhook(), "d-1", &sample(Cause::Regressed)).await.unwrap();
    assert_eq!(answer, "127.0.0.1 answered 204 No Content");

    let arrived = receiver.arrived.lock().unwrap();
    let [(uri, headers, body)] = arrived.as_slice() else { panic!("one request, not {}", arrived.len()) };
    let header = |name: &str| headers[name].to_str().unwrap();
    assert_eq!(uri.to_string(), "/hooks/very-secret-path?token=sesame123");
    assert_eq!((header("content-type"), header("bugle-delivery")), ("application/json", "d-1"));
    assert_eq!(header("user-agent"), concat!("Bugle/", env!("CARGO_PKG_VERSION")));

    let signature = header("bugle-signature").strip_prefix("v1=").unwrap();
    let signature: Vec<u8> =
        (0..signature.len() / 2).map(|i| u8::from_str_radix(&signature[2 * i..2 * i + 2], 16).unwrap()).collect();
    let signed = [header("bugle-timestamp").as_bytes(), b".", body].concat();
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, b"whsec_0123"), &signed, &signature).expect("a valid signature");
    let age_s = Timestamp::now().as_second() - header("bugle-timestamp").parse::<i64>().unwrap();
    assert!((0..60).contains(&age_s), "{age_s} s old");
    assert_eq!(serde_json::from_slice::<Value>(body).unwrap()["cause"], "regression");
}

#[tokio::test]
async fn slack_gets_text_and_blocks() {
    let receiver = Receiver::saying(200, "ok").await;
    let answer = sender().send(&receiver.slack(), "d-1", &sample(Cause::New)).await.unwrap();
    assert_eq!(answer, "127.0.0.1 answered 200 OK: ok");
    let arrived = receiver.arrived.lock().unwrap();
    let message: Value = serde_json::from_slice(&arrived[0].2).unwrap();
    assert!(message["text"].as_str().unwrap().contains("KeyError"));
    assert!(!message["blocks"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn the_status_decides_whether_to_try_again() {
    let sender = sender();
    for (status, retry) in [
        (300, false),
        (400, false),
        (401, false),
        (403, false),
        (404, false),
        (410, false),
        (413, false),
        (408, true),
        (425, true),
        (429, true),
        (500, true),
        (502, true),
        (503, true),
        (599, true),
    ] {
        let receiver = Receiver::saying(status, "because").await;
        for target in [receiver.webhook(), receiver.slack()] {
            let error = failed(&sender, &target).await;
            assert_eq!(error.retry, retry, "{status}");
            assert!(error.text.contains(&status.to_string()) && error.text.contains("because"), "{}", error.text);
        }
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let elsewhere = Receiver::saying(200, "ok").await;
    let location = format!("{}/elsewhere", elsewhere.base);
    for status in [301, 302, 303, 307, 308] {
        let location = location.clone();
        let answer = move || {
            Response::builder().status(status).header("Location", location.as_str()).body(Body::empty()).unwrap()
        };
        let receiver = Receiver::answering(answer).await;
        let error = failed(&sender(), &receiver.webhook()).await;
        assert!(!error.retry && error.text.contains("redirect"), "{}", error.text);
        assert_eq!((receiver.count(), elsewhere.count()), (1, 0));
    }
}

#[tokio::test]
async fn an_echo_gives_no_secret_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/very-secret-path?token=sesame123", listener.local_addr().unwrap());
    let app = Router::new().fallback(|uri: Uri| async move {
        (
            axum::http::StatusCode::BAD_REQUEST,
            format!("no {uri} here, nor very-secret-path, nor sesame123, nor whsec_0123"),
        )
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let error = failed(&sender(), &Target::Webhook { url, secret: "whsec_0123".into() }).await;
    assert!(error.text.contains("no [removed] here, nor [removed]"), "{}", error.text);
}

#[tokio::test]
async fn a_silent_or_absent_server_is_tried_again() {
    // It accepts (the kernel does) and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let impatient = Sender::new(&SenderSettings {
        allow_private_targets: true,
        exchange_timeout: Duration::from_millis(50),
        ..SenderSettings::default()
    });
    let url = format!("http://{}/hooks/very-secret-path", silent.local_addr().unwrap());
    let error = failed(&impatient.unwrap(), &Target::Slack { url: url.clone() }).await;
    assert_eq!(error, SendError::again("127.0.0.1 did not answer in time."));

    drop(silent);
    let error = failed(&sender(), &Target::Slack { url }).await;
    assert!(error.retry && error.text.starts_with("No connection to 127.0.0.1: "), "{}", error.text);
}

#[tokio::test]
async fn an_endless_answer_is_read_to_its_bound() {
    let endless = || {
        let chunks =
            tokio_stream::iter(std::iter::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1024]))));
        Response::new(Body::from_stream(chunks))
    };
    let receiver = Receiver::answering(endless).await;
    let answer = sender().send(&receiver.slack(), "d-1", &sample(Cause::New)).await.unwrap();
    assert!(answer.ends_with("xx…") && answer.len() < 300, "{answer}");
}

#[tokio::test]
async fn without_the_flag_this_machine_is_out_of_reach() {
    let receiver = Receiver::saying(200, "ok").await;
    let guarded = Sender::new(&SenderSettings::default()).unwrap();
    let port = receiver.base.rsplit(':').next().unwrap();
    for host in
        ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0"]
    {
        let url = format!("http://{host}:{port}/hooks/very-secret-path");
        let error = failed(&guarded, &Target::Webhook { url, secret: "whsec_0123".into() }).await;
        assert!(!error.retry, "{host}");
        assert!(error.text.contains("BUGLE_ALLOW_PRIVATE_TARGETS=1 would allow it"), "{host}: {}", error.text);
    }
    for url in [format!("http://a@127.0.0.1:{port}/"), format!("ftp://127.0.0.1:{port}/"), "nonsense".to_owned()] {
        assert!(!failed(&guarded, &Target::Slack { url }).await.retry);
    }
    assert_eq!(receiver.count(), 0);
}

#[tokio::test]
async fn without_a_mail_server_the_reason_is_said() {
    let error = failed(&sender(), &Target::Mail { to: vec!["ada@example.com".into()] }).await;
    assert!(error.retry && error.text.contains("BUGLE_SMTP_URL"), "{}", error.text);
}

#[test]
fn debug_hides_what_is_secret() {
    let url = "https://hooks.example.com/services/very-secret-path".to_owned();
    let shown =
        format!("{:?}", [Target::Slack { url: url.clone() }, Target::Webhook { url, secret: "whsec_0123".into() }]);
    assert_eq!(shown, "[Slack(hooks.example.com), Webhook(hooks.example.com)]");
}

#[test]
fn ten_tries_take_about_a_day() {
    for jitter in [0, 7, u64::MAX] {
        let waits: Vec<i64> = (1..).map_while(|attempt| backoff_ms(attempt, jitter)).collect();
        assert_eq!(waits.len() + 1, TRIES_MAX as usize);
        assert!(waits.is_sorted(), "{waits:?}");
        let hours = waits.iter().sum::<i64>() / 3_600_000;
        assert!((20..=26).contains(&hours), "{hours} h");
    }
    assert_eq!((backoff_ms(0, 5), backoff_ms(10, 0), backoff_ms(u32::MAX, 0)), (Some(0), None, None));
    assert!(backoff_ms(1, 0).unwrap() < backoff_ms(1, 2999).unwrap());
}
