//! Settings of the mail server, and what its refusals lead to. A full conversation with a real mail server is a test
//! of the whole product; here a listener speaks just enough SMTP to refuse.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::alert::notice::{Cause, sample};

/// A server that takes mail, except to `ghost@…` (550), to `busy@…` (451) and from `stranger@…` (530), and keeps the
/// recipients of each mail.
struct Postbox {
    url: String,
    conversations: Arc<AtomicUsize>,
    taken: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Postbox {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let conversations = Arc::new(AtomicUsize::new(0));
        let (kept, counted) = (taken.clone(), conversations.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                // A client that hangs up in the middle is no concern of the next one.
                let _ = converse(stream, &kept);
            }
        });
        Postbox { url, conversations, taken }
    }

    async fn send(&self, to: &[&str]) -> Result<String, SendError> {
        self.send_from("Bugle <bugle@example.com>", to).await
    }

    async fn send_from(&self, from: &str, to: &[&str]) -> Result<String, SendError> {
        let mailer = Mailer::new(&self.url, from, "https://bugle.example.com").unwrap();
        let to: Vec<String> = to.iter().map(|&text| text.to_owned()).collect();
        mailer.send(&to, "d-1", &sample(Cause::New)).await
    }

    fn taken(&self) -> Vec<Vec<String>> {
        self.taken.lock().unwrap().clone()
    }
}

fn converse(mut stream: TcpStream, taken: &Mutex<Vec<Vec<String>>>) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 postbox\r\n")?;
    let (mut recipients, mut in_data) = (Vec::new(), false);
    for line in lines {
        let line = line?;
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "." if in_data => {
                in_data = false;
                taken.lock().unwrap().push(std::mem::take(&mut recipients));
                "250 2.0.0 queued as 4B1D"
            }
            _ if in_data => continue,
            "MAIL" if line.contains("stranger@") => "530 5.7.0 sign in first",
            "RCPT" if line.contains("ghost@") => "550 5.1.1 nobody of that name",
            "RCPT" if line.contains("busy@") => "451 4.3.0 come back later",
            "RCPT" => {
                recipients.push(line["RCPT TO:<".len()..].trim_end_matches('>').to_owned());
                "250 ok"
            }
            "DATA" => {
                in_data = true;
                "354 go on"
            }
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

#[tokio::test]
async fn one_transaction_serves_all() {
    let postbox = Postbox::open();
    let answer = postbox.send(&["ada@example.com", "Bob <bob@example.com>"]).await.unwrap();
    assert_eq!(answer, "127.0.0.1 took it: 250 2.0.0 queued as 4B1D");
    assert_eq!(postbox.taken(), [["ada@example.com", "bob@example.com"]]);
}

#[tokio::test]
async fn a_wrong_address_does_not_silence_the_others() {
    let postbox = Postbox::open();
    let answer = postbox.send(&["ada@example.com", "ghost@example.com", "nonsense\r\nRCPT TO:<x@y>"]).await.unwrap();
    assert_eq!(postbox.taken(), [["ada@example.com"]]);
    for words in ["took it", "Not sent to all", "ghost@example.com", "550", "is not a mail address"] {
        assert!(answer.contains(words), "{words} in {answer}");
    }
}

#[tokio::test]
async fn permanent_is_final_and_transient_is_not() {
    let postbox = Postbox::open();
    let ghost = postbox.send(&["ghost@example.com"]).await.unwrap_err();
    assert!(!ghost.retry && ghost.text.contains("550"), "{}", ghost.text);
    let busy = postbox.send(&["ada@example.com", "busy@example.com"]).await.unwrap_err();
    assert!(busy.retry && busy.text.contains("451"), "{}", busy.text);
    assert!(postbox.taken().is_empty(), "nobody got what will be tried again");
    let nobody = postbox.send(&[]).await.unwrap_err();
    let crowd = postbox.send(&["a@example.com"; RECIPIENTS_MAX + 1]).await.unwrap_err();
    assert!(!nobody.retry && !crowd.retry);
}

#[tokio::test]
async fn who_is_not_let_in_does_not_knock_again() {
    let postbox = Postbox::open();
    let people = ["ada@example.com", "bob@example.com", "cyd@example.com"];
    let error = postbox.send_from("stranger@example.com", &people).await.unwrap_err();
    assert!(!error.retry && error.text.contains("530"), "{}", error.text);
    assert_eq!(postbox.conversations.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("smtp://user:hunter2hunter2@{address}");
    let mailer = Mailer::new(&url, "bugle@example.com", "https://bugle.example.com").unwrap();
    let error = mailer.send(&["ada@example.com".to_owned()], "d-1", &sample(Cause::New)).await.unwrap_err();
    assert!(error.retry && error.text.starts_with("127.0.0.1: "), "{}", error.text);
    assert!(!error.text.contains("hunter2"), "{}", error.text);
}

#[test]
fn settings_are_read_or_refused_in_words() {
    let new = |url: &str, from: &str| Mailer::new(url, from, "https://bugle.example.com").map(|_| ());
    for url in [
        "smtp://mail.example.com",
        "smtp://user:p%40ss@mail.example.com:25",
        "smtp://mail.example.com:2525",
        "smtps://user:pass@mail.example.com",
        "smtp://u:p@mail.example.com?tls=required",
        "smtp://mail.example.com?tls=opportunistic",
    ] {
        new(url, "Bugle <bugle@example.com>").expect(url);
    }
    for url in [
        "mail.example.com:25",
        "http://u:hunter2@x",
        "smtp://",
        "",
        "smtp://u:hunter2@x?tls=maybe",
        "smtp://u:hunter2@x:y",
    ] {
        let error = format!("{:#}", new(url, "bugle@example.com").expect_err(url));
        assert!(error.contains("BUGLE_SMTP_URL") && !error.contains("hunter2"), "{url}: {error}");
    }
    for from in ["", "nobody", "a@b\r\nBcc: c@d", "Bugle <bugle@example.com> x"] {
        let error = format!("{:#}", new("smtp://mail.example.com", from).expect_err(from));
        assert!(error.contains("BUGLE_MAIL_FROM"), "{from}: {error}");
    }
}
