//! A notice as a mail: headers, a text part and an HTML part that say the same.
//!
//! * **Threads.** The mail about an issue's birth has the Message-ID `<issue-ID@HOST>`; every later one about it
//!   refers to that, and all have one subject, so each mail program shows one thread per issue. Ids derive from the
//!   issue and the delivery only: a retry after a lost answer is the same mail, which servers recognise.
//! * **Headers** hold a stranger's words only in the subject: one line, 120 characters, encoded by the mail library.
//! * **HTML** is tables with inline styles, since mail programs know little else; nothing is loaded, so opening it
//!   tells nobody. The style sheet in its head only turns the colours for dark mode, where it is understood.

use anyhow::Context;
use lettre::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::line::{code_line, one_line};
use super::notice::{Cause, Notice};

/// The longest subject, in characters: more is not shown in any list of mails.
pub const SUBJECT_CHARS_MAX: usize = 120;
/// The longest title inside, in characters.
const TITLE_CHARS_MAX: usize = 300;
/// The longest place, culprit or source line.
const LINE_CHARS_MAX: usize = 300;
/// The longest "because".
const SENTENCE_CHARS_MAX: usize = 600;

/// What stands around a mail.
#[derive(Debug, Clone, Copy)]
pub struct Addressing<'a> {
    /// The sender, from the settings.
    pub from: &'a Mailbox,
    /// Everybody it is for.
    pub to: &'a [Mailbox],
    /// The host of the public URL, see [`id_host`]; ids are unique within it.
    pub id_host: &'a str,
    /// The delivery, the same for each retry.
    pub delivery_id: &'a str,
}

/// The mail that says `notice`.
pub fn message(notice: &Notice, addressing: &Addressing) -> anyhow::Result<Message> {
    let Addressing { from, to, id_host, delivery_id } = *addressing;
    let thread = format!("<issue-{}@{id_host}>", notice.issue_id);
    let own_id = match notice.cause {
        Cause::New => thread.clone(),
        Cause::Regressed => format!("<issue-{}.{}@{id_host}>", notice.issue_id, atom(delivery_id)),
        Cause::Test => format!("<test.{}@{id_host}>", atom(delivery_id)),
        Cause::QuotaNear | Cause::QuotaReached | Cause::Spike => format!("<limit.{}@{id_host}>", atom(delivery_id)),
    };
    let mut mail = Message::builder()
        .from(from.clone())
        .subject(subject(notice))
        .message_id(Some(own_id))
        .header(ListId(format!("<{}.{id_host}>", atom(&notice.project_slug))))
        .header(AutoSubmitted);
    for recipient in to {
        mail = mail.to(recipient.clone());
    }
    if notice.cause == Cause::Regressed {
        mail = mail.in_reply_to(thread.clone()).references(thread);
    }
    mail.multipart(MultiPart::alternative_plain_html(text_part(notice), html_part(notice).into_string()))
        .context("the mail could not be built")
}

/// `[Shop API] KeyError: 'postalCode'`; the same for every mail of a thread.
pub fn subject(notice: &Notice) -> String {
    let test = if notice.cause == Cause::Test { "Test: " } else { "" };
    let text = format!("{test}[{}] {}", one_line(&notice.project_name, 40), notice.title());
    // "=?" would start an encoded word, with which ASCII text could pose as any other.
    one_line(&text.replace("=?", "= ?"), SUBJECT_CHARS_MAX)
}

/// The host part of message ids: the public URL's host, in the letters that an id may have.
pub fn id_host(public_url: &str) -> String {
    let url = reqwest::Url::parse(public_url).ok();
    let host = url.as_ref().and_then(|url| url.host_str()).map(atom).unwrap_or_default();
    if host.is_empty() { "bugle.invalid".to_owned() } else { host }
}

/// `text` with every character replaced that a message id or list id cannot hold.
fn atom(text: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let atom: String = text.chars().take(100).map(kept).collect();
    // Two full stops in a row, or one at an end, would not be a dot-atom.
    atom.split('.').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".").trim_matches('-').to_owned()
}

