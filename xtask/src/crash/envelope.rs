//! The envelopes that are sent: real captured events, one or several to an envelope, messages among them, and now and
//! then an item of a kind that Bugle does not keep.

use super::books::Id;
use crate::capture;
use crate::random::Random;
use crate::server::Project;
use crate::template::{Template, shared_addresses};
use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use libdeflater::{CompressionLvl, Compressor};

/// Issues that the events belong to. Few, so that counters are written again and again.
const ISSUES: usize = 40;

/// What can be sent, and to whom.
pub struct Source {
    events: Vec<Template>,
    projects: Vec<(i64, Project)>,
}

/// An envelope, not yet addressed.
pub struct Envelope {
    /// The ids of its events.
    pub ids: Vec<Id>,
    body: Vec<u8>,
    is_gzipped: bool,
}

impl Source {
    /// The captures of this repository, for these projects.
    pub fn new(projects: Vec<Project>) -> Result<Source> {
        let captures = capture::read(crate::step::root())?;
        let shared = shared_addresses(&captures);
        let issues = capture::issues(&captures);
        let events = issues.iter().take(ISSUES).map(|issue| Template::of(&issue[0], &shared)).collect::<Result<_>>()?;
        let numbered = |project: Project| Ok((project.id.parse()?, project));
        Ok(Source { events, projects: projects.into_iter().map(numbered).collect::<Result<_>>()? })
    }

    /// How many projects there are.
    pub fn projects(&self) -> u64 {
        self.projects.len() as u64
    }

    /// The id of a project.
    pub fn project(&self, index: usize) -> i64 {
        self.projects[index].0
    }

    /// A new envelope.
    pub fn make(&self, random: &mut Random) -> Result<Envelope> {
        let count = if random.below(10) < 7 { 1 } else { 2 + random.below(3) };
        let (mut text, mut body, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let (header, event) = if random.below(5) == 0 {
                (String::new(), message(random))
            } else {
                self.events[random.below(self.events.len() as u64) as usize].write(random, Timestamp::now(), &mut text);
                let mut lines = std::str::from_utf8(&text)?.lines();
                let header = lines.next().context("a header")?.to_owned();
                (header, lines.nth(1).context("an event")?.to_owned())
            };
            let id = id_of(&event)?;
            if body.is_empty() {
                let header = if header.is_empty() { format!(r#"{{"event_id":"{id}"}}"#) } else { header };
                body.extend_from_slice(header.as_bytes());
                body.push(b'\n');
            }
            item(&mut body, "event", &event);
            ids.push(u128::from_str_radix(&id, 16)?.to_be_bytes());
        }
        if random.below(10) == 0 {
            item(&mut body, "profile", "{}");
        }
        let is_gzipped = random.below(2) == 0;
        Ok(Envelope { ids, body: if is_gzipped { gzip(&body)? } else { body }, is_gzipped })
    }

    /// The request that brings an envelope to a project.
    pub fn request(&self, project: usize, envelope: &Envelope) -> Vec<u8> {
        let (_, Project { id, key }) = &self.projects[project];
        let encoding = if envelope.is_gzipped { "Content-Encoding: gzip\r\n" } else { "" };
        let length = envelope.body.len();
        let mut request = format!(
            "POST /api/{id}/envelope/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-sentry-envelope\r\n\
             X-Sentry-Auth: Sentry sentry_key={key}, sentry_version=7, sentry_client=sentry.python/2.75.0\r\n\
             {encoding}Content-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(&envelope.body);
        request
    }
}

/// A message as an SDK sends it.
fn message(random: &mut Random) -> String {
    let id = format!("{:016x}{:016x}", random.next(), random.next());
    let (order, user) = (random.below(1_000_000), random.below(500));
    let now = format!("{:.6}", Timestamp::now());
    format!(r#"{{"event_id":"{id}","timestamp":"{now}","platform":"python","level":"info","logger":"shop.audit","#)
        + &format!(
            r#""environment":"production","user":{{"id":"{user}"}},"message":"Order {order} was shipped late"}}"#
        )
}

fn item(body: &mut Vec<u8>, kind: &str, payload: &str) {
    let header = format!(r#"{{"type":"{kind}","length":{}}}"#, payload.len());
    for line in [header.as_str(), payload] {
        body.extend_from_slice(line.as_bytes());
        body.push(b'\n');
    }
}

/// The id of an event, as its 32 digits.
fn id_of(event: &str) -> Result<String> {
    const MARK: &str = r#""event_id":"#;
    let at = event.find(MARK).context("an event without id")? + MARK.len();
    let id: String = event[at..].chars().skip_while(|c| *c == '"' || *c == ' ').take_while(|c| *c != '"').collect();
    ensure!(id.len() == 32, "an id of {} digits", id.len());
    Ok(id)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressor = Compressor::new(CompressionLvl::new(1).ok().context("gzip level")?);
    let mut packed = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let length = compressor.gzip_compress(bytes, &mut packed)?;
    packed.truncate(length);
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_event::envelope;
    use std::io::Read;

    #[test]
    fn envelopes_say_their_ids_and_no_id_comes_twice() {
        let source = Source::new(vec![Project { id: "3".into(), key: "k".into() }]).unwrap();
        let mut random = Random::seeded(5);
        let mut seen = std::collections::HashSet::new();
        let (mut several, mut messages, mut others) = (0, 0, 0);
        for _ in 0..400 {
            let made = source.make(&mut random).unwrap();
            let mut text = made.body.clone();
            if made.is_gzipped {
                text.clear();
                flate2::read::GzDecoder::new(made.body.as_slice()).read_to_end(&mut text).unwrap();
            }
            let split = envelope::split(&text).unwrap();
            let mut ids = Vec::new();
            for item in &split.items {
                if item.kind != "event" {
                    others += 1;
                    continue;
                }
                let event = std::str::from_utf8(item.payload).unwrap();
                messages += usize::from(event.contains("shipped late"));
                ids.push(u128::from_str_radix(&id_of(event).unwrap(), 16).unwrap().to_be_bytes());
            }
            assert_eq!(split.event_id.unwrap().0, ids[0], "the header names the first event");
            assert_eq!(ids, made.ids);
            several += usize::from(ids.len() > 1);
            assert!(ids.into_iter().all(|id| seen.insert(id)));
        }
        assert!(several > 60 && messages > 60 && others > 10, "{several} {messages} {others}");
    }
}
