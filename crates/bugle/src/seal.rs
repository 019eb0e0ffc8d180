//! Secrets that must be read back, sealed: addresses of webhooks, signing secrets, mail addresses.
//!
//! Whoever gets the database file alone (a backup, a support case) learns none of them. The key is 32 random bytes
//! in `secret.key` in the data directory, readable by its owner only, made on the first start and never changed.
//! Without that file the sealed values are lost and nothing else is: targets must be entered again.
//!
//! A sealed value is
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the version, 1 |
//! | 12 | the nonce, random |
//! | rest | AES-256-GCM of the plain bytes, with its tag of 16 bytes at the end; the version is authenticated along |
//!
//! Servers that share one database need the same `secret.key`. The table `seal_proof` holds something sealed, so that one
//! with another key is told so at its start.
//!
//! Random nonces are safe up to 2³² values under one key; there are as many as people type.

use crate::access::random;
use anyhow::{Context, bail};
use bugle_db::{DbError, Tx, params};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The name of the key's file inside the data directory.
pub const FILE: &str = "secret.key";

const KEY_BYTES: usize = 32;
const VERSION: u8 = 1;

/// What seals and unseals.
pub struct Seal {
    key: LessSafeKey,
}

impl Seal {
    /// Reads the key of a data directory, or makes it.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not a key.
    pub fn open_or_create(data: &Path) -> anyhow::Result<Seal> {
        let path = data.join(FILE);
        if !path.exists() {
            create(data, &path).with_context(|| format!("The key {} cannot be made", path.display()))?;
        }
        let bytes = std::fs::read(&path).with_context(|| format!("The key {} cannot be read", path.display()))?;
        if bytes.len() != KEY_BYTES {
            bail!("{} is {} bytes long and no key. Restore it from a backup.", path.display(), bytes.len());
        }
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| anyhow::anyhow!("the key is refused"))?;
        Ok(Seal { key: LessSafeKey::new(key) })
    }

    /// Seals `plain`.
    pub fn seal(&self, plain: &[u8]) -> Vec<u8> {
        let nonce = random::bytes::<NONCE_LEN>();
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from([VERSION]), &mut sealed)
            .expect("sealing fails only above 64 GiB");
        [&[VERSION], &nonce[..], &sealed].concat()
    }

    /// The plain bytes; `None` when this is no sealed value, was altered, or was sealed under another key.
    pub fn unseal(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (&version, rest) = sealed.split_first()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
        if version != VERSION {
            return None;
        }
        let mut plain = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.key.open_in_place(nonce, Aad::from([VERSION]), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

/// What was sealed as a proof, if anything was.
pub fn proof(tx: &mut Tx<'_>) -> Result<Option<Vec<u8>>, DbError> {
    tx.first("SELECT sealed FROM seal_proof ORDER BY id LIMIT 1", &[])?.map(|row| row.get(0)).transpose()
}

/// Leaves something sealed for other servers to try their key on.
pub fn prove(tx: &mut Tx<'_>, seal: &Seal) -> Result<(), DbError> {
    let sealed = seal.seal(b"Bugle");
    tx.execute("INSERT INTO seal_proof (id, sealed) VALUES (1, $1)", params![&sealed]).map(drop)
}

/// The file appears whole or not at all: a command and a server that start together must not have two keys.
fn create(data: &Path, path: &Path) -> std::io::Result<()> {
    let draft = data.join(format!("{FILE}.{}", random::hex32()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(&random::bytes::<KEY_BYTES>())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => File::open(data)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_sealed_is_read_back_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let seal = Seal::open_or_create(folder.path()).expect("is made");
        let sealed = seal.seal(b"https://hooks.example/T0/secret");
        assert!(memchr::memmem::find(&sealed, b"secret").is_none());
        assert_ne!(sealed, seal.seal(b"https://hooks.example/T0/secret"), "each with its nonce");

        let again = Seal::open_or_create(folder.path()).expect("is read");
        assert_eq!(again.unseal(&sealed).as_deref(), Some(&b"https://hooks.example/T0/secret"[..]));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(seal.unseal(&altered), None, "byte {at}");
            assert_eq!(seal.unseal(&sealed[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn the_key_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Seal::open_or_create(folder.path()).expect("is made");
        let file = std::fs::metadata(folder.path().join(FILE)).expect("is there");
        assert_eq!((file.permissions().mode() & 0o777, file.len()), (0o600, 32));
        assert_eq!(std::fs::read_dir(folder.path()).expect("reads").count(), 1, "no draft is left");
        std::fs::write(folder.path().join(FILE), b"short").expect("writes");
        assert!(Seal::open_or_create(folder.path()).is_err());
    }
}
