//! What the lines of the ledger say, added up for the page. Pure: from lines to numbers.
//!
//! A filter by key or category is applied here, so that the choices it offers are all there are.

use super::span::Span;
use crate::client_report;
use crate::outcome::lines::Line;
use std::collections::BTreeMap;

/// What SDKs count in bytes, some of them.
const ATTACHMENT: &str = "attachment";

/// What to look at; `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// One key.
    pub key: Option<i64>,
    /// One category.
    pub category: Option<String>,
}

impl Filter {
    fn takes_category(&self, line: &Line) -> bool {
        self.category.as_ref().is_none_or(|category| *category == line.category)
    }

    fn takes(&self, line: &Line) -> bool {
        self.takes_category(line) && self.key.is_none_or(|key| key == line.key)
    }

    /// Whether it leaves anything out.
    pub fn is_on(&self) -> bool {
        *self != Filter::default()
    }
}

/// Items with the same outcome and reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fate {
    /// The outcome's name.
    pub outcome: String,
    /// The reason's name.
    pub reason: String,
    /// How many.
    pub quantity: i64,
    /// The first and the last hour that counted any, since 1970.
    pub hours: (i64, i64),
    /// By category, the most first.
    pub categories: Vec<(String, i64)>,
    /// By key, the most first.
    pub keys: Vec<(i64, i64)>,
}

impl Fate {
    /// Items among what SDKs dropped. Attachments are left out: some SDKs count them in bytes.
    pub fn never_sent(&self) -> i64 {
        self.categories.iter().filter(|(category, _)| category != ATTACHMENT).map(|(_, count)| count).sum()
    }
}

/// One key's part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySum {
    /// The key; 0 for none.
    pub key: i64,
    /// What came by it.
    pub received: i64,
    /// What was stored of that.
    pub stored: i64,
    /// What was not.
    pub discarded: i64,
    /// Why most of that was not: outcome, reason, how many.
    pub most: Option<(String, String, i64)>,
}

/// Everything that the page adds up.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What came.
    pub received: i64,
    /// What is in the database.
    pub stored: i64,
    /// Every other outcome.
    pub discarded: i64,
    /// What was stored, by category, the most first.
    pub kept: Vec<(String, i64)>,
    /// What was not, by outcome and reason, the most first.
    pub dropped: Vec<Fate>,
    /// By key, whatever key is chosen; the most first.
    pub keys: Vec<KeySum>,
    /// What SDKs say they dropped, by reason, the most first.
    pub client: Vec<Fate>,
    /// Per outcome, one number for each slice of the span.
    pub series: BTreeMap<String, Vec<i64>>,
    /// Every category there is.
    pub categories: Vec<String>,
}

impl Tally {
    /// Adds up lines of a span whose first slice is `first_slice`.
    pub fn of(books: &[Line], client: &[Line], filter: &Filter, span: Span, first_slice: i64) -> Tally {
        let mut tally = Tally::default();
        let mut fates: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
        let mut kept: BTreeMap<&str, i64> = BTreeMap::new();
        for line in books.iter().filter(|line| filter.takes(line)) {
            match line.outcome.as_str() {
                "received" => {
                    tally.received += line.quantity;
                    continue;
                }
                "stored" => {
                    tally.stored += line.quantity;
                    *kept.entry(&line.category).or_default() += line.quantity;
                }
                outcome => {
                    tally.discarded += line.quantity;
                    fates.entry((outcome, &line.reason)).or_default().add(line);
                }
            }
            let series = tally.series.entry(line.outcome.clone()).or_insert_with(|| vec![0; span.slices()]);
            // A clock that ran ahead may have counted beyond now: that stands in the last slice.
            let at = usize::try_from(line.slice - first_slice).unwrap_or(0).min(span.slices() - 1);
            series[at] += line.quantity;
        }
        let mut said: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
        for line in client.iter().filter(|line| filter.takes(line)) {
            said.entry((client_report::OUTCOME, &line.reason)).or_default().add(line);
        }
        tally.kept = by_most(kept.into_iter().map(|(category, count)| (category.to_string(), count)));
        tally.dropped = listed(fates);
        tally.client = listed(said);
        for fate in &mut tally.client {
            fate.categories.sort_by_key(|(category, _)| category == ATTACHMENT);
        }
        tally.keys = keys(books, filter);
        tally.categories = books.iter().chain(client).map(|line| line.category.clone()).collect();
        tally.categories.sort();
        tally.categories.dedup();
        tally
    }

    /// What is missing on the right side of the equation; anything but 0 is a mistake of ours.
    pub fn difference(&self) -> i64 {
        self.received - self.stored - self.discarded
    }

