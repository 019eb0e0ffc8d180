//! The HTTP request in which the event happened.
//!
//! Query string, headers and cookies become pair lists however they come, and whatever the URL or a header hides
//! (a query, a fragment, a `Cookie`) moves to the field that has its name, so that scrubbing finds it there. A body
//! that is JSON or a form in a string is unfolded for the same reason: its keys tell what is secret.

use crate::dialect::lenient;
use crate::json::{self, Json, Object};
use crate::path::Path;
use crate::problem::Problem;
use std::borrow::Cow;

const JSON_TYPE: &str = "application/json";
const FORM_TYPE: &str = "application/x-www-form-urlencoded";

/// Reads the request; a string is its URL.
pub(super) fn read(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if matches!(value, Json::Text(url) if !url.is_empty()) {
        let mut request = Object::default();
        request.set("url", value.take());
        *value = Json::Object(request);
    }
    lenient::object(value, at, problems, |request, at, problems| {
        request.retain(|key, value| {
            let at = &at.key(key);
            match key {
                "url" | "fragment" | "inferred_content_type" | "protocol" | "api_target" => {
                    lenient::text(value, at, problems)
                }
                "method" => method(value, at, problems),
                "query_string" => query_string(value, at, problems),
                "cookies" => cookies(value, at, problems),
                "headers" => headers(value, at, problems),
                "env" => lenient::bag(value, at, problems),
                "data" => !value.is_empty(),
                _ => true,
            }
        });
        split_url(request);
        move_cookie_header(request);
        unfold_body(request);
        !request.is_empty()
    })
}

fn method(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if !lenient::text(value, at, problems) {
        return false;
    }
    let method = value.text().unwrap_or_default();
    let well_formed = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_');
    if method.len() > 32 || !method.bytes().all(well_formed) {
        return lenient::refuse(value, "an HTTP method", at, problems);
    }
    if method.bytes().any(|b| b.is_ascii_lowercase()) {
        *value = Json::from(method.to_ascii_uppercase());
    }
    true
}

fn query_string(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    *value = match value.take() {
        Json::Text(query) => query_pairs(query),
        other => plain_pairs(other, at, problems),
    };
    !value.is_empty()
}