/// RFC 2919: lets people sort the mails of a project.
#[derive(Clone)]
struct ListId(String);

impl Header for ListId {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Id")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(ListId(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// RFC 3834: no out-of-office note comes back.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// What both parts say, already cut.
struct Said {
    headline: String,
    title: String,
    place: String,
    code: String,
    because: String,
    open: String,
}

impl Said {
    fn of(notice: &Notice) -> Self {
        let place = notice.crash.as_ref().map(|crash| one_line(&crash.place, LINE_CHARS_MAX)).unwrap_or_default();
        let culprit = notice.culprit.as_deref().map(|culprit| one_line(culprit, LINE_CHARS_MAX)).unwrap_or_default();
        let code = notice.crash.as_ref().map(|crash| code_line(&crash.code, LINE_CHARS_MAX)).unwrap_or_default();
        Said {
            headline: format!("{} · {}", notice.headline(), one_line(&notice.project_name, LINE_CHARS_MAX)),
            title: one_line(&notice.title(), TITLE_CHARS_MAX),
            place: [place, culprit].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" in "),
            code,
            because: one_line(&notice.because, SENTENCE_CHARS_MAX),
            open: format!("Open {}", one_line(&notice.short_id, LINE_CHARS_MAX)),
        }
    }
}

fn text_part(notice: &Notice) -> String {
    let said = Said::of(notice);
    let mut text = format!("{}\n\n{}\n", said.headline, said.title);
    for line in [said.place, indented(&said.code)].into_iter().filter(|line| !line.is_empty()) {
        text.push_str(&format!("{line}\n"));
    }
    text.push('\n');
    for (label, value) in notice.facts() {
        text.push_str(&format!("{label}: {value}\n"));
    }
    text.push_str(&format!("\n{}: {}\n\n-- \n", said.open, notice.issue_url));
    text.push_str(&format!("{}\nChange this: {}\n", said.because, notice.settings_url));
    text
}

fn indented(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!("    {code}") }
}

/// Colours of night, for programs that read it. Those of day stand at each element.
const NIGHT: &str = "@media (prefers-color-scheme: dark) { \
    .paper { background: #14171f !important; } \
    .ink { color: #e4e6ec !important; } \
    .ink-2 { color: #b3b8c4 !important; } \
    .code { background: #0d1016 !important; color: #e4e6ec !important; border-color: #343a48 !important; } \
    .link { color: #e6c264 !important; } }";

const SANS: &str = "font-family:'Segoe UI',-apple-system,Roboto,'Helvetica Neue',Arial,sans-serif;";
const MONO: &str = "font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;";

fn html_part(notice: &Notice) -> Markup {
    let said = Said::of(notice);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                title { (said.title) }
                style { (PreEscaped(NIGHT)) }
            }
            body class="paper" style="margin:0;padding:0;background:#ffffff;" {
                table role="presentation" class="paper" width="100%" cellpadding="0" cellspacing="0" border="0"
                    style="background:#ffffff;" {
                    tr { td align="center" style="padding:24px 16px;" { (sheet(notice, &said)) } }
                }
            }
        }
    }
}

fn sheet(notice: &Notice, said: &Said) -> Markup {
    let row = format!("{SANS}padding:0 0 12px;text-align:left;word-break:break-word;");
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px;" {
            tr { td class="ink-2" style={ (row) "font-size:14px;line-height:20px;color:#4d5361;" } {
                (said.headline)
            } }
            tr { td class="ink" style={ (row) "font-size:20px;line-height:26px;color:#1b1f2a;font-weight:600;" } {
                (said.title)
            } }
            @if !said.place.is_empty() {
                tr { td class="ink-2" style={ (row) (MONO) "font-size:13px;line-height:20px;color:#4d5361;" } {
                    (said.place)
                } }
            }
            @if !said.code.is_empty() {
                tr { td style="padding:0 0 16px;" { (code_block(&said.code)) } }
            }
            tr { td style="padding:0 0 16px;" { (facts(notice)) } }
            tr { td style="padding:0 0 20px;" {
                a href=(notice.issue_url) style={ (SANS) "display:inline-block;padding:10px 18px;background:#e0b544;\
                    color:#1b1f2a;font-size:14px;font-weight:600;text-decoration:none;border-radius:4px;" } {
                    (said.open)
                }
            } }
            tr { td class="ink-2" style={ (row) "font-size:12px;line-height:18px;color:#4d5361;" } {
                (said.because) " " a class="link" href=(notice.settings_url) style="color:#7a5a10;" { "Change this" }
            } }
        }
    }
}