    /// Whether nothing but events came, so that they may be called so.
    pub fn is_events_only(&self) -> bool {
        let names = self.kept.iter().map(|(name, _)| name);
        let dropped = self.dropped.iter().flat_map(|fate| fate.categories.iter().map(|(name, _)| name));
        names.chain(dropped).all(|name| matches!(name.as_str(), "error" | "default"))
    }
}

#[derive(Default)]
struct Sum {
    quantity: i64,
    hours: Option<(i64, i64)>,
    categories: BTreeMap<String, i64>,
    keys: BTreeMap<i64, i64>,
}

impl Sum {
    fn add(&mut self, line: &Line) {
        self.quantity += line.quantity;
        let (first, last) = self.hours.unwrap_or((line.first_hour, line.last_hour));
        self.hours = Some((first.min(line.first_hour), last.max(line.last_hour)));
        *self.categories.entry(line.category.clone()).or_default() += line.quantity;
        *self.keys.entry(line.key).or_default() += line.quantity;
    }
}

fn listed(sums: BTreeMap<(&str, &str), Sum>) -> Vec<Fate> {
    let mut fates: Vec<Fate> = sums
        .into_iter()
        .map(|((outcome, reason), sum)| Fate {
            outcome: outcome.into(),
            reason: reason.into(),
            quantity: sum.quantity,
            hours: sum.hours.unwrap_or_default(),
            categories: by_most(sum.categories.into_iter()),
            keys: by_most(sum.keys.into_iter()),
        })
        .collect();
    fates.sort_by_key(|fate| -fate.quantity);
    fates
}

fn by_most<T>(counts: impl Iterator<Item = (T, i64)>) -> Vec<(T, i64)> {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(_, count)| -count);
    counts
}

fn keys(books: &[Line], filter: &Filter) -> Vec<KeySum> {
    let mut sums: BTreeMap<i64, KeySum> = BTreeMap::new();
    let mut fates: BTreeMap<(i64, &str, &str), i64> = BTreeMap::new();
    for line in books.iter().filter(|line| filter.takes_category(line)) {
        let sum = sums.entry(line.key).or_insert_with(|| KeySum { key: line.key, ..KeySum::default() });
        match line.outcome.as_str() {
            "received" => sum.received += line.quantity,
            "stored" => sum.stored += line.quantity,
            outcome => {
                sum.discarded += line.quantity;
                *fates.entry((line.key, outcome, &line.reason)).or_default() += line.quantity;
            }
        }
    }
    for ((key, outcome, reason), count) in fates {
        let Some(sum) = sums.get_mut(&key) else { continue };
        if sum.most.as_ref().is_none_or(|(_, _, most)| count > *most) {
            sum.most = Some((outcome.into(), reason.into(), count));
        }
    }
    let mut keys: Vec<KeySum> = sums.into_values().collect();
    keys.sort_by_key(|sum| -sum.received);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(key: i64, category: &str, outcome: &str, reason: &str, slice: i64, quantity: i64) -> Line {
        let (category, outcome, reason) = (category.into(), outcome.into(), reason.into());
        Line { key, category, outcome, reason, slice, first_hour: slice, last_hour: slice, quantity }
    }

    #[test]
    fn lines_are_added_up_and_filtered() {
        let books = [
            line(1, "error", "received", "", 100, 10),
            line(1, "error", "stored", "", 100, 4),
            line(1, "error", "discarded", "issue_cap", 101, 5),
            line(1, "error", "invalid", "duplicate", 100, 1),
            line(2, "session", "received", "", 123, 3),
            line(2, "session", "discarded", "unsupported", 999, 3),
        ];
        let client = [line(2, "error", "client_discard", "before_send", 100, 7)];
        let all = Tally::of(&books, &client, &Filter::default(), Span::Day, 100);
        assert_eq!((all.received, all.stored, all.discarded, all.difference()), (13, 4, 9, 0));
        assert_eq!((all.dropped[0].reason.as_str(), all.dropped[0].hours), ("issue_cap", (101, 101)));
        assert_eq!(all.series["discarded"].iter().sum::<i64>(), 8, "also what a fast clock counted");
        assert_eq!((all.series["discarded"][1], all.series["discarded"][23]), (5, 3));
        assert_eq!(all.keys[0].most, Some(("discarded".into(), "issue_cap".into(), 5)));
        assert_eq!(all.categories, ["error", "session"]);
        assert!(!all.is_events_only());

        let filter = Filter { key: Some(2), category: Some("error".into()) };
        let some = Tally::of(&books, &client, &filter, Span::Day, 100);
        assert_eq!((some.received, some.client[0].quantity), (0, 7));
        assert_eq!(some.keys.len(), 1, "keys are those of the category");
        assert_eq!(some.categories, ["error", "session"], "the choices stay");
    }
}
