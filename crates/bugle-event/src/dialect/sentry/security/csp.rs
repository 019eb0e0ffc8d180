//! Content security policies: what a browser blocked, or would have.
//!
//! The message names what was blocked and from where, never a path: a page that loads a hundred images from one host
//! has one problem. For the same reason hosts group (`group::evidence`). Queries are cut off the address of what was
//! blocked: they vary, and they are about people.

use super::{SecurityError, pairs};
use crate::dialect::lenient;
use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::Problem;

/// Directives that a report can be about, and what they are about in words.
const DIRECTIVES: &[(&str, &str)] = &[
    ("base-uri", "base"),
    ("child-src", "child"),
    ("connect-src", "connection"),
    ("default-src", "resource"),
    ("fenced-frame-src", "fenced frame"),
    ("font-src", "font"),
    ("form-action", "form"),
    ("frame-ancestors", "embedding"),
    ("frame-src", "frame"),
    ("img-src", "image"),
    ("manifest-src", "manifest"),
    ("media-src", "media"),
    ("navigate-to", "navigation"),
    ("object-src", "object"),
    ("plugin-types", "plugin"),
    ("prefetch-src", "prefetch"),
    ("require-trusted-types-for", "untrusted text"),
    ("sandbox", "sandboxed feature"),
    ("script-src", "script"),
    ("script-src-attr", "script attribute"),
    ("script-src-elem", "script"),
    ("style-src", "style"),
    ("style-src-attr", "style attribute"),
    ("style-src-elem", "style"),
    ("trusted-types", "trusted type policy"),
    ("worker-src", "worker"),
];

/// Brings a report, whose keys are in snake case, into canonical shape.
pub(super) fn read(csp: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) {
    csp.retain(|key, value| {
        let at = &at.key(key);
        match key {
            "effective_directive"
            | "blocked_uri"
            | "document_uri"
            | "original_policy"
            | "referrer"
            | "violated_directive"
            | "source_file"
            | "script_sample"
            | "disposition" => lenient::text(value, at, problems),
            "status_code" | "line_number" | "column_number" => lenient::whole(value, at, problems),
            _ => !value.is_null(),
        }
    });
    if let Some(blocked) = csp.text("blocked_uri").map(plain_uri)
        && Some(blocked.as_str()) != csp.text("blocked_uri")
    {
        csp.set("blocked_uri", blocked);
    }
}

/// The event of a report.
///
/// # Errors
/// If it is no object, or about no directive that there is.
pub(super) fn event<'b>(mut report: Json<'b>, user_agent: Option<&str>) -> Result<Object<'b>, SecurityError> {
    if !super::read_interface("csp", &mut report, &Path::root("csp"), &mut Vec::new()) {
        return Err(SecurityError::Unknown);
    }
    let Json::Object(mut csp) = report else { return Err(SecurityError::Unknown) };
    let (directive, what) = directive(&csp).ok_or(SecurityError::Directive)?;
    csp.set("effective_directive", directive);
    if !csp.has("blocked_uri") {
        csp.set("blocked_uri", "self");
    }
    let blocked = csp.text("blocked_uri").unwrap_or_default().to_string();
    let page = csp.text("document_uri").unwrap_or_default().to_string();
    let violated = csp.text("violated_directive").unwrap_or(directive);

    let mut event = Object::default();
    event.set("logger", "csp");
    let mut message = Object::default();
    message.set("formatted", message_of(what, &blocked, &page, violated));
    event.set("logentry", message);
    event.set("culprit", culprit(violated));
    let host = host(&blocked);
    let tags = [("effective-directive", Some(directive)), ("blocked-uri", Some(&*blocked)), ("blocked-host", host)];
    event.set("tags", pairs(&tags));
    let origin = host_of_page(&page);
    let headers = [("User-Agent", user_agent), ("Referer", csp.text("referrer")), ("Origin", origin)];
    let mut request = Object::default();
    request.set("headers", pairs(&headers));
    if !page.is_empty() {
        request.set("url", page.clone());
    }
    event.set("request", request);
    event.set("csp", csp);
    Ok(event)
}

/// The directive and what it is about: the first word of the effective one, else of the violated one.
fn directive(csp: &Object<'_>) -> Option<(&'static str, &'static str)> {
    let text = csp.text("effective_directive").or_else(|| csp.text("violated_directive"))?;
    let name = text.split_whitespace().next()?.to_ascii_lowercase();
    DIRECTIVES.iter().find(|(known, _)| *known == name).copied()
}

/// `Blocked 'image' from 'evil.example'`, `Blocked inline 'script'`.
fn message_of(what: &str, blocked: &str, page: &str, violated: &str) -> String {
    let own_host = host(page);
    let is_local = |host: Option<&str>| host.is_some() && host == own_host;
    match blocked {
        "eval" | "wasm-eval" => format!("Blocked {blocked} of '{what}'"),
        "inline" if violated.contains("'unsafe-eval'") && !violated.contains("'unsafe-inline'") => {
            format!("Blocked inline or evaluated '{what}'")
        }
        "" | "self" | "'self'" | "inline" => format!("Blocked inline '{what}'"),
        uri if is_local(host(uri)) => format!("Blocked '{what}' from 'self'"),
        uri => format!("Blocked '{what}' from '{}'", host(uri).unwrap_or(uri)),
    }
}

/// The violated directive in short: addresses as their hosts, and no values that are new for each page.
fn culprit(violated: &str) -> String {
    let word = |word: &str| -> String {
        match word {
            nonce if nonce.starts_with("'nonce-") => "'nonce'".into(),
            uri => match (uri.contains("://"), host(uri)) {
                (true, Some(host)) => host.to_string(),
                _ => uri.to_string(),
            },
        }
    };
    let words: Vec<String> = violated.split_whitespace().map(word).collect();
    words.join(" ")
}

/// An address without query and fragment; of `data:…` and the like, which hold what was blocked itself, the scheme.
fn plain_uri(uri: &str) -> String {
    let uri = uri.trim();
    match uri.split_once(':') {
        Some((scheme @ ("data" | "blob" | "filesystem" | "javascript"), _)) => scheme.to_string(),
        _ => uri.split(['?', '#']).next().unwrap_or_default().to_string(),
    }
}

/// The host of an address, with its port.
fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    (!host.is_empty()).then_some(host)
}

/// `https://shop.example` of `https://shop.example/cart?id=1`.
fn host_of_page(page: &str) -> Option<&str> {
    let authority = page.find("://")? + 3;
    let end = page[authority..].find(['/', '?', '#']).map_or(page.len(), |end| authority + end);
    (end > authority && !page[authority..end].contains('@')).then(|| &page[..end])
}
