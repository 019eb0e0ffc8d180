//! A real SMTP server (aiosmtpd) and the Maildir it delivers to.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use mail_parser::{Message, MessageParser};
use tempfile::TempDir;

use crate::bugle::free_address;
use crate::{tools, wait};

/// The server and its one mailbox, which takes letters to anybody.
pub struct Mailbox {
    address: SocketAddr,
    directory: TempDir,
    process: Child,
}

impl Mailbox {
    /// Starts it and waits until it answers.
    pub fn start() -> Mailbox {
        let address = free_address();
        let directory = TempDir::with_prefix("bugle-mail-").expect("a temporary directory");
        let process = Command::new(tools::python())
            .args(["-m", "aiosmtpd", "--nosetuid", "--listen", &address.to_string()])
            .args(["--class", "aiosmtpd.handlers.Mailbox"])
            .arg(directory.path().join("mail"))
            .stdin(Stdio::null())
            .spawn()
            .expect("aiosmtpd starts");
        let mailbox = Mailbox { address, directory, process };
        wait::until("the SMTP server", || TcpStream::connect(address).ok());
        mailbox
    }

    /// What `BUGLE_SMTP_URL` is set to.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The letters so far, in the order of their subjects.
    pub fn letters(&self) -> Vec<Letter> {
        let Ok(files) = std::fs::read_dir(self.directory.path().join("mail/new")) else { return Vec::new() };
        let read = |file: std::fs::DirEntry| Letter::read(&std::fs::read(file.path()).expect("a letter can be read"));
        let mut letters: Vec<Letter> = files.map(|file| read(file.expect("a directory entry"))).collect();
        letters.sort_by(|a, b| a.subject.cmp(&b.subject));
        letters
    }

    /// Waits for `n` letters.
    pub fn await_letters(&self, n: usize) -> Vec<Letter> {
        wait::until(&format!("{n} letters"), || {
            let letters = self.letters();
            (letters.len() >= n).then_some(letters)
        })
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One letter, as a mail program shows it.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Whom it is for.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// The plain part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

impl Letter {
    fn read(bytes: &[u8]) -> Letter {
        let message = MessageParser::default().parse(bytes).expect("a letter is MIME");
        let part = |part: Option<std::borrow::Cow<'_, str>>| part.map(|text| text.into_owned()).unwrap_or_default();
        assert_eq!(message.text_body.len(), 1, "one plain part");
        assert_eq!(message.html_body.len(), 1, "one HTML part");
        Letter {
            to: recipient(&message),
            subject: message.subject().unwrap_or_default().into(),
            text: part(message.body_text(0)),
            html: part(message.body_html(0)),
        }
    }
}

fn recipient(message: &Message<'_>) -> String {
    message.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap_or_default().into()
}
