//! Security reports: what browsers send about a page's policies (Sentry protocol, section 11).
//!
//! A browser is no SDK: it posts one report in the form of its standard, or a list of them by the Reporting API. Here
//! each becomes the JSON of an ordinary event, with a message, tags and what groups it, and all of a body become the
//! items of an envelope, so that from there on they go the way of every event. Reports of other kinds become items that
//! are counted as not kept.
//!
//! | sent | kept as |
//! |---|---|
//! | `{"csp-report": …}`, `{"type": "csp-violation", "body": …}` | `csp` |
//! | `{"expect-ct-report": …}` | `expectct` |
//! | `{"expect-staple-report": …}` | `expectstaple` |
//! | an object with `known-pins` | `hpkp` |
//!
//! Keys come in kebab, camel and snake case, depending on the standard and the browser; they are kept in snake case.

mod certificate;
mod csp;

use crate::dialect::lenient;
use crate::json::{self, Json, Object};
use crate::path::Path;
use crate::problem::Problem;
use crate::time;

/// The most reports of one body.
pub const REPORTS_MAX: usize = 200;

/// What the request tells about its reports.
#[derive(Debug, Clone, Default)]
pub struct About<'r> {
    /// When it came, Unix milliseconds.
    pub received_ms: i64,
    /// The browser.
    pub user_agent: Option<&'r str>,
    /// The release that the site names in the address for reports.
    pub release: Option<String>,
    /// The environment that it names there.
    pub environment: Option<String>,
}

/// Why a body is no security report. Answer 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecurityError {
    /// There is nothing in it.
    #[error("The body is empty; a report is an object of JSON.")]
    Empty,
    /// It is no JSON.
    #[error("The body is not one JSON value; it breaks at byte {at}.")]
    Json {
        /// Where it breaks.
        at: usize,
    },
    /// Its one report is of no known kind.
    #[error("The body is no report that is known: neither about a content security policy nor about a certificate.")]
    Unknown,
    /// Its one report is about a directive that does not exist.
    #[error("The report names no directive of a content security policy.")]
    Directive,
    /// It has too many reports.
    #[error("The body has more than {REPORTS_MAX} reports.")]
    TooMany,
}

/// One report of a body.
#[derive(Debug, PartialEq)]
enum Report<'b> {
    /// As the event that it becomes.
    Event(Object<'b>),
    /// Nothing that is kept.
    Other,
}

/// The reports of `body` as an envelope of events.
///
/// # Errors
/// [`SecurityError`], about the body as a whole. In a list, an element that is no report is an item that is not kept.
pub fn envelope(body: &str, about: &About<'_>) -> Result<Vec<u8>, SecurityError> {
    let reports = match read(body)? {
        Json::Array(list) if list.len() > REPORTS_MAX => return Err(SecurityError::TooMany),
        Json::Array(list) => list.into_iter().map(|one| report(one, about).unwrap_or(Report::Other)).collect(),
        single => vec![report(single, about)?],
    };
    let mut out = b"{}\n".to_vec();
    for report in reports {
        match report {
            Report::Event(event) => {
                let mut json = Vec::new();
                event.write(&mut json);
                out.extend_from_slice(format!("{{\"type\":\"event\",\"length\":{}}}\n", json.len()).as_bytes());
                out.extend_from_slice(&json);
                out.push(b'\n');
            }
            Report::Other => out.extend_from_slice(b"{\"type\":\"security\",\"length\":0}\n\n"),
        }
    }
    Ok(out)
}

/// The reports of a network, of which there may be several in a body, as an envelope of items that are not kept.
///
/// # Errors
/// [`SecurityError`], if the body is none.
pub fn network_envelope(body: &str) -> Result<Vec<u8>, SecurityError> {
    let count = match read(body)? {
        Json::Array(list) if list.len() > REPORTS_MAX => return Err(SecurityError::TooMany),
        Json::Array(list) => list.len(),
        Json::Object(_) => 1,
        _ => return Err(SecurityError::Unknown),
    };
    let mut out = b"{}\n".to_vec();
    (0..count).for_each(|_| out.extend_from_slice(b"{\"type\":\"nel\",\"length\":0}\n\n"));
    Ok(out)
}

