//! Sessions as the journal keeps them: what [`record::Item`](crate::record::Item) leaves to its kind.
//!
//! `about` is the release, and the environment (or nothing) behind a line break, which neither can contain. The body, little endian:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | 1 an update of one session, 2 sums |
//! | 8, 8, 8, 1, 1 | an update: hash of the session's id, hash of the person (0: nobody), its hour, 1 init + 2 final, severity |
//! | 7 × 8, … | sums: hour, hash of the person, healthy, errored, unhandled, abnormal, crashed |
//!
//! Ids are hashed at the door: who a person is may be nobody's business, and is never written. The project is hashed with them, so
//! the same person is another one in another project. Hours are those since 1970 in which a session began.

use bugle_event::session::{Attributes, Line, Sessions, Severity, Update};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const HOUR_MS: i64 = 3_600_000;
const UPDATE: u8 = 1;
const SUMS: u8 = 2;
const IS_INIT: u8 = 1;
const IS_FINAL: u8 = 2;

/// What an item says, as far as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Of one session.
    Update {
        /// A hash of its id.
        sid: i64,
        /// A hash of the person; 0: nobody.
        person: i64,
        /// The hour in which it began.
        hour: i64,
        /// Whether it is the first.
        is_init: bool,
        /// Whether the session has ended.
        is_final: bool,
        /// How bad it is.
        severity: Severity,
    },
    /// Of many: (hour, person), and how many by severity.
    Sums(Vec<((i64, i64), [i64; 5])>),
}

/// The release and the environment, as `about` has them.
pub fn write_about(attributes: &Attributes) -> String {
    format!("{}\n{}", attributes.release, attributes.environment.as_deref().unwrap_or_default())
}

/// The release and the environment of an `about`.
pub fn read_about(about: &str) -> Option<(&str, Option<&str>)> {
    let (release, environment) = about.split_once('\n')?;
    Some((release, Some(environment).filter(|name| !name.is_empty())))
}

/// The body. `random` is the id of a session that has none.
pub fn write(sessions: &Sessions, project: i64, random: i64) -> Vec<u8> {
    let hash = |text: &str| match xxh3_64_with_seed(text.as_bytes(), project as u64) as i64 {
        0 => 1,
        hash => hash,
    };
    let person = |did: &Option<String>| did.as_deref().map_or(0, hash);
    match sessions {
        Sessions::Update(Update { sid, did, started_ms, is_init, is_final, severity }) => {
            let mut out = vec![UPDATE];
            let sid = sid.as_deref().map_or(random, hash);
            for number in [sid, person(did), started_ms.div_euclid(HOUR_MS)] {
                out.extend(number.to_le_bytes());
            }
            out.push(u8::from(*is_init) * IS_INIT + u8::from(*is_final) * IS_FINAL);
            out.push(*severity as u8);
            out
        }
        Sessions::Sums(lines) => {
            let mut sums: BTreeMap<(i64, i64), [i64; 5]> = BTreeMap::new();
            for Line { started_ms, did, counts } in lines {
                let sum = sums.entry((started_ms.div_euclid(HOUR_MS), person(did))).or_default();
                sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
            let mut out = Vec::with_capacity(1 + sums.len() * 56);
            out.push(SUMS);
            for ((hour, person), counts) in sums {
                [hour, person].into_iter().chain(counts).for_each(|number| out.extend(number.to_le_bytes()));
            }
            out
        }
    }
}

/// What a body says; `None` when it is damaged.
pub fn read(body: &[u8]) -> Option<Said> {
    let (&form, rest) = body.split_first()?;
    match form {
        UPDATE if rest.len() == 26 => {
            let (numbers, last) = rest.split_at(24);
            let [sid, person, hour] = numbers_of(numbers)?;
            let (flags, severity) = (last[0], Severity::from_u8(last[1])?);
            let (is_init, is_final) = (flags & IS_INIT != 0, flags & IS_FINAL != 0);
            Some(Said::Update { sid, person, hour, is_init, is_final, severity })
        }
        SUMS if rest.len().is_multiple_of(56) => {
            let lines = rest.chunks_exact(56).map(|line| {
                let [hour, person, counts @ ..] = numbers_of::<7>(line)?;
                Some(((hour, person), counts))
            });
            lines.collect::<Option<_>>().map(Said::Sums)
        }
        _ => None,
    }
}

fn numbers_of<const N: usize>(bytes: &[u8]) -> Option<[i64; N]> {
    let mut numbers = [0; N];
    for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
        *number = i64::from_le_bytes(bytes.try_into().ok()?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_reads_back_without_its_names() {
        let update = Update {
            sid: Some("a".into()),
            did: Some("ada@example.org".into()),
            started_ms: 5 * HOUR_MS + 7,
            is_init: true,
            is_final: false,
            severity: Severity::Crashed,
        };
        let body = write(&Sessions::Update(update.clone()), 1, 9);
        assert!(!body.windows(3).any(|part| part == b"ada"), "who it was is not written");
        let Some(Said::Update { sid, person, hour, is_init, is_final, severity }) = read(&body) else {
            panic!("reads")
        };
        assert_eq!((hour, is_init, is_final, severity), (5, true, false, Severity::Crashed));
        assert!(sid != 0 && person != 0 && sid != person);
        assert_ne!(write(&Sessions::Update(update.clone()), 2, 9), body, "another one in another project");
        let nobody = Update { sid: None, did: None, ..update };
        let said = read(&write(&Sessions::Update(nobody), 1, 9));
        assert!(matches!(said, Some(Said::Update { sid: 9, person: 0, .. })), "{said:?}");
    }

    #[test]
    fn sums_of_an_hour_are_one() {
        let line = |minute: i64, did: Option<&str>, counts| Line {
            started_ms: HOUR_MS + minute * 60_000,
            did: did.map(String::from),
            counts,
        };
        let lines = vec![
            line(0, None, [1, 2, 3, 4, 5]),
            line(59, None, [1, 0, 0, 0, 0]),
            line(60, None, [7, 0, 0, 0, 0]),
            line(0, Some("ada"), [1, 0, 0, 0, 0]),
        ];
        let Some(Said::Sums(mut sums)) = read(&write(&Sessions::Sums(lines), 1, 9)) else { panic!("reads") };
        sums.retain(|((_, person), _)| *person == 0);
        assert_eq!(sums, [((1, 0), [2, 2, 3, 4, 5]), ((2, 0), [7, 0, 0, 0, 0])]);
    }

    #[test]
    fn a_released_body_stays_readable() {
        let mut update = vec![1];
        for number in [-2_i64, 3, 500_000] {
            update.extend(number.to_le_bytes());
        }
        update.extend([3, 1]);
        let (is_init, is_final, severity) = (true, true, Severity::Errored);
        assert_eq!(
            read(&update),
            Some(Said::Update { sid: -2, person: 3, hour: 500_000, is_init, is_final, severity })
        );
        for length in 0..update.len() {
            assert_eq!(read(&update[..length]), None, "{length}");
        }
        assert_eq!(read(&[2]), Some(Said::Sums(Vec::new())));
        assert_eq!(read_about("shop@1\n"), Some(("shop@1", None)));
        assert_eq!(read_about("shop@1\nproduction"), Some(("shop@1", Some("production"))));
    }
}