fn code_block(code: &str) -> Markup {
    html! {
        div class="code" style={ (MONO) "font-size:13px;line-height:20px;padding:10px 12px;background:#f5f4f0;\
            color:#1b1f2a;border:1px solid #dcdad3;white-space:pre-wrap;word-break:break-word;" } { (code) }
    }
}

fn facts(notice: &Notice) -> Markup {
    let cell = format!("{SANS}font-size:14px;line-height:22px;text-align:left;vertical-align:top;");
    html! {
        table role="presentation" cellpadding="0" cellspacing="0" border="0" {
            @for (label, value) in notice.facts() {
                tr {
                    td class="ink-2" style={ (cell) "color:#4d5361;padding-right:16px;white-space:nowrap;" } { (label) }
                    td class="ink" style={ (cell) "color:#1b1f2a;word-break:break-word;" } { (value) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::notice::sample;

    fn built(notice: &Notice) -> String {
        let from = "Bugle <bugle@example.com>".parse().unwrap();
        let to = ["ada@example.com".parse().unwrap(), "Bob <bob@example.com>".parse().unwrap()];
        let addressing = Addressing { from: &from, to: &to, id_host: "bugle.example.com", delivery_id: "d/7" };
        String::from_utf8(message(notice, &addressing).unwrap().formatted()).unwrap()
    }

    /// The header's values, unfolded, as a server would read them.
    fn headers<'a>(mail: &'a str, name: &str) -> Vec<String> {
        let head: &'a str = mail.split("\r\n\r\n").next().unwrap();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let prefix = format!("{}:", name.to_ascii_lowercase());
        let lines = unfolded.split("\r\n").filter(|line| line.to_ascii_lowercase().starts_with(&prefix));
        lines.map(|line| line[prefix.len()..].trim().to_owned()).collect()
    }

    #[test]
    fn mails_of_an_issue_form_a_thread() {
        let (new, back) = (built(&sample(Cause::New)), built(&sample(Cause::Regressed)));
        assert_eq!(headers(&new, "Message-ID"), ["<issue-412@bugle.example.com>"]);
        assert_eq!(headers(&new, "References"), [""; 0]);
        assert_eq!(headers(&back, "Message-ID"), ["<issue-412.d-7@bugle.example.com>"]);
        assert_eq!(headers(&back, "References"), headers(&new, "Message-ID"));
        assert_eq!(headers(&back, "In-Reply-To"), headers(&new, "Message-ID"));
        assert_eq!(headers(&back, "Subject"), headers(&new, "Subject"));
        let test = built(&sample(Cause::Test));
        assert_eq!(headers(&test, "Message-ID"), ["<test.d-7@bugle.example.com>"]);
        assert_eq!(headers(&test, "References"), [""; 0]);
    }

    #[test]
    fn the_headers_are_a_machines() {
        let mail = built(&sample(Cause::New));
        assert_eq!(headers(&mail, "Subject"), ["[Shop API] KeyError: 'postalCode' & <b>"]);
        assert_eq!(headers(&mail, "List-Id"), ["<shop-api.bugle.example.com>"]);
        assert_eq!(headers(&mail, "Auto-Submitted"), ["auto-generated"]);
        assert_eq!(headers(&mail, "From"), ["Bugle <bugle@example.com>"]);
        assert_eq!(headers(&mail, "To"), ["ada@example.com, Bob <bob@example.com>"]);
        assert_eq!(headers(&mail, "Date").len(), 1);
        assert!(headers(&mail, "Content-Type")[0].starts_with("multipart/alternative"));
    }

    #[test]
    fn a_title_cannot_become_a_header() {
        let hostile = [
            "x\r\nBcc: evil@example.com",
            "x\nBcc: evil@example.com\n\n<b>body",
            "x\r\n\r\nbody",
            "x\rBcc: e@example.com",
            "x\u{2028}Bcc: e@example.com",
            "x\u{0}\u{b}\u{c}\u{85}Bcc: e@example.com",
            "=?utf-8?q?x=0D=0ABcc:_e@example.com?=",
            "é\r\n Bcc: e@example.com",
            "=?utf-8?b?",
            &"é\n".repeat(5000),
        ];
        for text in hostile {
            let mut notice = sample(Cause::Regressed);
            notice.project_name = text.to_owned();
            notice.project_slug = text.to_owned();
            notice.kind = text.to_owned();
            notice.text = text.to_owned();
            notice.short_id = text.to_owned();
            let subject = subject(&notice);
            assert!(
                subject.chars().count() <= SUBJECT_CHARS_MAX && !subject.chars().any(char::is_control),
                "{subject:?}"
            );
            assert!(!subject.contains("=?"), "{subject:?}");
            let mail = built(&notice);
            assert_eq!(headers(&mail, "Bcc"), [""; 0], "{text:?}");
            assert_eq!(headers(&mail, "Subject").len(), 1, "{text:?}");
            assert!(mail.is_ascii(), "no server needs 8BITMIME");
            assert!(!mail.replace("\r\n", "").contains(['\r', '\n']), "every line ends in CRLF: {text:?}");
            assert!(mail.split("\r\n").all(|line| line.len() <= 998), "no line is longer than SMTP takes");
        }
    }

    #[test]
    fn the_html_is_escaped() {
        let mut notice = sample(Cause::New);
        let hostile = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\" onmouseover=\"x";
        notice.text = hostile.into();
        notice.culprit = Some(hostile.into());
        notice.environment = Some(hostile.into());
        notice.because = hostile.into();
        notice.short_id = hostile.into();
        notice.crash = Some(super::super::notice::CrashLine { code: hostile.into(), place: hostile.into() });
        let html = html_part(&notice).into_string();
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("\" onmouseover"), "{html}");
        assert!(html.contains("&lt;script&gt;"));
    }

    #[test]
    fn both_parts_say_the_same() {
        let notice = sample(Cause::Regressed);
        let (text, html) = (text_part(&notice), html_part(&notice).into_string());
        let html = html.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let mut said: Vec<String> = notice.facts().into_iter().map(|(_, value)| value).collect();
        said.extend([notice.title(), notice.because.clone(), notice.issue_url.clone(), notice.settings_url.clone()]);
        said.extend(["Came back in 4.18.2".into(), "postcode = contact[\"postalCode\"]".into(), "Open SHOP-12".into()]);
        said.push("payments/wallet.py:88 in payments.wallet.charge".into());
        for words in said {
            assert!(text.contains(&words), "{words} not in {text}");
            assert!(html.contains(&words), "{words} not in {html}");
        }
        assert!(!html.contains("<img") && !html.contains("url("), "nothing is loaded");
    }

    #[test]
    fn ids_hold_only_what_an_id_may() {
        assert_eq!(id_host("https://bugle.example.com:8443/x"), "bugle.example.com");
        assert_eq!(id_host("http://127.0.0.1:8000"), "127.0.0.1");
        assert_eq!(id_host("http://[::1]:8000"), "1");
        assert_eq!(id_host("not a url"), "bugle.invalid");
        assert_eq!(atom("a..b@c>\r\nx"), "a.b-c---x");
    }
}
