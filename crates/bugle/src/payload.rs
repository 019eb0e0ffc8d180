//! Payloads: an event's JSON as it lies in the journal and in the database.
//!
//! **Format.** A payload is one zstd frame (with the content size) of the event's JSON, compressed with
//! an *exemplar* as reference prefix (`ZSTD_CCtx_refPrefix`, no dictionary id). The exemplar is another event's
//! JSON of the same family; its own stored body is a plain zstd frame. Measured on events of the Python SDK:
//! 17 KB become about 4.7 KB alone and 0.3 KB against a sibling.
//!
//! **Invariants.** A payload can be read with its exemplar alone. An exemplar serves one family, for at most a day
//! ([`EXEMPLAR_MS_MAX`]), and is durable before anything refers to it: the record that brings it carries it, and the
//! door learns of it only when that record is durable (`receive::families`). Which exemplar is used never changes
//! what is read back.

use std::cell::RefCell;
use std::io;
use zstd::zstd_safe::{CCtx, CParameter, DCtx, SafeResult, get_error_name};

/// An exemplar older than this is not used for new events, in milliseconds.
pub const EXEMPLAR_MS_MAX: i64 = 24 * 3_600_000;

/// The largest JSON that is stored, in bytes. Bounds what reading one payload may allocate.
pub const JSON_BYTES_MAX: usize = 4 << 20;

/// Level 2, and no match shorter than six bytes. Measured on 5,000 events of the bench against their exemplars: 588 bytes;
/// level 2 as it is gives 610, level 3 gives 601 and takes longer, level 9 gives 556 in seven times the time.
const LEVEL: i32 = 2;
const MATCH_BYTES_MIN: u32 = 6;

/// An exemplar whose JSON is at hand.
#[derive(Debug, Clone)]
pub struct Exemplar {
    /// Its id in the database.
    pub id: i64,
    /// The JSON that payloads are compressed against.
    pub json: std::sync::Arc<[u8]>,
}

thread_local! {
    static COMPRESS: RefCell<CCtx<'static>> = RefCell::new(compressor());
}

/// Compresses `json`, alone or against an exemplar's JSON.
pub fn compress(json: &[u8], against: Option<&[u8]>) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(zstd::zstd_safe::compress_bound(json.len()));
    COMPRESS.with_borrow_mut(|context| {
        let result = match against {
            None => context.compress2(&mut out, json),
            Some(prefix) => compress_against(context, &mut out, json, prefix),
        };
        result.map_err(|code| {
            // Leaves neither half a frame nor the prefix behind.
            *context = compressor();
            failed(code)
        })
    })?;
    out.shrink_to_fit();
    Ok(out)
}

fn compressor() -> CCtx<'static> {
    let mut context = CCtx::create();
    // Both are within bounds, so setting them cannot fail; were it to, zstd's defaults apply.
    let _ = context.set_parameter(CParameter::CompressionLevel(LEVEL));
    let _ = context.set_parameter(CParameter::MinMatch(MATCH_BYTES_MIN));
    context
}

/// One frame against `prefix`, on a context that outlives it. Making a context for each event would cost 11 µs of
/// the 24 that this takes.
#[allow(unsafe_code)]
fn compress_against(context: &mut CCtx<'static>, out: &mut Vec<u8>, json: &[u8], prefix: &[u8]) -> SafeResult {
    // SAFETY: zstd reads a prefix while it compresses the one frame that follows, which `compress2` does before
    // `prefix` goes out of scope, and forgets it then ("ZSTD_CCtx_refPrefix: … only used for the next frame"). If
    // `compress2` fails or panics before, the caller replaces the context or the thread's storage is dropped, which
    // frees it without reading the prefix.
    let prefix: &'static [u8] = unsafe { std::mem::transmute::<&[u8], &'static [u8]>(prefix) };
    context.ref_prefix(prefix)?;
    context.compress2(out, json)
}

/// The JSON of a stored body.
///
/// # Errors
/// When the body is damaged, was compressed against something else, or would be larger than [`JSON_BYTES_MAX`].
pub fn expand(body: &[u8], against: Option<&[u8]>) -> io::Result<Vec<u8>> {
    let size = zstd::zstd_safe::get_frame_content_size(body)
        .ok()
        .flatten()
        .filter(|&size| size <= JSON_BYTES_MAX as u64)
        .ok_or_else(|| io::Error::other("the payload's size is missing or out of bounds"))?;
    let mut context = DCtx::create();
    if let Some(prefix) = against {
        context.ref_prefix(prefix).map_err(failed)?;
    }
    let mut out = Vec::with_capacity(size as usize);
    context.decompress(&mut out, body).map_err(failed)?;
    Ok(out)
}

fn failed(code: usize) -> io::Error {
    io::Error::other(format!("zstd: {}", get_error_name(code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(user: u32) -> Vec<u8> {
        let frames: String = (0..50).map(|n| format!("{{\"function\":\"f{n}\",\"lineno\":{}}},", n * 7)).collect();
        format!("{{\"user\":{{\"id\":\"{user}\"}},\"frames\":[{frames}null]}}").into_bytes()
    }

    #[test]
    fn a_sibling_makes_it_small_and_it_reads_back() {
        let (first, second) = (event(1), event(2));
        let alone = compress(&second, None).expect("compresses");
        let against = compress(&second, Some(&first)).expect("compresses");
        assert!(against.len() * 5 < alone.len(), "{} against {}", against.len(), alone.len());
        assert_eq!(expand(&alone, None).expect("expands"), second);
        assert_eq!(expand(&against, Some(&first)).expect("expands"), second);
    }

    #[test]
    fn damage_and_lies_are_errors() {
        let body = compress(&event(1), None).expect("compresses");
        assert!(expand(&body[..body.len() - 3], None).is_err());
        assert!(expand(b"not zstd", None).is_err());
        let bomb = compress(&vec![b'a'; JSON_BYTES_MAX + 1], None).expect("compresses");
        assert!(expand(&bomb, None).is_err());
    }
}
