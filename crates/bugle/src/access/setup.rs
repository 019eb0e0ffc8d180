//! The one-time setup link: how the first owner of an empty server comes in.
//!
//! Its secret is printed when the server starts without an owner, and only its hash stays, in memory: a restart
//! prints another link and the old one is dead. Once there is an owner it is spent for good.

use super::random;
use std::sync::{Mutex, PoisonError};

/// The door for the first owner.
#[derive(Debug, Default)]
pub struct Setup {
    open: Mutex<Option<[u8; 32]>>,
}

impl Setup {
    /// A closed door: there is an owner.
    pub fn closed() -> Setup {
        Setup::default()
    }

    /// An open door, and the secret that opens it, for [`link`].
    pub fn open() -> (Setup, String) {
        let secret = random::secret();
        (Setup { open: Mutex::new(Some(random::hash(&secret))) }, secret)
    }

    /// Whether this is the secret and the door is still open. Hashes are compared, so the time tells nothing.
    pub fn check(&self, presented: &str) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.is_some_and(|hash| hash == random::hash(presented))
    }

    /// Closes the door: there is an owner now.
    pub fn spend(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The link to print.
pub fn link(public_url: &str, secret: &str) -> String {
    format!("{public_url}/setup/{secret}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_opens_and_only_until_spent() {
        let (setup, secret) = Setup::open();
        assert!(setup.check(&secret));
        assert!(!setup.check("guessed") && !setup.check(""));
        setup.spend();
        assert!(!setup.check(&secret));
        assert!(!Setup::closed().check(""));
    }
}
