//! Undoes a request body's `Content-Encoding`, within a bound (Sentry protocol, "Content-Encoding").
//!
//! Invariants:
//! * The output never grows past `bytes_max`, and memory not much past it: a bomb is noticed while it unpacks.
//! * What is not compressed is handed back as it came, without a copy.
//!
//! The header is a hint. Proxies inflate a body and leave the header, or drop the header and leave the body, so
//! the first bytes have the last word: gzip and zstd are known by their magic, and a body that opens like JSON
//! after failing to inflate is taken as it is. Empty and `UTF-8` (old Ruby and Android SDKs) mean nothing was done.
//!
//! Almost every event is one small gzip member, which libdeflate inflates in one call and half the time of a
//! streaming decoder. It needs room for all of its output at once, so it is used only where the member declares
//! a small size; a lie about it costs a second, streaming attempt.

use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Read;

/// How many encodings may be applied one over the other (`gzip, br`).
pub const CODINGS_MAX: usize = 2;

/// The largest declared size for which a gzip body is inflated in one call.
const ONE_CALL_BYTES_MAX: usize = 1 << 20;

/// How much a streaming decoder hands out at a time.
const CHUNK_BYTES: usize = 32 * 1024;

/// log2 of the largest zstd window that is allocated: 8 MiB, what RFC 8878 asks every decoder to support.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b, 0x08];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Why a body could not be inflated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// It unpacks to more than is allowed. Answer 413.
    #[error("The body is larger than {bytes_max} bytes once it is decompressed. Send less at a time.")]
    TooLarge {
        /// The bound that was hit, in bytes.
        bytes_max: usize,
    },
    /// It is not what its encoding says. Answer 400.
    #[error("The body cannot be read as {encoding}: {reason}.")]
    Unreadable {
        /// The encoding that failed.
        encoding: &'static str,
        /// What was wrong, and where.
        reason: String,
    },
    /// Nobody here knows the encoding. Answer 400.
    #[error("The Content-Encoding “{encoding}” is unknown. Use gzip, deflate, br, zstd or none.")]
    UnknownEncoding {
        /// What the header said, cut short.
        encoding: String,
    },
    /// The header lists too many encodings. Answer 400.
    #[error("The Content-Encoding lists more than {CODINGS_MAX} encodings. Compress the body once.")]
    TooManyEncodings,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
        }
    }

    fn unreadable(self, reason: impl ToString) -> InflateError {
        InflateError::Unreadable { encoding: self.name(), reason: reason.to_string() }
    }
}

/// The body as it was before `encoding`, the value of the `Content-Encoding` header, was applied to it.
///
/// Every encoding in a list is undone, last one first, each within `bytes_max`.
pub fn inflate<'b>(encoding: Option<&str>, body: &'b [u8], bytes_max: usize) -> Result<Cow<'b, [u8]>, InflateError> {
    let mut codings = codings(encoding.unwrap_or(""))?;
    if codings.is_empty() {
        codings.extend(sniff(body));
    }
    let mut plain = Cow::Borrowed(body);
    while let Some(coding) = codings.pop() {
        if plain.is_empty() {
            break;
        }
        match undo(coding, &plain, bytes_max) {
            Ok(inflated) => plain = Cow::Owned(inflated),
            Err(InflateError::Unreadable { .. }) if opens_like_json(&plain) => break,
            Err(error) => return Err(error),
        }
    }
    match plain.len() > bytes_max {
        true => Err(InflateError::TooLarge { bytes_max }),
        false => Ok(plain),
    }
}

fn codings(header: &str) -> Result<Vec<Coding>, InflateError> {
    let mut codings = Vec::new();
    for name in header.split(',').map(str::trim) {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        codings.push(match name {
            _ if is("gzip") || is("x-gzip") => Coding::Gzip,
            _ if is("deflate") => Coding::Deflate,
            _ if is("br") => Coding::Brotli,
            _ if is("zstd") => Coding::Zstd,
            _ if is("") || is("identity") || is("utf-8") => continue,
            _ => return Err(InflateError::UnknownEncoding { encoding: name.chars().take(40).collect() }),
        });
    }
    match codings.len() > CODINGS_MAX {
        true => Err(InflateError::TooManyEncodings),
        false => Ok(codings),
    }
}

/// The encoding that a body without a header shows by its first bytes.
fn sniff(body: &[u8]) -> Option<Coding> {
    match body {
        _ if body.starts_with(GZIP_MAGIC) => Some(Coding::Gzip),
        _ if body.starts_with(ZSTD_MAGIC) => Some(Coding::Zstd),
        _ => None,
    }
}

fn opens_like_json(body: &[u8]) -> bool {
    matches!(body, [b'{', b'"' | b'}' | b' ' | b'\n' | b'\r' | b'\t', ..])
}

