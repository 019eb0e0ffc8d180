//! Envelopes made by hand, and every encoding that SDKs and proxies wrap them in.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde_json::{Value, json};

use crate::door::{Answer, Request};
use crate::{Bugle, Project};

/// An event id made of a number: 32 hex digits, different for different numbers.
pub fn id(number: u64) -> String {
    format!("{:032x}", (u128::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) % (1 << 127))
}

/// The smallest event that still has a stack: an exception in one in-app frame.
pub fn exception(kind: &str, value: &str) -> Value {
    let frame =
        json!({"function": "pay", "module": "shop.till", "filename": "shop/till.py", "lineno": 7, "in_app": true});
    json!({
        "platform": "python",
        "level": "error",
        "environment": "staging",
        "exception": {"values": [{
            "type": kind,
            "value": value,
            "stacktrace": {"frames": [frame]},
        }]},
    })
}

/// An envelope around one event.
pub fn with_event(event_id: &str, event: &Value) -> Vec<u8> {
    with_text(event_id, event.to_string().as_bytes())
}

/// An envelope around one event whose JSON is given as bytes, broken or not.
pub fn with_text(event_id: &str, event: &[u8]) -> Vec<u8> {
    let mut envelope = format!("{{\"event_id\":\"{event_id}\"}}\n").into_bytes();
    envelope.extend(format!("{{\"type\":\"event\",\"length\":{}}}\n", event.len()).bytes());
    envelope.extend(event);
    envelope.push(b'\n');
    envelope
}

/// Sends an envelope with the project's key.
pub fn send(bugle: &Bugle, project: &Project, envelope: Vec<u8>) -> Answer {
    Request::post(path(project), envelope).key(&project.key).send(bugle.address()).expect("an answer")
}

/// The path that takes the project's envelopes.
pub fn path(project: &Project) -> String {
    format!("/api/{}/envelope/", project.id)
}

/// gzip, as one member.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes everything")
}

/// gzip, as one member per part, which is one stream by RFC 1952.
pub fn gzip_members(body: &[u8], parts: usize) -> Vec<u8> {
    body.chunks(body.len().div_ceil(parts)).flat_map(gzip).collect()
}

/// deflate as HTTP means it: in a zlib wrapper.
pub fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes everything")
}

/// deflate as some clients mean it: bare.
pub fn raw_deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes everything")
}

/// Brotli.
pub fn brotli(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &body[..], &mut out, &Default::default()).expect("memory takes everything");
    out
}

/// Zstandard.
pub fn zstd(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 3).expect("memory takes everything")
}
