//! Families: which exemplar an event is compressed against.
//!
//! Owns: the map from a family (project, platform, types and crash frame: known at the door, when the issue is not) to
//! the exemplar that serves it now. An exemplar enters only when the record that carries it is durable, so no record
//! ever names one that a crash could take away. Bounded by [`BYTES_MAX`]: when full, the map is emptied and families
//! begin anew, which costs disk, never correctness.

use crate::payload::{EXEMPLAR_MS_MAX, Exemplar};
use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

/// Bytes of JSON kept for compressing against.
pub const BYTES_MAX: usize = 48 << 20;

/// See the module comment.
#[derive(Default)]
pub struct Families {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    exemplars: HashMap<i64, (Exemplar, i64)>,
    bytes: usize,
}

impl Families {
    /// The exemplar that serves a family at `now_ms`. One from the future was made before the clock was set back: it
    /// serves while it is less than a day ahead, so that no jump makes one serve for longer than two days.
    pub fn get(&self, family: i64, now_ms: i64) -> Option<Exemplar> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (exemplar, made_ms) = known.exemplars.get(&family)?;
        ((now_ms - made_ms).abs() < EXEMPLAR_MS_MAX).then(|| exemplar.clone())
    }

    /// A durable exemplar.
    pub fn learn(&self, family: i64, exemplar: Exemplar, made_ms: i64) {
        let bytes = exemplar.json.len();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.bytes + bytes > BYTES_MAX {
            *known = Known::default();
        }
        known.bytes += bytes;
        if let Some((old, _)) = known.exemplars.insert(family, (exemplar, made_ms)) {
            known.bytes -= old.json.len();
        }
    }

    /// Exemplars that must not be lent any more: they are about to be removed.
    pub fn forget(&self, ids: &[i64]) {
        if ids.is_empty() {
            return;
        }
        let ids: HashSet<i64> = ids.iter().copied().collect();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.exemplars.retain(|_, (exemplar, _)| !ids.contains(&exemplar.id));
        known.bytes = known.exemplars.values().map(|(exemplar, _)| exemplar.json.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemplar(id: i64, bytes: usize) -> Exemplar {
        Exemplar { id, json: vec![b'x'; bytes].into() }
    }

    #[test]
    fn an_exemplar_serves_for_a_day() {
        let families = Families::default();
        families.learn(1, exemplar(7, 10), 1_000);
        assert_eq!(families.get(1, 2_000).map(|e| e.id), Some(7));
        assert!(families.get(1, 1_000 + EXEMPLAR_MS_MAX).is_none());
        assert!(families.get(2, 2_000).is_none());
    }

    #[test]
    fn a_clock_that_jumps_gives_no_exemplar_eternal_life() {
        let families = Families::default();
        let made_ms = 1_780_000_000_000;
        families.learn(1, exemplar(7, 10), made_ms);
        assert!(families.get(1, made_ms - 60_000).is_some(), "a small correction costs nothing");
        assert!(families.get(1, made_ms - EXEMPLAR_MS_MAX).is_none());
        families.learn(1, exemplar(8, 10), made_ms - EXEMPLAR_MS_MAX);
        assert_eq!(families.get(1, made_ms - EXEMPLAR_MS_MAX + 5).map(|e| e.id), Some(8));
    }

    #[test]
    fn what_is_forgotten_is_not_lent() {
        let families = Families::default();
        families.learn(1, exemplar(7, 10), 1_000);
        families.learn(2, exemplar(8, 10), 1_000);
        families.forget(&[7, 9]);
        assert!(families.get(1, 2_000).is_none());
        assert_eq!(families.get(2, 2_000).map(|e| e.id), Some(8));
        assert_eq!(families.known.read().expect("lock").bytes, 10);
    }

    #[test]
    fn memory_is_bounded() {
        let families = Families::default();
        for family in 0..200 {
            families.learn(family, exemplar(family, 1 << 20), 0);
            assert!(families.known.read().expect("lock").bytes <= BYTES_MAX);
        }
        families.learn(199, exemplar(500, 10), 0);
        assert_eq!(families.get(199, 1).map(|e| e.id), Some(500), "a newer one takes the place");
    }
}
