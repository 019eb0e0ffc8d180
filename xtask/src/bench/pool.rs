//! Requests made before they are sent, so that making them does not compete with the server for the two cores.
//!
//! Invariants: every request has an event id of its own; bodies are gzipped as strongly as the SDK does; a seed gives
//! the same order of issues.

use crate::capture::{self, Envelope};
use crate::random::{Random, mix};
use crate::template::{Template, shared_addresses};
use anyhow::{Context, Result};
use jiff::Timestamp;
use libdeflater::{CompressionLvl, Compressor};
use std::path::Path;

/// libdeflate's level whose bodies are as large as those of zlib's level 9, which the Python SDK uses (a test compares
/// them); it takes a third of the time.
const GZIP_LEVEL: i32 = 6;

/// What can be sent: the issues and the head of a request.
pub struct Source {
    issues: Vec<Vec<Template>>,
    head: String,
    seed: u64,
}

/// One event, ready to be sent.
pub struct Request {
    /// Which issue it belongs to.
    pub issue: usize,
    /// Head and body, as they go over the wire.
    pub bytes: Box<[u8]>,
    /// Where the body starts.
    pub body_at: usize,
}

impl Request {
    /// The gzipped envelope.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body_at..]
    }
}

impl Source {
    /// The issues made of the captures below `root`, to be sent to `path` of `host` with `key`.
    pub fn new(root: &Path, host: &str, path: &str, key: &str) -> Result<Source> {
        let captures = capture::read(root)?;
        let shared = shared_addresses(&captures);
        let cut = |issue: &Vec<Envelope>| issue.iter().map(|envelope| Template::of(envelope, &shared)).collect();
        let issues = capture::issues(&captures).iter().map(cut).collect::<Result<_>>()?;
        let mut head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n");
        for (name, value) in capture::request_headers(root)? {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let client = "sentry_version=7, sentry_client=sentry.python/2.75.0";
        head.push_str(&format!("X-Sentry-Auth: Sentry sentry_key={key}, {client}\r\n"));
        Ok(Source { issues, head, seed: 0x6275_676c_6500 })
    }

    /// How many issues the requests are spread over.
    pub fn issues(&self) -> usize {
        self.issues.len()
    }

    /// Makes `count` requests on all cores. No two calls give the same event.
    pub fn make(&mut self, count: usize) -> Result<Vec<Request>> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        self.seed = mix(self.seed);
        let source = &*self;
        std::thread::scope(|scope| {
            let share = |worker: usize| count * (worker + 1) / workers - count * worker / workers;
            let running: Vec<_> = (0..workers)
                .map(|worker| (share(worker), source.seed ^ (worker as u64 + 1)))
                .map(|(share, seed)| scope.spawn(move || source.share(share, Random::seeded(mix(seed)))))
                .collect();
            let mut requests = Vec::with_capacity(count);
            for worker in running {
                requests.append(&mut worker.join().ok().context("a worker panicked")??);
            }
            Ok(requests)
        })
    }

    fn share(&self, count: usize, mut random: Random) -> Result<Vec<Request>> {
        let mut compressor = Compressor::new(CompressionLvl::new(GZIP_LEVEL).ok().context("gzip level")?);
        let (mut text, mut packed) = (Vec::new(), Vec::new());
        let one = |_| {
            let issue = random.below(self.issues.len() as u64) as usize;
            let templates = &self.issues[issue];
            let template = &templates[random.below(templates.len() as u64) as usize];
            template.write(&mut random, Timestamp::now(), &mut text);
            packed.resize(compressor.gzip_compress_bound(text.len()), 0);
            let length = compressor.gzip_compress(&text, &mut packed).context("gzip")?;
            let mut bytes = format!("{}Content-Length: {length}\r\n\r\n", self.head).into_bytes();
            let body_at = bytes.len();
            bytes.extend_from_slice(&packed[..length]);
            Ok(Request { issue, bytes: bytes.into_boxed_slice(), body_at })
        };
        (0..count).map(one).collect()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::io::{Read, Write};

    /// The repository.
    pub fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    fn unpacked(request: &Request) -> Vec<u8> {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(request.body()).read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn no_event_is_made_twice() {
        let mut source = Source::new(root(), "localhost", "/api/1/envelope/", "k").unwrap();
        let made: Vec<Request> =
            [source.make(3000).unwrap(), source.make(3000).unwrap()].into_iter().flatten().collect();
        let ids: HashSet<Vec<u8>> = made.iter().map(|request| unpacked(request)[..60].to_vec()).collect();
        let issues: HashSet<usize> = made.iter().map(|request| request.issue).collect();
        assert_eq!((made.len(), ids.len(), issues.len()), (6000, 6000, capture::ISSUES));
    }

    #[test]
    fn bodies_are_as_large_as_the_sdks() {
        let made = Source::new(root(), "localhost", "/api/1/envelope/", "k").unwrap().make(500).unwrap();
        let ours: usize = made.iter().map(|request| request.body().len()).sum();
        let zlib = |request: &Request| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(9));
            encoder.write_all(&unpacked(request)).unwrap();
            encoder.finish().unwrap().len()
        };
        let theirs: usize = made.iter().map(zlib).sum();
        println!("libdeflate {GZIP_LEVEL}: {} bytes, zlib 9: {} bytes", ours / made.len(), theirs / made.len());
        assert!(ours.abs_diff(theirs) * 100 < theirs * 2, "{ours} against {theirs}");
    }
}