fn query_pairs(query: Cow<'_, str>) -> Json<'_> {
    match query {
        Cow::Borrowed(query) => lenient::pairs(form_urlencoded::parse(query.trim_start_matches('?').as_bytes())),
        Cow::Owned(query) => lenient::pairs(
            form_urlencoded::parse(query.trim_start_matches('?').as_bytes())
                .map(|(key, value)| (Cow::Owned(key.into_owned()), Cow::Owned(value.into_owned()))),
        ),
    }
}

fn cookies(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    *value = match value.take() {
        Json::Text(cookies) => cookie_pairs(cookies),
        other => plain_pairs(other, at, problems),
    };
    !value.is_empty()
}

/// `a=b; c=d`, the form of a `Cookie` header.
fn cookie_pairs(cookies: Cow<'_, str>) -> Json<'_> {
    fn split(cookies: &str) -> impl Iterator<Item = (&str, &str)> {
        let cookies = cookies.split(';').map(str::trim).filter(|cookie| !cookie.is_empty());
        cookies.map(|cookie| cookie.split_once('=').unwrap_or((cookie, "")))
    }
    match cookies {
        Cow::Borrowed(text) => lenient::pairs(split(text).map(|(k, v)| (Cow::Borrowed(k), Cow::Borrowed(v)))),
        Cow::Owned(text) => lenient::pairs(split(&text).map(|(k, v)| (k.to_string().into(), v.to_string().into()))),
    }
}

/// A pair list of which nothing is known but that it is one.
fn plain_pairs<'a>(value: Json<'a>, at: &Path<'_>, problems: &mut Vec<Problem>) -> Json<'a> {
    let entries = lenient::entries(value, at, problems);
    lenient::pairs(entries.into_iter().map(|(key, value)| (key, one_text(value))))
}

/// Headers: names in title case, several values joined by a comma.
fn headers(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    let entries = lenient::entries(value.take(), at, problems);
    let named = entries.into_iter().filter(|(name, _)| !name.trim().is_empty());
    *value = lenient::pairs(named.map(|(name, value)| (title_case(name), one_text(value))));
    !value.is_empty()
}

fn one_text(value: Json<'_>) -> Cow<'_, str> {
    match value {
        Json::Text(text) | Json::Number(text) => text,
        Json::Bool(value) => Cow::Borrowed(if value { "True" } else { "False" }),
        Json::Null => Cow::Borrowed(""),
        Json::Array(values) => {
            let texts: Vec<_> = values.into_iter().map(one_text).collect();
            Cow::Owned(texts.join(","))
        }
        Json::Object(_) => Cow::Owned(value.to_string()),
    }
}

/// `content-type` as `Content-Type`. Capitals within a word stay.
fn title_case(name: Cow<'_, str>) -> Cow<'_, str> {
    let starts_low = |at: usize, b: u8| b.is_ascii_lowercase() && (at == 0 || name.as_bytes()[at - 1] == b'-');
    if !name.bytes().enumerate().any(|(at, b)| starts_low(at, b)) {
        return name;
    }
    let mut starts = true;
    let letter = |c: char| {
        let cased = if starts { c.to_ascii_uppercase() } else { c };
        starts = c == '-';
        cased
    };
    Cow::Owned(name.chars().map(letter).collect())
}

/// Moves query and fragment out of the URL, unless they are known already.
fn split_url(request: &mut Object<'_>) {
    let Some(Json::Text(url)) = request.get_mut("url") else { return };
    let Some(end) = url.find(['?', '#']) else { return };
    let (rest, base): (Cow<'_, str>, Cow<'_, str>) = match url {
        Cow::Borrowed(text) => (Cow::Borrowed(&text[end..]), Cow::Borrowed(&text[..end])),
        Cow::Owned(text) => (Cow::Owned(text[end..].to_string()), Cow::Owned(text[..end].to_string())),
    };
    *url = base;
    if url.is_empty() {
        request.remove("url");
    }
    let hash = rest.find('#').unwrap_or(rest.len());
    let cut = |from: usize, to: usize| match &rest {
        Cow::Borrowed(text) => Cow::Borrowed(&text[from..to]),
        Cow::Owned(text) => Cow::Owned(text[from..to].to_string()),
    };
    if hash > 1 && !request.has("query_string") {
        request.set("query_string", query_pairs(cut(0, hash)));
    }
    if hash + 1 < rest.len() && !request.has("fragment") {
        request.set("fragment", cut(hash + 1, rest.len()));
    }
}

/// A `Cookie` header is the cookies; it goes even if they are known, because they are scrubbed one by one.
fn move_cookie_header(request: &mut Object<'_>) {
    let Some(Json::Array(headers)) = request.get_mut("headers") else { return };
    let is_cookie = |pair: &Json<'_>| {
        pair.array().and_then(|pair| pair[0].text()).is_some_and(|n| n.eq_ignore_ascii_case("cookie"))
    };
    let mut found = None;
    headers.retain_mut(|pair| {
        let is_cookie = is_cookie(pair);
        if is_cookie && let Json::Array(sides) = pair {
            found = sides.pop();
        }
        !is_cookie
    });
    if headers.is_empty() {
        request.remove("headers");
    }
    if let Some(Json::Text(cookies)) = found
        && !cookies.trim().is_empty()
        && !request.has("cookies")
    {
        request.set("cookies", cookie_pairs(cookies));
    }
}

/// Unfolds a body that is JSON or a form in a string, and says which.
fn unfold_body(request: &mut Object<'_>) {
    let declared =
        crate::event::pairs(request.array("headers")).find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let is_form = declared.map(|(_, kind)| kind.contains("urlencoded"));
    let Some(Json::Text(body)) = request.get_mut("data") else { return };
    let (value, kind) = match body {
        Cow::Borrowed(text) => unfolded(text, is_form).map(|(value, kind)| (Some(value), kind)),
        Cow::Owned(text) => unfolded(text, is_form).map(|(value, kind)| (Some(value.into_owned()), kind)),
    }
    .unwrap_or((None, ""));
    if let Some(value) = value {
        request.set("data", value);
        if !request.has("inferred_content_type") {
            request.set("inferred_content_type", kind);
        }
    }
}

/// `is_form`: whether the request said that its body is a form; `None` if it said nothing.
fn unfolded<'t>(text: &'t str, is_form: Option<bool>) -> Option<(Json<'t>, &'static str)> {
    if text.trim_start().starts_with(['{', '[']) {
        let value = json::read_whole(text).ok()?;
        return Some((value, JSON_TYPE));
    }
    let field =
        |field: &str| field.split_once('=').is_some_and(|(key, value)| !key.is_empty() && !value.starts_with('='));
    let looks_like_form = || !text.contains([' ', '\n', '<', '"']) && text.trim_end_matches('=').split('&').all(field);
    is_form.unwrap_or_else(looks_like_form).then(|| (form(text), FORM_TYPE))
}

/// A form as an object; a field that occurs several times is an array.
fn form(text: &str) -> Json<'_> {
    let mut places = std::collections::HashMap::new();
    let mut fields: Vec<(Cow<'_, str>, Json<'_>)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text.trim().as_bytes()) {
        let place = *places.entry(name.clone()).or_insert(fields.len());
        match fields.get_mut(place) {
            None => fields.push((name, Json::Text(value))),
            Some((_, Json::Array(values))) => values.push(Json::Text(value)),
            Some((_, single)) => *single = Json::Array(vec![single.take(), Json::Text(value)]),
        }
    }
    Json::Object(fields.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> String {
        let mut problems = Vec::new();
        let mut value = crate::json::read(json, &mut problems);
        assert!(read(&mut value, &Path::root("request"), &mut problems), "{json}");
        value.to_string() + &"!".repeat(problems.len())
    }

    #[test]
    fn a_query_comes_in_every_form() {
        let expected = r#"{"query_string":[["a","1 2"],["b",""]]}"#;
        for query in [r#""?a=1+2&b=""#, r#""a=1%202&b""#, r#"{"a":"1 2","b":null}"#, r#"[["a","1 2"],["b",""]]"#] {
            assert_eq!(of(&format!(r#"{{"query_string":{query}}}"#)), expected, "{query}");
        }
    }

    #[test]
    fn the_url_gives_its_query_and_fragment_away() {
        assert_eq!(
            of(r#"{"url":"https://x.example/a?b=c#d"}"#),
            r#"{"url":"https://x.example/a","query_string":[["b","c"]],"fragment":"d"}"#
        );
        assert_eq!(
            of(r#"{"url":"https://x.example/a?b=c","query_string":"e=f"}"#),
            r#"{"url":"https://x.example/a","query_string":[["e","f"]]}"#
        );
        assert_eq!(of(r#""https:\/\/x.example\/?a=1""#), r#"{"url":"https://x.example/","query_string":[["a","1"]]}"#);
    }

    #[test]
    fn headers_are_named_and_joined() {
        assert_eq!(
            of(r#"{"headers":{"content-type":"a","X-CSRF-Token":["b","c"],"accept":null,"age":1}}"#),
            r#"{"headers":[["Content-Type","a"],["X-CSRF-Token","b,c"],["Accept",""],["Age","1"]]}"#
        );
    }

    #[test]
    fn a_cookie_header_becomes_cookies() {
        assert_eq!(
            of(r#"{"headers":[["cookie","a=b; c=d=e; f"]]}"#),
            r#"{"cookies":[["a","b"],["c","d=e"],["f",""]]}"#
        );
        assert_eq!(
            of(r#"{"cookies":{"a":"b"},"headers":{"Cookie":"a=b","Host":"h"}}"#),
            r#"{"cookies":[["a","b"]],"headers":[["Host","h"]]}"#
        );
    }

    #[test]
    fn a_body_in_a_string_is_unfolded() {
        for (data, expected) in [
            (r#""{\"a\":[1]}""#, r#""data":{"a":[1]},"inferred_content_type":"application/json""#),
            (
                r#""a=1&b=2&a=3""#,
                r#""data":{"a":["1","3"],"b":"2"},"inferred_content_type":"application/x-www-form-urlencoded""#,
            ),
            (r#""{\"a\":""#, r#""data":"{\"a\":""#),
            (r#""a = b""#, r#""data":"a = b""#),
            (r#""aGVsbG8=""#, r#""data":"aGVsbG8=""#),
            (r#"{"a":1}"#, r#""data":{"a":1}"#),
        ] {
            assert_eq!(of(&format!(r#"{{"data":{data}}}"#)), format!("{{{expected}}}"), "{data}");
        }
        let declared = of(r#"{"data":"a=b","headers":{"Content-Type":"text/plain"}}"#);
        assert!(declared.starts_with(r#"{"data":"a=b","#), "{declared}");
    }

    #[test]
    fn a_method_is_a_word_in_capitals() {
        assert_eq!(of(r#"{"method":"post"}"#), r#"{"method":"POST"}"#);
        assert_eq!(of(r#"{"method":"a b","url":"u"}"#), r#"{"url":"u"}!"#);
    }
}