/// Brings one of the interfaces `csp`, `expectct`, `expectstaple` and `hpkp` into canonical shape.
pub(super) fn read_interface(key: &str, value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    lenient::object(value, at, problems, |report, at, problems| {
        let own = std::mem::take(report);
        *report = own.into_iter().map(|(key, value)| (snake(&key), value)).collect();
        match key {
            "csp" => csp::read(report, at, problems),
            _ => certificate::read(report, at, problems),
        }
        !report.is_empty()
    })
}

fn read(body: &str) -> Result<Json<'_>, SecurityError> {
    if body.trim().is_empty() {
        return Err(SecurityError::Empty);
    }
    json::read_whole(body).map_err(|at| SecurityError::Json { at })
}

fn report<'b>(report: Json<'b>, about: &About<'_>) -> Result<Report<'b>, SecurityError> {
    let Json::Object(mut report) = report else { return Err(SecurityError::Unknown) };
    if report.has("type") && report.object("body").is_some() {
        return of_reporting_api(report, about);
    }
    for (wrapper, kind) in certificate::KINDS {
        let body = match wrapper {
            Some(wrapper) => report.remove(wrapper).or_else(|| report.remove(&wrapper.replace('-', "_"))),
            None if report.has("known-pins") || report.has("known_pins") => {
                Some(Json::Object(std::mem::take(&mut report)))
            }
            None => None,
        };
        if let Some(mut body) = body {
            return match read_interface(kind, &mut body, &Path::root(kind), &mut Vec::new()) {
                true => Ok(Report::Event(finish(certificate::event(kind, body), about, None))),
                false => Err(SecurityError::Unknown),
            };
        }
    }
    let body = report.remove("csp-report").or_else(|| report.remove("csp_report")).ok_or(SecurityError::Unknown)?;
    Ok(Report::Event(finish(csp::event(body, about.user_agent)?, about, None)))
}

/// `{"type", "age", "url", "user_agent", "body"}`.
fn of_reporting_api<'b>(mut report: Object<'b>, about: &About<'_>) -> Result<Report<'b>, SecurityError> {
    if report.text("type") != Some("csp-violation") {
        return Ok(Report::Other);
    }
    let Some(Json::Object(mut body)) = report.remove("body") else { return Err(SecurityError::Unknown) };
    if !body.has("documentURL")
        && !body.has("document-uri")
        && let Some(url) = report.remove("url")
    {
        body.set("document_uri", url);
    }
    let browser = report.text("user_agent").map(str::to_string);
    let age_ms = report.get("age").and_then(Json::float).map(|age| age.clamp(0.0, 9e12) as i64);
    let event = csp::event(Json::Object(body), browser.as_deref().or(about.user_agent))?;
    Ok(Report::Event(finish(event, about, age_ms)))
}

/// Adds what the request tells.
fn finish<'b>(mut event: Object<'b>, about: &About<'_>, age_ms: Option<i64>) -> Object<'b> {
    event.set("platform", "other");
    if let Some(age_ms) = age_ms {
        event.set("timestamp", time::seconds(about.received_ms.saturating_sub(age_ms)));
    }
    for (key, value) in [("release", &about.release), ("environment", &about.environment)] {
        if let Some(value) = value {
            event.set(key, value.clone());
        }
    }
    let mut user = Object::default();
    user.set("ip_address", "{{auto}}");
    event.set("user", user);
    event
}

/// `blocked-uri`, `blockedURI` and `blockedURL` as `blocked_uri`.
fn snake(key: &str) -> std::borrow::Cow<'static, str> {
    let mut name = String::with_capacity(key.len() + 4);
    let mut after_small = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && after_small {
            name.push('_');
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        name.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    if let Some(start) = name.strip_suffix("_url") {
        name = format!("{start}_uri");
    }
    if name == "sample" {
        name = "script_sample".into();
    }
    name.into()
}

/// The pairs of a tag list or of headers, without those that have no value.
fn pairs<'a>(pairs: &[(&'static str, Option<&str>)]) -> Json<'a> {
    let known = pairs.iter().filter_map(|(key, value)| Some((*key, value.filter(|value| !value.is_empty())?)));
    Json::Array(known.map(|(key, value)| vec![Json::from(key), Json::from(value.to_string())].into()).collect())
}

#[cfg(test)]
mod tests;
