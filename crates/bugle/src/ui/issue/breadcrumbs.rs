//! Breadcrumbs: what went before, nearest to the crash first, in time relative to it.

use super::room::Room;
use super::value::{self, Meta};
use crate::ui::moment::length;
use crate::ui::number::exact;
use bugle_event::Event;
use bugle_event::json::{Json, Object};
use maud::{Markup, html};

/// Crumbs that are shown at once.
const SHOWN: usize = 30;
/// Crumbs that are shown at all.
const SHOWN_MAX: usize = 100;
/// Elements that they may take.
const ELEMENTS_MAX: usize = 400;
/// The longest name of a kind, in characters: its column is narrow.
const KIND_CHARS_MAX: usize = 9;

/// The section.
pub fn section(event: &Event<'_>, room: &mut Room) -> Markup {
    room.share(ELEMENTS_MAX, |room| crumbs(event, room))
}

fn crumbs(event: &Event<'_>, room: &mut Room) -> Markup {
    let crumbs: Vec<(usize, &Object<'_>)> = event.breadcrumbs().enumerate().collect();
    let crumbs: Vec<(usize, &Object<'_>)> = crumbs.into_iter().rev().collect();
    let meta = Meta::of(event).at("breadcrumbs").at("values");
    let row =
        |&(at, crumb): &(usize, &Object<'_>), room: &mut Room| room.fit(one(crumb, meta.at(at), event.timestamp_ms()));
    let back = crumbs.last().and_then(|(_, crumb)| time_ms(crumb)).map(|at_ms| relative(at_ms - event.timestamp_ms()));
    let (near, far) = crumbs.split_at(crumbs.len().min(SHOWN));
    html! {
        @if !crumbs.is_empty() {
            section.part #breadcrumbs {
                header {
                    h2 { "Breadcrumbs" }
                    small { (near.len()) @if !far.is_empty() { " of " (crumbs.len()) } ", " br; "latest first" }
                }
                div {
                    ol.crumbs { (raised(event)) @for crumb in near { @if let Some(row) = row(crumb, room) { (row) } } }
                    @if !far.is_empty() {
                        details {
                            summary.dim { (far.len()) " earlier" @if let Some(back) = back { ", back to " (back) } }
                            ol.crumbs {
                                @for crumb in far.iter().take(SHOWN_MAX - SHOWN) {
                                    @if let Some(row) = row(crumb, room) { (row) }
                                }
                            }
                            @if far.len() > SHOWN_MAX - SHOWN { p.because { "The earliest are in the JSON." } }
                        }
                    }
                    @if let Some(count) = meta.length(crumbs.len()) {
                        p.because { "Of " (exact(count)) " breadcrumbs the newest were kept." }
                    }
                }
            }
        }
    }
}

/// The event itself as the last of them.
fn raised(event: &Event<'_>) -> Markup {
    let root = event.exceptions().next();
    let said = root.map_or_else(|| event.message(), |exception| exception.value()).unwrap_or("");
    html! {
        li.hit {
            time { "0 s" }
            span.kind.fine { @if root.is_some() { "raise" } @else { "message" } }
            samp {
                @if let Some(kind) = root.and_then(|exception| exception.kind()) { b { (value::cut(kind, 200).0) } " " }
                (value::cut(said, 300).0)
            }
            span.fine {}
        }
    }
}

fn one(crumb: &Object<'_>, meta: Meta<'_>, event_ms: i64) -> Markup {
    let level = crumb.text("level").unwrap_or("");
    let kind = crumb.text("category").or_else(|| crumb.text("type")).unwrap_or("");
    // The last part of a logger's name is the one that tells it from the others.
    let last = kind.rsplit('.').next().unwrap_or(kind);
    let (short, is_cut) = value::cut(last, KIND_CHARS_MAX);
    let (told, aside) = told(crumb, meta);
    let is_odd = matches!(level, "warning" | "error" | "fatal" | "critical");
    html! {
        li.odd[is_odd] {
            time { @if let Some(at_ms) = time_ms(crumb) { (relative(at_ms - event_ms)) } }
            span.kind.fine title=[(short != kind).then(|| value::cut(kind, 200).0)] { (short) @if is_cut { "…" } }
            samp { (told) }
            span.fine { (aside) @if is_odd { @if !aside.is_empty() { " · " } (level) } }
        }
    }
}

fn time_ms(crumb: &Object<'_>) -> Option<i64> {
    crumb.get("timestamp").and_then(Json::float).map(|seconds| (seconds * 1000.0).round() as i64)
}

/// `−18 ms`.
fn relative(elapsed_ms: i64) -> String {
    match elapsed_ms {
        0 => "0 s".into(),
        ms if ms < 0 => format!("−{}", length(ms)),
        ms => format!("+{}", length(ms)),
    }
}

/// What a crumb says, and what stands beside it.
fn told(crumb: &Object<'_>, meta: Meta<'_>) -> (Markup, String) {
    let mut data = crumb.object("data").cloned().unwrap_or_default();
    data.retain(|_, found| !found.is_empty());
    let noted = meta.at("data");
    let mut aside = String::new();
    let head = if let Some(url) = take(&mut data, "url") {
        let method = take(&mut data, "method").unwrap_or_else(|| "GET".into());
        aside = take(&mut data, "status_code").unwrap_or_default();
        take(&mut data, "reason");
        html! { (value::cut(&method, 20).0) " " (value::noted(&url, noted.at("url"))) " " }
    } else if data.has("from")
        && let (Some(to), Some(from)) = (take(&mut data, "to"), take(&mut data, "from"))
    {
        html! { (value::noted(&from, noted.at("from"))) " → " (value::noted(&to, noted.at("to"))) " " }
    } else {
        html! {}
    };
    let message = crumb.text("message").unwrap_or("");
    let told = html! {
        @if !message.is_empty() { (value::noted(message, meta.at("message"))) " " }
        (head)
        @if !data.is_empty() { span.dim { (value::inline(&Json::Object(data), noted)) } }
    };
    (told, value::cut(&aside, 40).0.to_string())
}

/// A field as text, out of `data`.
fn take(data: &mut Object<'_>, key: &str) -> Option<String> {
    data.remove(key).map(|found| found.text().map_or_else(|| found.to_string(), String::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crumbs_go_back_from_the_crash() {
        let text = r#"{"timestamp":100,"breadcrumbs":{"values":[
            {"timestamp":96,"category":"query","message":"SELECT <1>"},
            {"timestamp":99.982,"type":"http","data":{"method":"POST","url":"https://v.example/x","status_code":500},"level":"error"}]}}"#;
        let page = section(&Event::stored(text), &mut Room::default()).into_string();
        assert!(page.find("−18 ms").expect("near") < page.find("−4.0 s").expect("far"), "{page}");
        assert!(page.contains("POST https://v.example/x") && page.contains("500 · error"), "{page}");
        assert!(page.contains("SELECT &lt;1&gt;"));
        assert!(page.find("<li class=\"hit\"><time>0 s").expect("the event") < page.find("−18 ms").expect("near"));
    }

    #[test]
    fn what_was_removed_says_by_which_rule() {
        let text = r#"{"breadcrumbs":{"values":[{"category":"shop.payments.cards","message":"a","data":{"token":"[Filtered]","n":1}}]},
            "_meta":{"breadcrumbs":{"values":{"0":{"data":{"token":{"":{"rem":[["@password:filter","s",0,10]]}}}}}}}}"#;
        let page = section(&Event::stored(text), &mut Room::default()).into_string();
        assert!(page.contains("removed: password") && page.contains("title=\"shop.payments.cards\">cards<"), "{page}");
    }

    #[test]
    fn many_crumbs_fold() {
        let crumb = r#"{"timestamp":1,"message":"a"}"#;
        let text = format!(r#"{{"breadcrumbs":{{"values":[{}]}}}}"#, vec![crumb; 700].join(","));
        let page = section(&Event::stored(&text), &mut Room::default()).into_string();
        assert!(page.contains("30 of 700") && page.contains("670 earlier"));
        assert!(page.matches("<li").count() <= SHOWN_MAX + 1);
    }
}
