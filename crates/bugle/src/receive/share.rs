//! Shares: how projects and keys divide something that is short, so that a loud one cannot use up another's part.
//!
//! **The rule.** Half of the whole is divided into equal *parts*, one for each project that can send; the other half is
//! *common*, for whoever comes first. A project's part is divided among its active keys in the same way: half of it
//! into equal parts, the rest for whichever key of the project comes first. What is used is laid to the key's part
//! first, then to the project's, then to the common half; who finds no room in any is refused. So nobody is held to
//! anything while less than half is used, and beyond it a project is held to its part.
//!
//! **What follows** (and is tested over random histories):
//! * A key that has used less than its part is never refused, whatever others do; nor is a project with one key that has
//!   used less than the project's part. So a quiet one is never refused because of a loud one.
//! * The whole is never exceeded.
//! * The only project on a server may use the whole of it.
//!
//! Projects and keys that are not on the roster any more (deleted, switched off) have no part; what they still use is
//! common. An amount is looked at before it is known (a record's size comes after its compression), so it may reach
//! beyond by what is on its way; whoever uses this says by how much.

use std::collections::{HashMap, HashSet};

/// Who can send: the active keys of every project.
pub type Roster = HashMap<i64, HashSet<i64>>;

/// See the module comment. Amounts are items or bytes.
#[derive(Debug, Default)]
pub struct Shares {
    whole: i64,
    used: i64,
    /// What lies in the common half.
    common: i64,
    projects: HashMap<i64, Portion>,
}

/// What one project uses.
#[derive(Debug, Default)]
struct Portion {
    keys: HashMap<i64, i64>,
    /// What its keys use beyond their parts.
    beyond_keys: i64,
}

impl Shares {
    /// Nothing is used of `whole`.
    pub fn new(whole: i64) -> Shares {
        Shares { whole, ..Shares::default() }
    }

    /// Everything that is used.
    pub fn used(&self) -> i64 {
        self.used
    }

    /// What there is.
    pub fn whole(&self) -> i64 {
        self.whole
    }

    /// What a project uses.
    pub fn used_by(&self, project: i64) -> i64 {
        self.projects.get(&project).map_or(0, |portion| portion.keys.values().sum())
    }

    /// The part that is kept for a project.
    pub fn part(&self, roster: &Roster, project: i64) -> i64 {
        match roster.contains_key(&project) {
            true => self.whole / 2 / roster.len() as i64,
            false => 0,
        }
    }

    /// Whether `amount` more may be taken.
    pub fn has_room(&self, roster: &Roster, project: i64, key: i64, amount: i64) -> bool {
        let more = self.change(roster, project, key, amount).1;
        let common_whole = self.whole - self.whole / 2 / (roster.len() as i64).max(1) * roster.len() as i64;
        more <= 0 || self.common + more <= common_whole
    }

    /// `amount` more is used; less, where it is negative.
    pub fn add(&mut self, roster: &Roster, project: i64, key: i64, amount: i64) {
        let (beyond_keys, common) = self.change(roster, project, key, amount);
        let portion = self.projects.entry(project).or_default();
        let used = portion.keys.entry(key).or_default();
        *used += amount;
        if *used == 0 {
            portion.keys.remove(&key);
        }
        portion.beyond_keys += beyond_keys;
        if portion.keys.is_empty() {
            self.projects.remove(&project);
        }
        self.common += common;
        self.used += amount;
    }

    /// Divides anew, because the roster has changed.
    pub fn divide(&mut self, roster: &Roster) {
        let before = std::mem::take(&mut self.projects);
        (self.used, self.common) = (0, 0);
        for (project, portion) in before {
            for (key, used) in portion.keys {
                self.add(roster, project, key, used);
            }
        }
    }

