//! The floor: what any tracker that keeps events must do with the same bytes, on one core.
//!
//! Inflate (libdeflate), read the JSON, compress (zstd level 3) against another event of the same issue. No socket, no
//! journal, no database, no grouping, no scrubbing. The server's cost per event is published beside it as a ratio.

use super::load::quantile;
use super::pool::Request;
use anyhow::{Context, Result};
use bugle_event::json;
use libdeflater::Decompressor;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use zstd::zstd_safe::{CCtx, CParameter, compress_bound};

const ZSTD_LEVEL: i32 = 3;
const PASSES: usize = 5;

/// Nanoseconds per event of each step: the median over [`PASSES`] passes.
#[derive(Debug, Clone, Copy)]
pub struct Floor {
    /// gzip to text.
    pub inflate_ns: u64,
    /// Text to tree, and the tree dropped.
    pub parse_ns: u64,
    /// Text to zstd.
    pub compress_ns: u64,
    /// Bytes of JSON per event.
    pub json_bytes: usize,
    /// Bytes of gzip per event.
    pub gzip_bytes: usize,
    /// Bytes of zstd per event.
    pub zstd_bytes: usize,
}

impl Floor {
    /// Microseconds per event of all three.
    pub fn micros(&self) -> f64 {
        (self.inflate_ns + self.parse_ns + self.compress_ns) as f64 / 1000.0
    }
}

/// Measures the floor of these requests, in the order in which they are sent.
pub fn measure(requests: &[Request]) -> Result<Floor> {
    let mut exemplars: HashMap<usize, Vec<u8>> = HashMap::new();
    let mut inflater = Decompressor::new();
    let mut text = Vec::new();
    let mut json_bytes = 0;
    for request in requests {
        inflate(&mut inflater, request.body(), &mut text)?;
        let event = event(&text)?;
        json_bytes += event.len();
        exemplars.entry(request.issue).or_insert_with(|| event.as_bytes().to_vec());
    }
    let mut passes = Vec::new();
    for _ in 0..PASSES {
        passes.push(pass(requests, &exemplars)?);
    }
    let count = requests.len();
    let median = |step: fn(&Pass) -> Duration| {
        let mut sorted: Vec<u64> = passes.iter().map(|pass| step(pass).as_nanos() as u64 / count as u64).collect();
        sorted.sort_unstable();
        quantile(&sorted, 0.5).unwrap_or_default()
    };
    Ok(Floor {
        inflate_ns: median(|pass| pass.inflate),
        parse_ns: median(|pass| pass.parse),
        compress_ns: median(|pass| pass.compress),
        json_bytes: json_bytes / count,
        gzip_bytes: requests.iter().map(|request| request.body().len()).sum::<usize>() / count,
        zstd_bytes: passes.iter().map(|pass| pass.zstd_bytes).sum::<usize>() / PASSES / count,
    })
}

#[derive(Default)]
struct Pass {
    inflate: Duration,
    parse: Duration,
    compress: Duration,
    zstd_bytes: usize,
}

/// Every request once, the clock read between the steps.
fn pass(requests: &[Request], exemplars: &HashMap<usize, Vec<u8>>) -> Result<Pass> {
    let mut pass = Pass::default();
    let mut inflater = Decompressor::new();
    let (mut text, mut packed) = (Vec::new(), Vec::new());
    let mut context = CCtx::create();
    set_level(&mut context)?;
    for request in requests {
        let exemplar = &exemplars[&request.issue];
        let start = Instant::now();
        inflate(&mut inflater, request.body(), &mut text)?;
        let inflated = Instant::now();
        let event = event(&text)?;
        std::hint::black_box(json::read(event, &mut Vec::new()));
        let parsed = Instant::now();
        pass.zstd_bytes += compress(&mut context, exemplar, event.as_bytes(), &mut packed)?;
        pass.inflate += inflated - start;
        pass.parse += parsed - inflated;
        pass.compress += parsed.elapsed();
    }
    Ok(pass)
}

/// A gzip body as text; its last four bytes say how long it is.
fn inflate(inflater: &mut Decompressor, body: &[u8], text: &mut Vec<u8>) -> Result<()> {
    let size = body.last_chunk::<4>().context("no gzip")?;
    text.resize(u32::from_le_bytes(*size) as usize, 0);
    inflater.gzip_decompress(body, text).context("gzip")?;
    Ok(())
}

/// The event of an envelope.
fn event(envelope: &[u8]) -> Result<&str> {
    let event = envelope.splitn(3, |byte| *byte == b'\n').nth(2).context("no event")?;
    Ok(std::str::from_utf8(event)?.trim_end())
}

fn set_level(context: &mut CCtx) -> Result<()> {
    let set = context.set_parameter(CParameter::CompressionLevel(ZSTD_LEVEL));
    set.map(drop).map_err(|code| anyhow::anyhow!("zstd {code}"))
}

/// Bytes of `event` when `exemplar` is known.
fn compress<'a>(context: &mut CCtx<'a>, exemplar: &'a [u8], event: &[u8], packed: &mut Vec<u8>) -> Result<usize> {
    packed.resize(compress_bound(event.len()), 0);
    let refer = context.ref_prefix(exemplar);
    refer.and_then(|_| context.compress2(&mut packed[..], event)).map_err(|code| anyhow::anyhow!("zstd {code}"))
}

#[cfg(test)]
mod tests {
    use super::super::pool::{Source, tests::root};
    use super::*;

    #[test]
    fn the_floor_is_of_whole_events() {
        let made = Source::new(root(), "localhost", "/api/1/envelope/", "k").unwrap().make(2000).unwrap();
        let floor = measure(&made).unwrap();
        println!("{floor:?}");
        assert!((15_000..20_000).contains(&floor.json_bytes), "{}", floor.json_bytes);
        assert!(floor.zstd_bytes * 10 < floor.gzip_bytes * 3);
        assert!(floor.inflate_ns > 0 && floor.parse_ns > 0 && floor.compress_ns > 0);
    }
}
