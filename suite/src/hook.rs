//! An HTTP listener that webhooks arrive at, and what a receiver does with them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use ring::hmac;
use serde_json::Value;

use crate::{wait, web};

/// One request that came in.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The path it was sent to.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, byte for byte: what the signature is over.
    pub body: Vec<u8>,
}

impl Delivery {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a webhook's body is JSON")
    }

    /// A header as text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether `Bugle-Signature` is `v1=` and the hex digits of HMAC-SHA-256 over `{Bugle-Timestamp}.{body}` with
    /// `secret`.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signed = [self.header("bugle-timestamp").as_bytes(), b".", &self.body].concat();
        let parts = self.header("bugle-signature").split(',').map(str::trim);
        let mut hex = parts.filter_map(|part| part.strip_prefix("v1="));
        hex.any(|hex| bytes_of(hex).is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok()))
    }
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let pairs = (0..hex.len()).step_by(2).map(|at| hex.get(at..at + 2));
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

/// The listener.
pub struct Hook {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    deliveries: Vec<Delivery>,
    answers: VecDeque<StatusCode>,
}

impl Hook {
    /// Listens; answers 200 to everything.
    pub fn start() -> Hook {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let mut state = shared.lock().expect("nobody panics with it");
            state.deliveries.push(Delivery { path: uri.path().into(), headers, body: body.to_vec() });
            state.answers.pop_front().unwrap_or(StatusCode::OK)
        });
        Hook { address: web::serve(router), state }
    }

    /// Answers the next requests with these codes, then 200 again.
    pub fn answer_next(&self, codes: &[u16]) {
        let codes = codes.iter().map(|code| StatusCode::from_u16(*code).expect("a status code"));
        self.state.lock().expect("nobody panics with it").answers.extend(codes);
    }

    /// The address of a path on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What has come to `path` so far.
    pub fn deliveries(&self, path: &str) -> Vec<Delivery> {
        let state = self.state.lock().expect("nobody panics with it");
        state.deliveries.iter().filter(|delivery| delivery.path == path).cloned().collect()
    }

    /// What has come to any path so far.
    pub fn all(&self) -> Vec<Delivery> {
        self.state.lock().expect("nobody panics with it").deliveries.clone()
    }

    /// Waits for the `n`th delivery to `path` (from 1).
    pub fn await_delivery(&self, path: &str, n: usize) -> Delivery {
        wait::until(&format!("delivery {n} to {path}"), || self.deliveries(path).get(n - 1).cloned())
    }
}
