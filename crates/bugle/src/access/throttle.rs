//! The brake on guessing passwords, per address and per account.
//!
//! Every try takes from two buckets before the password is looked at, so that tries in parallel cannot overtake
//! the count; a try that succeeds gives back what it took, so that people and scripts with the right password
//! never meet the brake. Memory is fixed: an address or account is a slot of a table, chosen by a hash with a
//! random key, and a stranger who falls into a busy slot waits some seconds. The clock is an argument; one that is set back neither locks out nor opens.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

const SLOTS: usize = 1 << 14;

/// Failed tries in a row from one address, and how long until one more: ten a minute.
const ADDRESS: Pace = Pace { burst: 10, interval_ms: 6_000 };

/// The same for one account: five a minute.
const ACCOUNT: Pace = Pace { burst: 5, interval_ms: 12_000 };

#[derive(Debug, Clone, Copy)]
struct Pace {
    burst: i64,
    interval_ms: i64,
}

/// The brake.
pub struct Throttle {
    keyed: RandomState,
    slots: Mutex<Slots>,
}

/// For each slot the time at which it is empty again, Unix ms.
struct Slots {
    addresses: Vec<i64>,
    accounts: Vec<i64>,
}

/// A try that may go on. Say [`Throttle::succeeded`] with it when the password was right.
#[derive(Debug)]
pub struct Try {
    address: usize,
    account: usize,
}

impl Default for Throttle {
    fn default() -> Self {
        let slots = Slots { addresses: vec![0; SLOTS], accounts: vec![0; SLOTS] };
        Throttle { keyed: RandomState::new(), slots: Mutex::new(slots) }
    }
}

impl Throttle {
    /// Takes one try.
    ///
    /// # Errors
    /// How many seconds to wait when there were too many.
    pub fn attempt(&self, address: IpAddr, account: &str, now_ms: i64) -> Result<Try, u64> {
        let taken = Try { address: self.slot(network(address)), account: self.slot(account.trim().to_lowercase()) };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // Further ahead than any burst reaches: the clock was set back, and must not lock anybody out.
        let full_ms = |pace: Pace, empty_ms: i64| empty_ms.min(now_ms + pace.burst * pace.interval_ms);
        slots.addresses[taken.address] = full_ms(ADDRESS, slots.addresses[taken.address]);
        slots.accounts[taken.account] = full_ms(ACCOUNT, slots.accounts[taken.account]);
        let wait_ms = ADDRESS
            .wait_ms(slots.addresses[taken.address], now_ms)
            .max(ACCOUNT.wait_ms(slots.accounts[taken.account], now_ms));
        if wait_ms > 0 {
            return Err((wait_ms as u64).div_ceil(1000));
        }
        slots.addresses[taken.address] = slots.addresses[taken.address].max(now_ms) + ADDRESS.interval_ms;
        slots.accounts[taken.account] = slots.accounts[taken.account].max(now_ms) + ACCOUNT.interval_ms;
        Ok(taken)
    }

    /// Gives the try back: the password was right.
    pub fn succeeded(&self, taken: Try) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.addresses[taken.address] -= ADDRESS.interval_ms;
        slots.accounts[taken.account] -= ACCOUNT.interval_ms;
    }

    fn slot(&self, key: impl std::hash::Hash) -> usize {
        self.keyed.hash_one(key) as usize % SLOTS
    }
}

impl Pace {
    /// How long until a bucket that is empty at `empty_ms` takes one more.
    fn wait_ms(self, empty_ms: i64, now_ms: i64) -> i64 {
        empty_ms - now_ms - (self.burst - 1) * self.interval_ms
    }
}

/// One network is one guesser: a host has a whole /64 of IPv6 to itself.
fn network(address: IpAddr) -> [u8; 8] {
    let mut network = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(address) => network[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => network.copy_from_slice(&address.octets()[..8]),
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    #[test]
    fn an_account_has_five_tries_from_anywhere() {
        let throttle = Throttle::default();
        for n in 0..5 {
            throttle.attempt(address(n), "ann@acme.example", 1_000_000).expect("may try");
        }
        assert_eq!(throttle.attempt(address(5), " ANN@acme.example", 1_000_000).err(), Some(12));
        throttle.attempt(address(5), "ann@acme.example", 1_012_000).expect("may try again");
        assert!(throttle.attempt(address(5), "ann@acme.example", 1_012_000).is_err());
    }

    #[test]
    fn an_address_has_ten_tries_at_anyone() {
        let throttle = Throttle::default();
        let inside = |n: u16| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, n, n, n, n));
        for n in 0..10 {
            throttle.attempt(inside(n), &format!("{n}@acme.example"), 1_000_000).expect("may try");
        }
        assert_eq!(throttle.attempt(inside(99), "x@acme.example", 1_000_000).err(), Some(6));
        throttle.attempt(address(1), "y@acme.example", 1_000_000).expect("others may");
    }

    #[test]
    fn a_clock_that_is_set_back_neither_locks_out_nor_opens() {
        let (throttle, now_ms) = (Throttle::default(), 1_780_000_000_000);
        for _ in 0..5 {
            throttle.attempt(address(1), "ann@acme.example", now_ms + 365 * 86_400_000).expect("may try");
        }
        assert!(throttle.attempt(address(1), "ann@acme.example", now_ms).is_err(), "it stays braked");
        throttle.attempt(address(1), "ann@acme.example", now_ms + 12_000).expect("and opens as ever");
        assert!(throttle.attempt(address(1), "ann@acme.example", now_ms + 12_001).is_err());
    }

    #[test]
    fn the_right_password_is_free() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            let taken = throttle.attempt(address(1), "ann@acme.example", 1_000_000).expect("may try");
            throttle.succeeded(taken);
        }
    }
}