    /// By how much the use beyond the keys' parts, and that of the common half, would change.
    fn change(&self, roster: &Roster, project: i64, key: i64, amount: i64) -> (i64, i64) {
        let part = self.part(roster, project);
        let (key_part, keys_parts) = match roster.get(&project) {
            Some(keys) if !keys.is_empty() => {
                let each = part / 2 / keys.len() as i64;
                (if keys.contains(&key) { each } else { 0 }, each * keys.len() as i64)
            }
            _ => (0, 0),
        };
        let beyond = |used: i64, part: i64| (used - part).max(0);
        let portion = self.projects.get(&project);
        let used = portion.and_then(|portion| portion.keys.get(&key)).copied().unwrap_or_default();
        let beyond_keys = portion.map_or(0, |portion| portion.beyond_keys);
        let change = beyond(used + amount, key_part) - beyond(used, key_part);
        let rest = part - keys_parts;
        (change, beyond(beyond_keys + change, rest) - beyond(beyond_keys, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn roster(projects: i64, keys: i64) -> Roster {
        (1..=projects).map(|project| (project, (1..=keys).map(|key| project * 100 + key).collect())).collect()
    }

    #[test]
    fn the_only_project_may_use_the_whole() {
        let (roster, mut shares) = (roster(1, 1), Shares::new(100));
        while shares.has_room(&roster, 1, 101, 1) {
            shares.add(&roster, 1, 101, 1);
        }
        assert_eq!(shares.used(), 100);
    }

    #[test]
    fn a_loud_project_leaves_the_others_their_parts() {
        let (roster, mut shares) = (roster(5, 1), Shares::new(1_000));
        while shares.has_room(&roster, 1, 101, 1) {
            shares.add(&roster, 1, 101, 1);
        }
        assert_eq!(shares.used(), 600, "its part and the common half");
        for project in 2..=5 {
            for _ in 0..100 {
                assert!(shares.has_room(&roster, project, project * 100 + 1, 1));
                shares.add(&roster, project, project * 100 + 1, 1);
            }
            assert!(!shares.has_room(&roster, project, project * 100 + 1, 1), "its part is used up as well");
        }
        assert_eq!(shares.used(), 1_000);
    }

    #[test]
    fn who_has_left_has_no_part() {
        let (all, mut shares) = (roster(2, 1), Shares::new(100));
        for _ in 0..25 {
            shares.add(&all, 2, 201, 1);
        }
        let rest = roster(1, 1);
        shares.divide(&rest);
        assert_eq!((shares.used(), shares.used_by(2), shares.part(&rest, 2)), (25, 25, 0));
        while shares.has_room(&rest, 1, 101, 1) {
            shares.add(&rest, 1, 101, 1);
        }
        assert_eq!(shares.used(), 100);
    }

    proptest! {
        /// Loud ones take and give back as they like; one quiet key takes up to its part at any time.
        #[test]
        fn a_quiet_one_is_never_refused_and_the_whole_never_exceeded(
            whole in 0i64..5_000,
            projects in 1i64..7,
            keys in 1i64..4,
            acts in prop::collection::vec((1i64..7, 1i64..4, -40i64..80), 0..300),
        ) {
            let roster = roster(projects, keys);
            let mut shares = Shares::new(whole);
            let quiet = (1, 101);
            let part = shares.part(&roster, 1);
            let quiet_part = if keys == 1 { part } else { part / 2 / keys };
            let mut uses: HashMap<(i64, i64), i64> = HashMap::new();
            for (project, key, amount) in acts {
                let (project, key) = ((project - 1) % projects + 1, (key - 1) % keys + 1);
                let who = (project, project * 100 + key);
                let used = uses.entry(who).or_default();
                if amount < 0 {
                    let back = (-amount).min(*used);
                    shares.add(&roster, who.0, who.1, -back);
                    *used -= back;
                } else if who == quiet && *used + amount > quiet_part {
                    // It stays quiet.
                } else {
                    let has_room = shares.has_room(&roster, who.0, who.1, amount);
                    prop_assert!(has_room || who != quiet, "the quiet key was refused");
                    if has_room {
                        shares.add(&roster, who.0, who.1, amount);
                        *used += amount;
                    }
                }
                prop_assert!(shares.used() <= whole, "{} of {whole}", shares.used());
                prop_assert_eq!(shares.used(), uses.values().sum::<i64>());
            }
            let (used, common) = (shares.used, shares.common);
            shares.divide(&roster);
            prop_assert_eq!((shares.used, shares.common), (used, common), "dividing anew changes nothing");
        }
    }
}
