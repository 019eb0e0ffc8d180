//! Random secrets, and the hash under which they are stored.
//!
//! A secret has 256 bits from the operating system, so its plain SHA-256 is enough: nobody guesses it, and nobody
//! can go back from the hash. (Passwords are guessable and have [`super::password`].)

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bugle_event::id::hex;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

/// 256 random bits as text that may stand in an address or a cookie (43 characters).
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// 32 random hex digits: the public key of a project.
pub fn hex32() -> String {
    hex(&bytes::<16>())
}

/// 64 random hex digits: the secret part of an API token.
pub fn hex64() -> String {
    hex(&bytes::<32>())
}

/// Random bytes from the operating system.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes once it has started");
    bytes
}

/// SHA-256 of a secret: what the database keeps of it.
pub fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_fit_into_addresses() {
        let (a, b) = (secret(), secret());
        assert_ne!(a, b);
        assert_eq!(a.len(), 43);
        assert!(a.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'), "{a}");
        assert_eq!(hex32().len(), 32);
        assert_eq!(hex64().len(), 64);
    }

    #[test]
    fn the_hash_is_sha_256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(hex(&hash("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
