//! The captured envelopes (`fixtures/bench`, made by `xtask/capture/capture.py`) and the issues made of them.
//!
//! 64 captures are 25 issues of two events and more. A tracker's cost depends on how many issues a stream touches, so
//! each is turned into several by renaming its in-app functions and its exception's type; everything else stays as the
//! SDK wrote it, byte for byte. Names get letters only: digits would be masked by grouping and fall together again.

use anyhow::{Context, Result, ensure};
use bugle_event::json::{self, Json, Object};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many different issues the bench reports to.
pub const ISSUES: usize = 512;

/// An envelope with one event, as an SDK writes it.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The envelope's header.
    pub header: String,
    /// The event.
    pub event: String,
}

impl Envelope {
    /// The envelope's bytes.
    pub fn text(&self) -> String {
        let length = self.event.len();
        let item = format!(r#"{{"type":"event","content_type":"application/json","length":{length}}}"#);
        format!("{}\n{item}\n{}\n", self.header, self.event)
    }
}

/// The captures in `fixtures/bench/envelopes.ndjson` below `root`.
pub fn read(root: &Path) -> Result<Vec<Envelope>> {
    let path = root.join("fixtures/bench/envelopes.ndjson");
    let text = std::fs::read_to_string(&path).with_context(|| format!("captures in {}", path.display()))?;
    let lines: Vec<&str> = text.lines().collect();
    ensure!(!lines.is_empty() && lines.len().is_multiple_of(3), "{} is not three lines per envelope", path.display());
    Ok(lines.chunks(3).map(|lines| Envelope { header: lines[0].into(), event: lines[2].into() }).collect())
}

/// What the SDK sends beside `Host`, `Content-Length` and its key: name and value.
pub fn request_headers(root: &Path) -> Result<Vec<(String, String)>> {
    let path = root.join("fixtures/bench/request.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("headers in {}", path.display()))?;
    let headers = json::read(&text, &mut Vec::new());
    let headers = headers.object().context("the headers are no object")?;
    let own = ["Host", "Content-Length", "X-Sentry-Auth"];
    Ok(headers
        .iter()
        .filter(|(name, _)| !own.contains(name))
        .filter_map(|(name, value)| Some((name.to_owned(), value.text()?.to_owned())))
        .collect())
}

/// [`ISSUES`] issues, each as the captures that report it: same place in the code, other visits.
pub fn issues(captures: &[Envelope]) -> Vec<Vec<Envelope>> {
    let places = by_place(captures);
    (0..ISSUES)
        .map(|issue| places[issue % places.len()].iter().map(|capture| renamed(capture, issue)).collect())
        .collect()
}

/// The captures, those of the same exception from the same lines of code together.
pub fn by_place(captures: &[Envelope]) -> Vec<Vec<&Envelope>> {
    let mut places: BTreeMap<String, Vec<&Envelope>> = BTreeMap::new();
    for capture in captures {
        let tree = json::read(&capture.event, &mut Vec::new());
        let mut place = String::new();
        for exception in chain(&tree) {
            place.push_str(exception.text("type").unwrap_or_default());
            for frame in frames(exception) {
                let line = frame.get("lineno").and_then(Json::int).unwrap_or_default();
                place.push_str(&format!(" {}:{line}", frame.text("filename").unwrap_or_default()));
            }
        }
        places.entry(place).or_default().push(capture);
    }
    places.into_values().collect()
}

/// The capture as it would look in another place of the code.
fn renamed(capture: &Envelope, issue: usize) -> Envelope {
    let word = word(issue);
    let mut event = capture.event.clone();
    let tree = json::read(&capture.event, &mut Vec::new());
    let chain = chain(&tree);
    for function in in_app_functions(&chain) {
        event = event.replace(
            &format!(r#""function":"{function}""#),
            &format!(r#""function":"{function}_{}""#, word.to_lowercase()),
        );
    }
    if let Some(name) = chain.last().and_then(|main| main.text("type")) {
        event = event.replace(&format!(r#""type":"{name}""#), &format!(r#""type":"{name}{word}""#));
    }
    Envelope { header: capture.header.clone(), event }
}

/// The exceptions of an event, the main one last.
fn chain<'a>(event: &'a Json<'a>) -> Vec<&'a Object<'a>> {
    let exceptions = event.object().and_then(|event| event.object("exception"));
    exceptions.map(|found| found.array("values").iter().filter_map(Json::object).collect()).unwrap_or_default()
}

/// The frames of an exception, the crash site last.
fn frames<'a>(exception: &'a Object<'a>) -> impl Iterator<Item = &'a Object<'a>> {
    exception.object("stacktrace").into_iter().flat_map(|trace| trace.array("frames")).filter_map(Json::object)
}

/// Names of the functions of in-app frames.
fn in_app_functions<'a>(chain: &[&'a Object<'a>]) -> BTreeSet<&'a str> {
    chain
        .iter()
        .flat_map(|exception| frames(exception))
        .filter(|frame| frame.get("in_app").and_then(Json::bool) == Some(true))
        .filter_map(|frame| frame.text("function"))
        .collect()
}

/// A word that can be spoken, another one for every number below 10⁶.
fn word(number: usize) -> String {
    const CONSONANTS: &[u8; 20] = b"bcdfghjklmnpqrstvwxz";
    const VOWELS: &[u8; 5] = b"aeiou";
    let mut word = String::new();
    let mut rest = number;
    for place in 0..3 {
        let syllable = [CONSONANTS[rest % 20], VOWELS[rest / 20 % 5]];
        let first = if place == 0 { syllable[0].to_ascii_uppercase() } else { syllable[0] };
        word.push(char::from(first));
        word.push(char::from(syllable[1]));
        rest /= 100;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    #[test]
    fn every_issue_has_a_stack_and_a_type_of_its_own() {
        let captures = read(root()).unwrap();
        assert!(captures.len() >= 64);
        let issues = issues(&captures);
        let mut seen = HashSet::new();
        for issue in &issues {
            let mut names = HashSet::new();
            for envelope in issue {
                let mut problems = Vec::new();
                let tree = json::read(&envelope.event, &mut problems);
                assert!(problems.is_empty(), "{problems:?}");
                let chain = chain(&tree);
                let functions: Vec<&str> = in_app_functions(&chain).into_iter().collect();
                assert!(!functions.is_empty());
                names.insert((chain.last().unwrap().text("type").unwrap().to_owned(), functions.join(" ")));
            }
            assert_eq!(names.len(), 1, "captures of one issue differ: {names:?}");
            seen.extend(names);
        }
        assert_eq!(seen.len(), ISSUES);
    }

    #[test]
    fn words_have_no_digit_and_do_not_repeat() {
        let words: HashSet<String> = (0..10_000).map(word).collect();
        assert_eq!(words.len(), 10_000);
        assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic())));
    }

    #[test]
    fn captures_name_no_place_but_a_servers() {
        for capture in read(root()).unwrap() {
            let text = capture.text();
            for place in ["/home/", "/Users/", "pyenv"] {
                assert!(!text.contains(place), "{place}");
            }
        }
    }
}