fn undo(coding: Coding, body: &[u8], bytes_max: usize) -> Result<Vec<u8>, InflateError> {
    match coding {
        Coding::Gzip => match gzip_in_one_call(body, bytes_max) {
            Some(plain) => Ok(plain),
            None => gzip_members(body, bytes_max),
        },
        Coding::Deflate => deflate(body, bytes_max),
        Coding::Brotli => {
            let mut plain = Bounded::new(body.len(), bytes_max);
            plain.fill(coding, brotli_decompressor::Decompressor::new(body, 4096))?;
            Ok(plain.bytes)
        }
        Coding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(|e| coding.unreadable(e))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|e| coding.unreadable(e))?;
            let mut plain = Bounded::new(body.len(), bytes_max);
            plain.fill(coding, decoder)?;
            Ok(plain.bytes)
        }
    }
}

/// `None` if the body is not one small member, or lies about its size: then the streaming way has to look.
fn gzip_in_one_call(body: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    thread_local! {
        static DECOMPRESSOR: RefCell<libdeflater::Decompressor> = RefCell::new(libdeflater::Decompressor::new());
    }
    let declared = u32::from_le_bytes(*body.last_chunk::<4>()?) as usize;
    // libdeflate stops behind the first member without saying where. A further member shows by its magic; by
    // chance that stands in one body out of some thousands, which then takes the slower way.
    let further = memchr::memmem::find(body.get(1..)?, GZIP_MAGIC);
    if declared > ONE_CALL_BYTES_MAX.min(bytes_max) || further.is_some() {
        return None;
    }
    let mut plain = vec![0; declared];
    let written = DECOMPRESSOR.with_borrow_mut(|gzip| gzip.gzip_decompress(body, &mut plain)).ok()?;
    plain.truncate(written);
    Some(plain)
}

/// Members one behind the other; what follows the last one is ignored, as gzip itself does.
fn gzip_members(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, InflateError> {
    let mut plain = Bounded::new(body.len(), bytes_max);
    let mut rest = body;
    loop {
        let mut member = GzDecoder::new(rest);
        plain.fill(Coding::Gzip, &mut member)?;
        rest = member.into_inner();
        if !rest.starts_with(GZIP_MAGIC) {
            return Ok(plain.bytes);
        }
    }
}

/// `deflate` means zlib in the standard and either zlib or bare deflate in the wild.
fn deflate(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, InflateError> {
    let is_zlib = is_zlib(body);
    match deflate_stream(body, is_zlib, bytes_max) {
        Err(InflateError::Unreadable { .. }) if is_zlib => deflate_stream(body, false, bytes_max),
        result => result,
    }
}

/// Whether `body` opens with a zlib header (RFC 1950): method 8, and a check that holds.
pub(crate) fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [first, second, ..] if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0)
}

fn deflate_stream(body: &[u8], zlib_header: bool, bytes_max: usize) -> Result<Vec<u8>, InflateError> {
    let mut state = Decompress::new(zlib_header);
    let mut plain = Bounded::new(body.len(), bytes_max);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let (read, written) = (state.total_in() as usize, state.total_out());
        let status = state.decompress(&body[read..], &mut chunk, FlushDecompress::None);
        let status = status.map_err(|e| Coding::Deflate.unreadable(format!("{e}, at byte {}", state.total_in())))?;
        let fresh = (state.total_out() - written) as usize;
        plain.push(&chunk[..fresh])?;
        if status == Status::StreamEnd {
            return Ok(plain.bytes);
        }
        if fresh == 0 && state.total_in() as usize == read {
            return Err(Coding::Deflate.unreadable(format!("it is cut off after byte {}", body.len())));
        }
    }
}

