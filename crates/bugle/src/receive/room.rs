//! Room: how the guards are shared between projects and keys before they are used up ([`super::share`] has the rule).
//!
//! | guard | what is shared | given back |
//! |---|---|---|
//! | backlog | items and bytes in the journal | when they are filed |
//! | accepted per minute | events of the present minute | with the next minute |
//! | free disk | what may be written in the present minute | with the next minute |
//!
//! **The disk.** While less than twice the least is free, what is left above the least is to last: a tenth of it may be
//! written in one minute, and that is shared. So a loud project slows down long before the least is reached, the others
//! go on, and the operator has the time to make room. One byte of a record costs about [`DISK_BYTES_PER_BYTE`] of disk.
//!
//! An event's bytes are known once it is compressed, and laid to its project when it is durable. So backlog and disk may
//! be exceeded by what is on its way to the journal, at most `serve::JOURNAL_WAITING_BYTES_MAX`.

use super::guard::{BACKLOG_AFTER_S, Bounds};
use super::share::{Roster, Shares};
use crate::outcome::Reason;
use crate::record::Sender;

/// What a byte of a record costs on disk, with the journal's log, the database and its log.
const DISK_BYTES_PER_BYTE: i64 = 4;
/// In how many minutes the disk's last room may be used up at the earliest.
const DISK_MINUTES: i64 = 10;

const MINUTE_MS: i64 = 60_000;

/// See the module comment.
#[derive(Debug)]
pub struct Room {
    bounds: Bounds,
    items: Shares,
    bytes: Shares,
    minute: i64,
    accepted: Shares,
    disk: Shares,
}

impl Room {
    /// Nothing is used.
    pub fn new(bounds: Bounds) -> Room {
        Room {
            bounds,
            items: Shares::new(bounds.backlog_items_max),
            bytes: Shares::new(bounds.backlog_bytes_max),
            minute: 0,
            accepted: Shares::default(),
            disk: Shares::default(),
        }
    }

    /// Items that wait to be filed, and their bytes.
    pub fn backlog(&self) -> (i64, i64) {
        (self.items.used(), self.bytes.used())
    }

    /// What is shared of the backlog, in items and in bytes.
    pub fn shares_of_backlog(&self) -> [&Shares; 2] {
        [&self.items, &self.bytes]
    }

    /// What is shared of the minute's events, where the operator has set how many there are.
    pub fn accepted(&self) -> Option<&Shares> {
        self.bounds.accepted_per_minute_max.map(|_| &self.accepted)
    }

    /// Divides anew, because there are other projects or keys.
    pub fn divide(&mut self, roster: &Roster) {
        for shares in [&mut self.items, &mut self.bytes, &mut self.accepted, &mut self.disk] {
            shares.divide(roster);
        }
    }

    /// Begins the present minute, if it is another than the last.
    pub fn turn(&mut self, disk_free_bytes: i64, now_ms: i64) {
        let minute = now_ms / MINUTE_MS;
        if minute != self.minute {
            self.minute = minute;
            self.accepted = Shares::new(self.bounds.accepted_per_minute_max.unwrap_or(0));
            let above = disk_free_bytes.saturating_sub(self.bounds.disk_free_bytes_min).max(0);
            self.disk = Shares::new(above / DISK_MINUTES / DISK_BYTES_PER_BYTE);
        }
    }

    /// Which guard has no room for one more event of this key, and in how many seconds to come again.
    pub fn lacks(
        &self,
        roster: &Roster,
        project: i64,
        key: i64,
        disk_free_bytes: i64,
        now_ms: i64,
    ) -> Option<(Reason, i64)> {
        let rest_s = (MINUTE_MS - now_ms.rem_euclid(MINUTE_MS) + 999) / 1000;
        let is_short = disk_free_bytes / 2 < self.bounds.disk_free_bytes_min;
        if is_short && !self.disk.has_room(roster, project, key, 1) {
            return Some((Reason::DiskFullShare, rest_s));
        }
        if [&self.items, &self.bytes].iter().any(|shares| !shares.has_room(roster, project, key, 1)) {
            return Some((Reason::OverloadShare, BACKLOG_AFTER_S));
        }
        let is_counted = self.bounds.accepted_per_minute_max.is_some();
        if is_counted && !self.accepted.has_room(roster, project, key, 1) {
            return Some((Reason::AcceptedPerMinute, rest_s));
        }
        None
    }

