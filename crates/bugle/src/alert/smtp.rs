//! Handing mails to the operator's mail server.
//!
//! The server is the operator's own setting (`BUGLE_SMTP_URL`), so it is not guarded as typed URLs are, and its
//! password appears in no text. All recipients of a delivery stand in one SMTP transaction, which is all or nothing
//! until the server takes the message: a retry can therefore not reach anybody twice. Only when the server refuses
//! the mail itself for good (55x), perhaps because of one wrong address, is each recipient tried alone; what some
//! already have is then never sent again. A refusal of another kind, such as a wrong password (535), is not repeated:
//! fifty of those look like an attack.

use std::time::Duration;

use anyhow::{Context, bail};
use lettre::message::Mailbox;
use lettre::transport::smtp;
use lettre::transport::smtp::response::Category;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use reqwest::Url;

use super::line::{blotted, one_line};
use super::mail::{self, Addressing};
use super::notice::Notice;
use super::send::SendError;

/// The longest wait for one SMTP command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest wait for one whole mail.
const MAIL_TIMEOUT: Duration = Duration::from_secs(60);
/// The most recipients of one delivery.
pub const RECIPIENTS_MAX: usize = 50;
/// As much of what a server says as is kept, in characters.
const ANSWER_CHARS_MAX: usize = 300;

/// A mail server and who writes.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    id_host: String,
    server: String,
    password: String,
}

impl Mailer {
    /// `smtp_url` is `smtp://[user:password@]host[:port]` (`?tls=required` or `?tls=opportunistic` for STARTTLS) or
    /// `smtps://…`; user and password percent-encoded. Errors are for the operator and repeat no password.
    pub fn new(smtp_url: &str, from: &str, public_url: &str) -> anyhow::Result<Self> {
        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = Url::parse(smtp_url).context("BUGLE_SMTP_URL is not a URL such as smtp://user:password@host:25")?;
        if !matches!(url.scheme(), "smtp" | "smtps") {
            bail!("BUGLE_SMTP_URL begins with {}: and must begin with smtp: or smtps:", url.scheme());
        }
        let server = url.host_str().context("BUGLE_SMTP_URL has no host")?.to_owned();
        let password = url.password().unwrap_or_default().to_owned();
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp_url).map_err(|error| {
            let text = blotted(&error.to_string(), &[&password]);
            anyhow::anyhow!("BUGLE_SMTP_URL cannot be used: {text}")
        })?;
        let from = from.parse().context("BUGLE_MAIL_FROM is not an address such as Bugle <bugle@example.com>")?;
        Ok(Mailer {
            transport: transport.timeout(Some(COMMAND_TIMEOUT)).build(),
            from,
            id_host: mail::id_host(public_url),
            server,
            password,
        })
    }

    /// Sends one mail to all of `to`; answers with what the server said. A row per recipient in the outbox tells
    /// most about each; several in one delivery are handled as the module's comment says.
    pub async fn send(&self, to: &[String], delivery_id: &str, notice: &Notice) -> Result<String, SendError> {
        if to.is_empty() || to.len() > RECIPIENTS_MAX {
            return Err(SendError::last(format!("A mail goes to 1 to {RECIPIENTS_MAX} people, not {}.", to.len())));
        }
        let (good, bad): (Vec<_>, Vec<_>) = to.iter().partition(|text| text.parse::<Mailbox>().is_ok());
        let mut troubles: Vec<SendError> =
            bad.iter().map(|text| SendError::last(format!("{} is not a mail address.", one_line(text, 100)))).collect();
        let good: Vec<Mailbox> = good.iter().filter_map(|text| text.parse().ok()).collect();
        if good.is_empty() {
            return Err(joined(troubles));
        }
        let mut answers = Vec::new();
        match self.hand_over(&good, delivery_id, notice).await {
            Ok(answer) => answers.push(answer),
            Err(failure) if !failure.of_this_mail || good.len() == 1 => troubles.push(failure.error),
            Err(_) => {
                for recipient in &good {
                    match self.hand_over(std::slice::from_ref(recipient), delivery_id, notice).await {
                        Ok(answer) => answers.push(answer),
                        Err(failure) => troubles.push(named(recipient, failure.error)),
                    }
                }
            }
        }
        match (answers.pop(), troubles.is_empty()) {
            (Some(answer), true) => Ok(answer),
            (Some(answer), false) => Ok(format!("{answer} Not sent to all: {}", joined(troubles).text)),
            (None, _) => Err(joined(troubles)),
        }
    }

    /// One transaction.
    async fn hand_over(&self, to: &[Mailbox], delivery_id: &str, notice: &Notice) -> Result<String, Failure> {
        let addressing = Addressing { from: &self.from, to, id_host: &self.id_host, delivery_id };
        let message = mail::message(notice, &addressing)
            .map_err(|error| Failure { error: SendError::last(format!("{error:#}.")), of_this_mail: false })?;
        match tokio::time::timeout(MAIL_TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(response)) => {
                let said: Vec<&str> = response.message().collect();
                Ok(format!("{} took it: {} {}", self.server, response.code(), self.quoted(&said.join(" "))))
            }
            Ok(Err(error)) => Err(self.failure(&error)),
            Err(_) => Err(Failure { error: SendError::again(self.silence()), of_this_mail: false }),
        }
    }

    /// A refusal of the 5xx kind is final, and so is a server that cannot do what the URL asks for. All else may
    /// pass: 4xx (greylisting is one), the network, a certificate that has run out.
    fn failure(&self, error: &smtp::Error) -> Failure {
        let text = if error.is_timeout() {
            self.silence()
        } else {
            format!("{}: {}", self.server, self.quoted(&error.to_string()))
        };
        let is_about_mail = error.status().is_some_and(|code| code.category == Category::MailSystem);
        Failure {
            error: SendError { retry: !(error.is_permanent() || error.is_client()), text },
            of_this_mail: error.is_permanent() && is_about_mail,
        }
    }

    fn silence(&self) -> String {
        format!("{} did not answer in time.", self.server)
    }

    fn quoted(&self, said: &str) -> String {
        one_line(&blotted(said, &[&self.password]), ANSWER_CHARS_MAX)
    }
}

/// Why a transaction failed, and whether the reason is this mail or a recipient of it.
struct Failure {
    error: SendError,
    of_this_mail: bool,
}

/// Several troubles as one: worth a retry if any of them is.
fn joined(troubles: Vec<SendError>) -> SendError {
    let texts: Vec<&str> = troubles.iter().map(|trouble| trouble.text.as_str()).collect();
    SendError { retry: troubles.iter().any(|trouble| trouble.retry), text: one_line(&texts.join(" "), 2000) }
}

fn named(recipient: &Mailbox, error: SendError) -> SendError {
    SendError { text: format!("{}: {}", recipient.email, error.text), ..error }
}

#[cfg(test)]
mod tests;
