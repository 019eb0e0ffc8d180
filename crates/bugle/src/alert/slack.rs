//! A notice as Slack's incoming webhook wants it, and everything that speaks the same: Mattermost, Rocket.Chat,
//! Discord's `/slack` address, Zulip.
//!
//! Slack shows `blocks` and uses `text` for the notification; the others show `text` and ignore `blocks`. So `text`
//! is a whole message by itself, in the few marks that all of them read alike: `<url|label>`, `*bold*`, `_italic_`
//! and a code block.
//!
//! An event's words are escaped as Slack asks (`&`, `<`, `>`), and what other servers would take for more than words
//! (a mention of a whole channel, a Markdown link, the end of a code block) is broken by a space of no width.

use serde_json::{Value, json};

use super::line::{code_line, one_line};
use super::notice::Notice;

/// The longest title in chat, in characters.
const TITLE_CHARS_MAX: usize = 200;
/// The longest source line; Slack wraps it, so more would be a wall.
const CODE_CHARS_MAX: usize = 300;
/// The longest "because". Slack takes 3,000 characters in a section, and escaping makes five of one.
const SENTENCE_CHARS_MAX: usize = 500;
/// Separates without showing.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// The JSON to post.
pub fn message(notice: &Notice) -> Value {
    let title = format!("*<{}|{}>*", url(&notice.issue_url), label(&notice.title(), TITLE_CHARS_MAX));
    let about = if notice.limit.is_some() { String::new() } else { format!("{} · ", words(&notice.short_id, 60)) };
    let headline = format!("{} · {about}{}", words(&notice.headline(), 200), project(notice));
    let mut sections = vec![headline, title];
    sections.extend(place(notice));
    sections.extend(code(notice));
    sections.push(tally(notice));
    let because =
        format!("_{}_ <{}|Change this>", words(&notice.because, SENTENCE_CHARS_MAX), url(&notice.settings_url));

    let mut text = sections.clone();
    text.push(because.clone());
    let mut blocks: Vec<Value> = sections.into_iter().map(section).collect();
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": because }] }));
    json!({ "text": text.join("\n"), "blocks": blocks })
}

fn section(text: String) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

fn project(notice: &Notice) -> String {
    words(&notice.project_name, 100)
}

/// Where it happened: file and line, and the function or route.
fn place(notice: &Notice) -> Option<String> {
    let place = notice.crash.as_ref().map(|crash| crash.place.as_str());
    let known = [place, notice.culprit.as_deref()].into_iter().flatten().map(|text| words(text, 200));
    let known: Vec<String> = known.filter(|text| !text.is_empty()).collect();
    (!known.is_empty()).then(|| known.join(" in "))
}

fn code(notice: &Notice) -> Option<String> {
    let code = code_line(&notice.crash.as_ref()?.code, CODE_CHARS_MAX);
    let fence_broken = code.replace("``", &format!("`{ZERO_WIDTH_SPACE}`"));
    (!code.is_empty()).then(|| format!("```\n{}\n```", escaped(&fence_broken)))
}

/// `12 events for 11 people · production · error · assigned to Ada`
fn tally(notice: &Notice) -> String {
    if notice.limit.is_some() {
        let facts = notice.facts().into_iter().map(|(label, value)| format!("{label}: {}", words(&value, 100)));
        return facts.collect::<Vec<_>>().join(" · ");
    }
    let mut parts = vec![notice.tally()];
    parts.extend(notice.environment.as_deref().map(|name| words(name, 100)));
    parts.push(words(&notice.level, 20));
    parts.extend(notice.assignee.as_deref().map(|name| format!("assigned to {}", words(name, 100))));
    parts.join(" · ")
}

/// A stranger's words in a sentence.
fn words(text: &str, chars_max: usize) -> String {
    escaped(&disarmed(&one_line(text, chars_max)))
}

/// A stranger's words as the label of a link, where `|` would end the address.
fn label(text: &str, chars_max: usize) -> String {
    words(text, chars_max).replace('|', "¦")
}

/// Breaks what Mattermost, Rocket.Chat and Discord would act on.
fn disarmed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = ' ';
    for c in text.chars() {
        let mention = last == '@' && c.is_ascii_alphabetic();
        let link = last == ']' && c == '(';
        let fence = last == '`' && c == '`';
        if mention || link || fence {
            out.push(ZERO_WIDTH_SPACE);
        }
        out.push(c);
        last = c;
    }
    out
}

/// The three characters that Slack asks to escape.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// One of our own addresses between `<` and `|`.
fn url(url: &str) -> String {
    escaped(url).replace('|', "%7C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::notice::{Cause, sample};

    fn text(notice: &Notice) -> String {
        message(notice)["text"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_text_alone_is_a_whole_message() {
        let expected = "Came back in 4.18.2 · SHOP-12 · Shop API\n\
            *<https://bugle.example.com/issues/412|KeyError: 'postalCode' &amp; &lt;b&gt;>*\n\
            payments/wallet.py:88 in payments.wallet.charge\n\
            ```\npostcode = contact[\"postalCode\"]\n```\n\
            1,284 events for 11 people · production · error\n\
            _Sent because Shop API tells this address about issues that come back._ \
            <https://bugle.example.com/projects/shop-api/settings#alerts|Change this>";
        assert_eq!(text(&sample(Cause::Regressed)), expected);
    }

    #[test]
    fn the_blocks_say_the_same() {
        let message = message(&sample(Cause::New));
        let blocks = message["blocks"].as_array().unwrap();
        let said: Vec<&str> = blocks
            .iter()
            .map(|block| block["text"]["text"].as_str().or(block["elements"][0]["text"].as_str()).unwrap())
            .collect();
        assert_eq!(said.join("\n"), message["text"].as_str().unwrap());
    }

    #[test]
    fn an_event_cannot_mention_link_or_break_out() {
        let mut notice = sample(Cause::New);
        notice.kind = "<!channel> @here @all".into();
        notice.text = "[reset your password](http://evil.example)|x ```".into();
        notice.culprit = Some("<https://evil.example|Bugle>\n*now*".into());
        notice.crash =
            Some(super::super::notice::CrashLine { code: "``` @channel <!here> ```".into(), place: "".into() });
        let text = text(&notice);
        for bad in ["<!", "@here", "@all", "](", "<https://evil", "|x", "\n*now*"] {
            assert!(!text.contains(bad), "{bad} in {text}");
        }
        assert_eq!(text.matches("```").count(), 2, "only our own fence: {text}");
    }

    #[test]
    fn bounds_of_slack_are_kept() {
        let mut notice = sample(Cause::New);
        for field in
            [&mut notice.kind, &mut notice.text, &mut notice.because, &mut notice.project_name, &mut notice.level]
        {
            *field = "&".repeat(100_000);
        }
        notice.culprit = Some("<".repeat(100_000));
        let message = message(&notice);
        for block in message["blocks"].as_array().unwrap() {
            let text = block["text"]["text"].as_str().or(block["elements"][0]["text"].as_str()).unwrap();
            assert!(text.chars().count() <= 3000, "{}", text.chars().count());
        }
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        let mut notice = sample(Cause::Test);
        (notice.culprit, notice.crash, notice.environment) = (None, None, None);
        assert!(text(&notice).starts_with("Test message · SHOP-12 · Shop API\n*<"));
        assert!(text(&notice).contains(">*\n1,284 events"));
    }
}