/// Output that refuses to grow past its bound.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl Bounded {
    fn new(packed_bytes: usize, bytes_max: usize) -> Self {
        Bounded { bytes: Vec::with_capacity(packed_bytes.saturating_mul(4).min(bytes_max)), bytes_max }
    }

    fn fill(&mut self, coding: Coding, mut decoder: impl Read) -> Result<(), InflateError> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match decoder.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(fresh) => self.push(&chunk[..fresh])?,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(coding.unreadable(format!("{e}, after {} bytes of output", self.bytes.len()))),
            }
        }
    }

    fn push(&mut self, fresh: &[u8]) -> Result<(), InflateError> {
        let needed = self.bytes.len() + fresh.len();
        if needed > self.bytes_max {
            return Err(InflateError::TooLarge { bytes_max: self.bytes_max });
        }
        if needed > self.bytes.capacity() {
            // Doubling, but never past the bound.
            let target = (self.bytes.capacity() * 2).clamp(needed, self.bytes_max);
            self.bytes.reserve_exact(target - self.bytes.len());
        }
        self.bytes.extend_from_slice(fresh);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    const MAX: usize = 1 << 20;
    /// `br` has no encoder here: "Hello, Bugle!\n" as one uncompressed meta-block and an empty last one.
    const BROTLI: &[u8] = b"\x0b\x06\x80Hello, Bugle!\x03";

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        zstd::encode_all(plain, 3).unwrap()
    }

    fn text(encoding: Option<&str>, body: &[u8]) -> String {
        String::from_utf8(inflate(encoding, body, MAX).unwrap().into_owned()).unwrap()
    }

    #[test]
    fn every_encoding_in_use_is_undone() {
        let plain = r#"{"event_id":"1"}"#.repeat(50);
        let bytes = plain.as_bytes();
        for (encoding, body) in [
            ("gzip", gzip(bytes)),
            ("GZIP", gzip(bytes)),
            ("deflate", zlib(bytes)),
            ("deflate", raw(bytes)),
            ("zstd", zstd(bytes)),
            ("identity", bytes.to_vec()),
            ("", bytes.to_vec()),
            ("UTF-8", bytes.to_vec()),
            ("gzip, zstd", zstd(&gzip(bytes))),
            ("identity, deflate", zlib(bytes)),
        ] {
            assert_eq!(text(Some(encoding), &body), plain, "{encoding}");
        }
        assert_eq!(text(Some("br"), BROTLI), "Hello, Bugle!");
        assert_eq!(inflate(Some("gzip"), b"", MAX).unwrap().len(), 0);
        assert!(matches!(inflate(None, bytes, MAX), Ok(Cow::Borrowed(_))), "no copy");
    }

    #[test]
    fn a_header_that_a_proxy_lost_or_left_is_made_up_for() {
        assert_eq!(text(None, &gzip(b"{\"a\":1}")), "{\"a\":1}");
        assert_eq!(text(Some(""), &zstd(b"{\"a\":1}")), "{\"a\":1}");
        for encoding in ["gzip", "deflate", "br", "zstd"] {
            assert_eq!(text(Some(encoding), b"{\"a\":1}\n{}\n"), "{\"a\":1}\n{}\n", "{encoding}");
        }
    }

    #[test]
    fn several_gzip_members_and_what_follows_them() {
        let mut body = gzip(b"one ");
        body.extend(gzip(b"two"));
        assert_eq!(text(Some("gzip"), &body), "one two");
        // Equal members: sizes and checksums alone would not tell them apart from one.
        assert_eq!(text(Some("gzip"), &gzip(b"again ").repeat(2)), "again again ");
        body.extend(b"\0\0\0\0garbage");
        assert_eq!(text(Some("gzip"), &body), "one two");
        let mut single = gzip(b"one");
        single.extend(b"\0\0\0");
        assert_eq!(text(Some("gzip"), &single), "one");
    }

    #[test]
    fn a_bomb_is_refused_at_the_bound() {
        let zeros = vec![b'0'; 8 << 20];
        for (encoding, body) in
            [("gzip", gzip(&zeros)), ("deflate", zlib(&zeros)), ("deflate", raw(&zeros)), ("zstd", zstd(&zeros))]
        {
            assert_eq!(
                inflate(Some(encoding), &body, MAX),
                Err(InflateError::TooLarge { bytes_max: MAX }),
                "{encoding}"
            );
        }
        let mut lying = gzip(&zeros);
        let end = lying.len() - 4;
        lying[end..].copy_from_slice(&5u32.to_le_bytes());
        assert_eq!(inflate(Some("gzip"), &lying, MAX), Err(InflateError::TooLarge { bytes_max: MAX }));
        assert_eq!(inflate(None, &zeros, MAX), Err(InflateError::TooLarge { bytes_max: MAX }));
        assert_eq!(inflate(Some("br"), BROTLI, 5), Err(InflateError::TooLarge { bytes_max: 5 }));
        assert_eq!(inflate(Some("gzip"), &gzip(b"12345"), 5).unwrap().len(), 5, "the bound itself is allowed");
    }

    #[test]
    fn output_never_takes_more_room_than_the_bound() {
        let mut plain = Bounded::new(10, 100_000);
        for _ in 0..99 {
            plain.push(&[0; 1000]).unwrap();
        }
        assert!(plain.bytes.capacity() <= 100_000);
        assert!(plain.push(&[0; 1001]).is_err());
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        let mut cut = gzip(&b"some text ".repeat(100));
        cut.truncate(30);
        for (encoding, body) in
            [("gzip", &cut[..]), ("gzip", b"plain"), ("zstd", b"plain"), ("deflate", &zlib(b"some text")[..8])]
        {
            let error = inflate(Some(encoding), body, MAX).unwrap_err();
            assert!(error.to_string().starts_with(&format!("The body cannot be read as {encoding}: ")), "{error}");
        }
        let error = inflate(Some("lzma"), b"x", MAX).unwrap_err();
        assert!(error.to_string().contains("“lzma” is unknown"), "{error}");
        assert_eq!(inflate(Some("gzip, br, gzip"), b"x", MAX), Err(InflateError::TooManyEncodings));
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_from_gzip(plain in proptest::collection::vec(any::<u8>(), 0..2000), trailer in "[a-z]{0,9}") {
            let mut body = gzip(&plain);
            body.extend(trailer.bytes());
            prop_assert_eq!(&*inflate(Some("gzip"), &body, MAX).unwrap(), &plain[..]);
        }

        #[test]
        fn any_bytes_are_answered(
            body in proptest::collection::vec(any::<u8>(), 0..300), encoding in "gzip|deflate|br|zstd|br, gzip|",
        ) {
            if let Ok(plain) = inflate(Some(&encoding), &body, 4096) {
                prop_assert!(plain.len() <= 4096);
            }
        }
    }
}