    /// An event was taken at the door.
    pub fn take(&mut self, roster: &Roster, project: i64, key: i64) {
        if self.bounds.accepted_per_minute_max.is_some() {
            self.accepted.add(roster, project, key, 1);
        }
    }

    /// An event that was taken in the present minute is not kept.
    pub fn give_back(&mut self, roster: &Roster, project: i64, key: i64, received_ms: i64) {
        if self.bounds.accepted_per_minute_max.is_some() && received_ms / MINUTE_MS == self.minute {
            self.accepted.add(roster, project, key, -1);
        }
    }

    /// A record became durable.
    pub fn append(&mut self, roster: &Roster, head: &Sender, bytes: i64) {
        self.items.add(roster, head.project, head.key, 1);
        self.bytes.add(roster, head.project, head.key, bytes);
        self.disk.add(roster, head.project, head.key, bytes);
    }

    /// A record was filed, or put aside.
    pub fn file(&mut self, roster: &Roster, head: &Sender, bytes: i64) {
        self.items.add(roster, head.project, head.key, -1);
        self.bytes.add(roster, head.project, head.key, -bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Category, Dialect};

    const NOW_MS: i64 = 1_780_000_000_000;

    fn roster() -> Roster {
        (1..=2).map(|project| (project, [project].into())).collect()
    }

    fn bounds() -> Bounds {
        Bounds {
            accepted_per_minute_max: None,
            backlog_items_max: 1_000,
            backlog_bytes_max: 4_000,
            disk_free_bytes_min: 10_000,
        }
    }

    fn head(project: i64) -> Sender {
        Sender { dialect: Dialect::Sentry, category: Category::Error, project, key: project, received_ms: NOW_MS }
    }

    fn lacks(room: &Room, project: i64, free: i64) -> Option<Reason> {
        room.lacks(&roster(), project, project, free, NOW_MS).map(|(reason, _)| reason)
    }

    #[test]
    fn a_backlog_of_one_project_leaves_the_other_its_part_until_it_is_filed() {
        let (roster, mut room) = (roster(), Room::new(bounds()));
        let mut taken = 0;
        while lacks(&room, 1, i64::MAX).is_none() {
            room.append(&roster, &head(1), 100);
            taken += 1;
        }
        assert_eq!((taken, room.backlog()), (30, (30, 3_000)), "the common half and its part, in bytes");
        assert_eq!((lacks(&room, 1, i64::MAX), lacks(&room, 2, i64::MAX)), (Some(Reason::OverloadShare), None));
        room.file(&roster, &head(1), 100);
        assert_eq!((lacks(&room, 1, i64::MAX), room.backlog()), (None, (29, 2_900)));
    }

    #[test]
    fn the_last_room_on_the_disk_is_shared_and_lasts() {
        let (roster, mut room) = (roster(), Room::new(bounds()));
        let free = 18_000;
        room.turn(free, NOW_MS);
        while lacks(&room, 1, free).is_none() {
            room.append(&roster, &head(1), 10);
            room.file(&roster, &head(1), 10);
        }
        assert_eq!((lacks(&room, 1, free), lacks(&room, 2, free)), (Some(Reason::DiskFullShare), None));
        assert_eq!(lacks(&room, 1, 20_000), None, "there is room again");
        room.turn(free, NOW_MS + 60_000);
        assert_eq!(lacks(&room, 1, free), None, "the next minute");
    }

    #[test]
    fn a_minute_takes_so_many_and_each_project_its_part() {
        let (roster, mut room) = (roster(), Room::new(Bounds { accepted_per_minute_max: Some(8), ..bounds() }));
        room.turn(i64::MAX, NOW_MS);
        for project in [1, 1, 1, 1, 1, 1, 2, 2] {
            assert_eq!(lacks(&room, project, i64::MAX), None);
            room.take(&roster, project, project);
        }
        assert_eq!(lacks(&room, 1, i64::MAX), Some(Reason::AcceptedPerMinute));
        room.turn(i64::MAX, NOW_MS + 60_000);
        assert_eq!(lacks(&room, 1, i64::MAX), None);
    }
}
