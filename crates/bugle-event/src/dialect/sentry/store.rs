//! Bodies of the old `/store/` endpoint, which clients wrapped in ways of their own.

use crate::inflate::{InflateError, inflate, is_zlib};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;

const ANY_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);

/// The JSON in a `/store/` body: as it is, or out of base64, zlib or both. The first clients sent
/// `base64(zlib(json))` and said so nowhere. What is none of these comes back as it is, for the event's reader to
/// make the best of.
///
/// # Errors
/// [`InflateError`] if it is zlib and broken, or unpacks to more than `bytes_max`.
pub fn unwrap_store_body(body: &[u8], bytes_max: usize) -> Result<Cow<'_, [u8]>, InflateError> {
    match from_base64(body) {
        Some(decoded) if is_zlib(&decoded) => {
            Ok(Cow::Owned(inflate(Some("deflate"), &decoded, bytes_max)?.into_owned()))
        }
        Some(decoded) if decoded.trim_ascii_start().starts_with(b"{") => Ok(Cow::Owned(decoded)),
        _ if is_zlib(body) => inflate(Some("deflate"), body, bytes_max),
        _ => Ok(Cow::Borrowed(body)),
    }
}

fn from_base64(body: &[u8]) -> Option<Vec<u8>> {
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=');
    if !body.iter().all(|b| is_digit(b) || b.is_ascii_whitespace()) {
        return None;
    }
    let digits = body.iter().filter(|b| !b.is_ascii_whitespace()).map(|b| match b {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    });
    BASE64.decode(digits.collect::<Vec<u8>>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use std::io::Write;

    #[test]
    fn every_wrapping_comes_off() {
        let json = format!("{{\"message\":\"{}\"}}", "ÿ?>".repeat(50));
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(json.as_bytes()).unwrap();
        let zlib = encoder.finish().unwrap();
        for body in [
            json.clone().into_bytes(),
            zlib.clone(),
            BASE64_STANDARD.encode(&zlib).into_bytes(),
            format!("{}\n", BASE64_STANDARD.encode(&json)).into_bytes(),
            BASE64_URL_SAFE_NO_PAD.encode(&zlib).into_bytes(),
        ] {
            assert_eq!(unwrap_store_body(&body, 10_000).unwrap(), json.as_bytes());
        }
    }

    #[test]
    fn what_is_not_wrapped_stays_and_what_is_too_big_is_refused() {
        for body in ["hello", "", "{\"a\":1}", "HKxx"] {
            let unwrapped = unwrap_store_body(body.as_bytes(), 10_000);
            assert!(unwrapped.is_err() || unwrapped == Ok(Cow::Borrowed(body.as_bytes())), "{body}");
        }
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&[b' '; 20_000]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert_eq!(unwrap_store_body(&bomb, 10_000), Err(InflateError::TooLarge { bytes_max: 10_000 }));
    }
}
