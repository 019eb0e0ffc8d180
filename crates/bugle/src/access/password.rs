//! Passwords: the rules for new ones, and argon2id.
//!
//! One computation takes 19 MiB and some 20 ms (OWASP's first choice: m = 19 MiB, t = 2, p = 1), so it runs on the
//! blocking pool and at most [`AT_ONCE_MAX`] run at a time: sign-ins that pour in wait, they do not eat the memory
//! that events need. An account that does not exist costs the same as one that does ([`verify`] with `None`), so
//! the time of an answer does not tell which addresses have accounts.

use anyhow::anyhow;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// Characters that a new password must have. Length is what counts; no rule about digits and signs.
pub const CHARACTERS_MIN: usize = 10;

/// Bytes that a password may have: more is not a password, it is work for us.
pub const BYTES_MAX: usize = 256;

/// Computations at a time, hence at most 38 MiB.
const AT_ONCE_MAX: usize = 2;

static ROOM: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// What an unknown account is compared with: the hash of something that nobody can present.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash_now(&super::random::secret()).unwrap_or_default());

/// Says in a sentence why a new password is not good enough.
pub fn check(password: &str, email: &str) -> Result<(), String> {
    if password.chars().count() < CHARACTERS_MIN {
        return Err(format!(
            "The password is shorter than {CHARACTERS_MIN} characters. Four unrelated words make a good one."
        ));
    }
    if password.len() > BYTES_MAX {
        return Err(format!("The password is longer than {BYTES_MAX} bytes. Shorten it."));
    }
    let mut characters = password.chars();
    let first = characters.next();
    if characters.all(|c| Some(c) == first) || password.trim().eq_ignore_ascii_case(email.trim()) {
        return Err("The password is easily guessed. Four unrelated words make a good one.".into());
    }
    Ok(())
}

/// Hashes a password, as a PHC string.
pub async fn hash(password: String) -> anyhow::Result<String> {
    let _room = ROOM.acquire().await?;
    tokio::task::spawn_blocking(move || hash_now(&password)).await?
}

/// Whether the password is the one of `hash`. With `None` (no such account) the answer is no, after the same work.
pub async fn verify(hash: Option<String>, password: String) -> bool {
    let Ok(_room) = ROOM.acquire().await else { return false };
    let answer = tokio::task::spawn_blocking(move || match hash {
        Some(hash) => verify_now(&hash, &password),
        None => {
            verify_now(&NOBODY, &password);
            false
        }
    });
    answer.await.unwrap_or(false)
}

/// [`hash`] for code that may block: the command line.
pub fn hash_now(password: &str) -> anyhow::Result<String> {
    let hash: PasswordHash =
        Argon2::default().hash_password(password.as_bytes()).map_err(|error| anyhow!("argon2: {error}"))?;
    Ok(hash.to_string())
}

/// [`verify`] for code that may block.
pub fn verify_now(hash: &str, password: &str) -> bool {
    if password.len() > BYTES_MAX {
        return false;
    }
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_same_password_fits() {
        let stored = hash("correct horse battery".into()).await.expect("hashes");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify(Some(stored.clone()), "correct horse battery".into()).await);
        assert!(!verify(Some(stored), "correct horse batterz".into()).await);
        assert!(!verify(None, "correct horse battery".into()).await);
        assert!(!verify(Some("not a hash".into()), "".into()).await);
    }

    #[test]
    fn new_passwords_have_rules() {
        for (password, good) in [
            ("123456789", false),
            ("aaaaaaaaaaaaaa", false),
            ("someone@acme.example", false),
            ("päßwörter!", true),
            ("correct horse battery", true),
            (&"x y".repeat(100), false),
        ] {
            assert_eq!(check(password, "someone@acme.example").is_ok(), good, "{password}");
        }
    }
}
