//! Files that come with an event.
//!
//! What is text is scrubbed as text: by what it says it is (type, name), else by what it looks like. JSON is opened, so
//! that names in it tell secrets; UTF-16 and broken UTF-8 become UTF-8, since a secret must not hide in an encoding. Binary
//! files are kept or not as the project wants, and rules that speak of attachments act in them. Time is linear.

use super::{Scrubber, text, walk};
use crate::json;
use text::Mode;

/// Longer texts are not kept: looking through them would hold up others.
pub const TEXT_BYTES_MAX: usize = 32 << 20;
/// Longer JSON is scrubbed as text: as a tree it would take many times its size.
const JSON_BYTES_MAX: usize = 4 << 20;
/// How much of a file is looked at to tell text from other things.
const SNIFFED_BYTES: usize = 4096;

impl Scrubber {
    /// What is to be kept of an attachment; `None`: nothing.
    pub fn attachment(&self, name: &str, content_type: &str, body: &[u8], keeps_binary: bool) -> Option<Vec<u8>> {
        let Some(mut text) = text_of(name, content_type, body) else {
            let is_dump = body.starts_with(b"MDMP") || body.starts_with(b"PMDM");
            let mut body = keeps_binary.then(|| body.to_vec());
            for rules in &self.rules {
                body = rules.attached_bytes(name, is_dump, body?);
            }
            return body;
        };
        if body.len() > TEXT_BYTES_MAX {
            return None;
        }
        for rules in &self.rules {
            text = rules.attached_text(name, text)?;
        }
        Some(self.document(text).into_bytes())
    }

    /// A text by itself, such as a file's name, as far as it can be told without knowing what it is.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_string();
        for rules in &self.rules {
            text = rules.lone_text(text);
        }
        self.document(text)
    }

    fn document(&self, text: String) -> String {
        if text.len() <= JSON_BYTES_MAX
            && text.trim_start().starts_with(['{', '['])
            && let Ok(mut json) = json::read_whole(&text)
        {
            return if walk::document(self, &mut json) { json.to_string() } else { text };
        }
        let mut findings = Vec::new();
        text::find(self, &text, Mode::Text, &mut findings);
        if findings.is_empty() { text } else { text::replace(&text, &findings) }
    }
}

/// The body as text, if it is text.
fn text_of(name: &str, content_type: &str, body: &[u8]) -> Option<String> {
    match body {
        [0xff, 0xfe, rest @ ..] => return Some(utf_16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => return Some(utf_16(rest, u16::from_be_bytes)),
        _ => {}
    }
    let sniffed = &body[..body.len().min(SNIFFED_BYTES)];
    let has_nul = memchr::memchr(0, sniffed).is_some();
    let looks_like_text = match std::str::from_utf8(sniffed) {
        Ok(_) => true,
        // Cut inside of a character.
        Err(error) => error.error_len().is_none() && error.valid_up_to() + 4 > sniffed.len(),
    };
    let is_text = !has_nul && (looks_like_text || says_text(name, content_type));
    is_text.then(|| String::from_utf8_lossy(body).into_owned())
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn says_text(name: &str, content_type: &str) -> bool {
    const ENDINGS: [&str; 14] =
        ["txt", "log", "json", "xml", "html", "csv", "tsv", "yaml", "yml", "ini", "conf", "md", "js", "env"];
    let kind = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || ["json", "xml", "yaml", "javascript", "x-www-form-urlencoded"].iter().any(|part| kind.ends_with(part))
        || name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.iter().any(|e| e.eq_ignore_ascii_case(ending)))
}

#[cfg(test)]
mod tests {
    use crate::scrub::{Rules, Scrubber, Settings};
    use std::sync::Arc;

    fn kept(name: &str, kind: &str, body: &[u8]) -> String {
        let body = Scrubber::default().attachment(name, kind, body, true).expect("kept");
        String::from_utf8_lossy(&body).into_owned()
    }

    #[test]
    fn a_text_file_loses_its_secrets_in_any_encoding() {
        assert_eq!(kept("app.log", "", b"a\npassword=hunter2\nb"), "a\npassword=[Filtered]\nb");
        assert_eq!(kept("x", "text/plain", b"\xff token=abcdef1"), "\u{fffd} token=[Filtered]");
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain("token=abcdef1".bytes().flat_map(|b| [b, 0])).collect();
        assert_eq!(kept("x.log", "", &wide), "token=[Filtered]");
        assert_eq!(
            kept("view-hierarchy.json", "application/json", br#"{"n":[{"name":"password","value":"x1"},{"pin":1}]}"#),
            r#"{"n":[{"name":"password","value":"[Filtered]"},{"pin":1}]}"#
        );
    }

    #[test]
    fn a_binary_file_is_kept_as_it_is_or_not_at_all() {
        let body = b"\x89PNG\x00\x01password=hunter2";
        let scrubber = Scrubber::default();
        assert_eq!(scrubber.attachment("a.png", "image/png", body, true).as_deref(), Some(&body[..]));
        assert_eq!(scrubber.attachment("a.png", "image/png", body, false), None);
    }

    fn with(rules: &str) -> Scrubber {
        let rules = vec![Arc::new(Rules::read(rules).expect("rules"))];
        Scrubber::new(Settings { rules, ..Settings::default() })
    }

    #[test]
    fn rules_select_attachments_by_name_and_kind() {
        let scrubber = with(
            r#"{"rules":{"n":{"type":"pattern","pattern":"customer-(\\d+)","replaceGroups":[1],"redaction":{"method":"mask"}}},
                "applications":{"$attachments.'my file.txt'":["n"],"$minidump":["@email:mask"],"$attachments.'core'":["@anything:remove"]}}"#,
        );
        let text = |name: &str, body: &[u8]| scrubber.attachment(name, "", body, true);
        assert_eq!(text("my file.txt", b"customer-123 x").as_deref(), Some(&b"customer-*** x"[..]));
        assert_eq!(text("other.txt", b"customer-123 x").as_deref(), Some(&b"customer-123 x"[..]));
        assert_eq!(text("core", b"\0\x01"), None);
        let dump = b"MDMP\0\0\0from jo@example.com\0\0j\0o\0@\0e\0x\0.\0d\0e\0\0\0";
        let kept = text("a.dmp", dump).expect("kept");
        assert_eq!(kept, b"MDMP\0\0\0from **************\0\0*\0*\0*\0*\0*\0*\0*\0*\0\0\0");
        assert_eq!(text("a.bin", &dump[4..]).as_deref(), Some(&dump[4..]), "no dump");
    }

    #[test]
    fn a_broad_rule_acts_in_text_files_too() {
        let scrubber = with(r#"{"applications":{"**":["@email:replace"]}}"#);
        assert_eq!(scrubber.attachment("a.txt", "", b"to jo@x.example", true).expect("kept"), b"to [email]");
        assert_eq!(scrubber.text("jo@x.example.txt"), "[email]");
    }
}
