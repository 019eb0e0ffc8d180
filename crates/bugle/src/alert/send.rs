//! One delivery: a target, a notice, and what came of it.
//!
//! The caller owns the outbox and therefore "when" and "how often"; this says "what was answered" and "is it worth
//! trying again". A send that fails in the middle may have arrived, so a retry can repeat it; the delivery's id goes
//! along in every channel that has a place for one, and a receiver can tell. Texts returned are shown to people and
//! kept: they name hosts, never the rest of a URL, and no secret.

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use super::line::{blotted, one_line};
use super::notice::Notice;
use super::outbound::{Answer, EXCHANGE_TIMEOUT, Outbound, PostError, host_of};
use super::slack;
use super::smtp::Mailer;
use super::webhook;

/// Where a message goes. Its serialised form holds secrets; its `Debug` form does not.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum Target {
    /// People, by mail.
    Mail {
        /// Addresses, `ada@example.com` or `Ada <ada@example.com>`.
        to: Vec<String>,
    },
    /// An incoming webhook of Slack, or of what speaks like it.
    Slack {
        /// The webhook's address, which is its secret.
        url: String,
    },
    /// Any program that takes signed JSON.
    Webhook {
        /// Its address.
        url: String,
        /// What both sides know, for the signature.
        secret: String,
    },
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Mail { to } => write!(f, "Mail({} recipients)", to.len()),
            Target::Slack { url } => write!(f, "Slack({})", host_of(url)),
            Target::Webhook { url, .. } => write!(f, "Webhook({})", host_of(url)),
        }
    }
}

/// Why a delivery did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendError {
    /// Whether the same request may do better later.
    pub retry: bool,
    /// For people: what happened, without any secret.
    pub text: String,
}

impl SendError {
    /// A failure that will repeat itself until somebody changes something.
    pub fn last(text: impl Into<String>) -> Self {
        SendError { retry: false, text: text.into() }
    }

    /// A failure that may pass.
    pub fn again(text: impl Into<String>) -> Self {
        SendError { retry: true, text: text.into() }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for SendError {}

/// What a [`Sender`] is built from.
#[derive(Clone)]
pub struct SenderSettings {
    /// `BUGLE_SMTP_URL`; without it there is no mail, and all else works.
    pub smtp_url: Option<String>,
    /// `BUGLE_MAIL_FROM`; needed where there is an SMTP URL.
    pub mail_from: Option<String>,
    /// `BUGLE_ALLOW_PRIVATE_TARGETS`.
    pub allow_private_targets: bool,
    /// `BUGLE_PUBLIC_URL`; its host marks our mails.
    pub public_url: String,
    /// The longest wait for a webhook's answer: [`EXCHANGE_TIMEOUT`].
    pub exchange_timeout: Duration,
}

impl Default for SenderSettings {
    fn default() -> Self {
        SenderSettings {
            smtp_url: None,
            mail_from: None,
            allow_private_targets: false,
            public_url: "http://127.0.0.1:8000".to_owned(),
            exchange_timeout: EXCHANGE_TIMEOUT,
        }
    }
}

/// Sends messages by every channel. Built once, used from any task.
pub struct Sender {
    outbound: Outbound,
    mailer: Option<Mailer>,
}

impl Sender {
    /// Fails on settings that can never work, with a text for the operator.
    pub fn new(settings: &SenderSettings) -> anyhow::Result<Self> {
        let outbound = Outbound::new(settings.allow_private_targets, settings.exchange_timeout)?;
        let mailer = match settings.smtp_url.as_deref().filter(|url| !url.is_empty()) {
            None => None,
            Some(smtp_url) => {
                let from = settings.mail_from.as_deref().context("BUGLE_SMTP_URL needs BUGLE_MAIL_FROM beside it")?;
                Some(Mailer::new(smtp_url, from, &settings.public_url)?)
            }
        };
        Ok(Sender { outbound, mailer })
    }

    /// Whether mail can be sent at all; forms say so where it cannot.
    pub fn has_mail(&self) -> bool {
        self.mailer.is_some()
    }

    /// Sends `notice` to `target`; the answer is a short sentence for people. `delivery_id` names the outbox row and
    /// stays the same when it is tried again.
    pub async fn send(&self, target: &Target, delivery_id: &str, notice: &Notice) -> Result<String, SendError> {
        match target {
            Target::Mail { to } => match &self.mailer {
                Some(mailer) => mailer.send(to, delivery_id, notice).await,
                None => Err(SendError::again("No mail server is set. BUGLE_SMTP_URL names one.")),
            },
            Target::Slack { url } => {
                let headers = [("Content-Type", "application/json".to_owned())];
                let body = slack::message(notice).to_string().into_bytes();
                judged(url, "", self.outbound.post(url, &headers, body).await)
            }
            Target::Webhook { url, secret } => {
                let request = webhook::signed_request(notice, delivery_id, secret, Timestamp::now());
                judged(url, secret, self.outbound.post(url, &request.headers, request.body).await)
            }
        }
    }
}

/// How often a delivery is tried.
pub const TRIES_MAX: u32 = 10;

/// The waits after each failed try, in seconds: 23 hours in all. The first are short, because most failures are a
/// restart; the last are long enough for a night.
const WAITS_S: [i64; TRIES_MAX as usize - 1] =
    [30, 2 * 60, 5 * 60, 15 * 60, 30 * 60, 3600, 3 * 3600, 6 * 3600, 12 * 3600];

/// How long to wait, in milliseconds, after `attempt` tries have failed; `None` when that was the last. `jitter` is
/// any random number: it lengthens the wait by up to a tenth, so that what failed together does not return together.
pub fn backoff_ms(attempt: u32, jitter: u64) -> Option<i64> {
    let Some(index) = attempt.checked_sub(1) else { return Some(0) };
    let wait_ms = WAITS_S.get(index as usize)? * 1000;
    let spread_ms = (wait_ms / 10).unsigned_abs() + 1;
    Some(wait_ms + (jitter % spread_ms) as i64)
}

/// The verdict on what a webhook answered.
fn judged(url: &str, secret: &str, answer: Result<Answer, PostError>) -> Result<String, SendError> {
    let Answer { status, body } = match answer {
        Ok(answer) => answer,
        Err(PostError::Refused(refusal)) => return Err(SendError::last(refusal.to_string())),
        Err(PostError::Failed(text)) => return Err(SendError::again(text)),
    };
    let mut text = format!("{} answered {}", host_of(url), status);
    let said = one_line(&blotted(&body, &secrets_of(url, secret)), 200);
    if !said.is_empty() {
        text.push_str(&format!(": {said}"));
    }
    if status.is_success() {
        return Ok(text);
    }
    if status.is_redirection() {
        text.push_str(" (a redirect, which is not followed: enter the address it leads to)");
    }
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    Err(SendError { retry: status.is_server_error() || passing.contains(&status), text })
}

/// The parts of a request that a server might echo and nobody else should read.
fn secrets_of<'a>(url: &'a str, secret: &'a str) -> Vec<&'a str> {
    let rest =
        url.split_once("://").and_then(|(_, rest)| rest.find(['/', '?']).map(|at| &rest[at..])).unwrap_or_default();
    let parts = rest.split(['/', '?', '&', '=', '#']).filter(|part| part.len() >= 8);
    [url, rest, secret].into_iter().chain(parts).collect()
}

#[cfg(test)]
mod tests;
