use super::*;
use crate::config::{Config, Overrides};
use crate::limit::{OfProject, ProjectLimits};
use crate::outcome::{Category, Dialect};

/// 22 November 2026.
const NOW_MS: i64 = 1_795_300_000_000;

fn key(rate_count: Option<i64>) -> Key {
    Key {
        id: 3,
        project: 1,
        public: String::new(),
        label: String::new(),
        is_active: true,
        rate_count,
        rate_window_s: rate_count.map(|_| 60),
        created_ms: 0,
    }
}

fn settings(limits: ProjectLimits, organization: Option<i64>) -> Arc<Settings> {
    let project = OfProject { organization: 7, keys: [3].into(), limits };
    let organizations = organization.map(|max| (7, max)).into_iter().collect();
    Arc::new(Settings { revision: 1, projects: [(1, project)].into(), organizations })
}

fn limits(settings: &Arc<Settings>) -> Arc<Limits> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = Config::resolve(folder.path().into(), None, Overrides::default(), Overrides::default());
    let guard = Arc::new(Guard::new(&Config { disk_free_bytes_min: 0, ..config.expect("resolves") }));
    Arc::new(Limits::new(guard, Arc::clone(settings), NOW_MS))
}

/// Takes events until one is refused; how many were taken, and why no more.
fn fill(limits: &Arc<Limits>, settings: &Arc<Settings>, key: &Key, now_ms: i64) -> (i64, Closed) {
    for taken in 0..10_000 {
        match limits.take(settings, key, now_ms) {
            Ok((place, _)) => place.keep(),
            Err(closed) => return (taken, closed[0]),
        }
    }
    panic!("nothing limits it");
}

fn head() -> Sender {
    Sender { dialect: Dialect::Sentry, category: Category::Error, project: 1, key: 3, received_ms: NOW_MS }
}

#[test]
fn a_window_takes_its_count_and_opens_again() {
    let (settings, key) = (settings(ProjectLimits::default(), None), key(Some(2)));
    let limits = limits(&settings);
    assert_eq!(limits.take(&settings, &key, NOW_MS).map(|(place, closing)| (place.keep(), closing)), Ok(((), vec![])));
    let closing =
        limits.take(&settings, &key, NOW_MS).map(|(place, closing)| (place.keep(), closing)).expect("taken").1;
    let (taken, closed) = fill(&limits, &settings, &key, NOW_MS);
    assert_eq!((taken, closed.reason), (0, Reason::KeyQuota));
    assert_eq!(closing, [closed], "the last event of a window is told that it was");
    assert!((1..=60).contains(&closed.after_s), "{closed:?}");
    assert_eq!(limits.closed(&settings, &key, NOW_MS), [closed]);
    let later_ms = NOW_MS + closed.after_s * 1000;
    assert!(limits.closed(&settings, &key, later_ms).is_empty());
    assert_eq!(fill(&limits, &settings, &key, later_ms).0, 2);
}

#[test]
fn all_keys_of_a_project_share_its_limit() {
    let rate = Some(Rate { count: 3, window_s: 60 });
    let settings = settings(ProjectLimits { rate, ..Default::default() }, None);
    let (limits, one, other) = (limits(&settings), key(None), Key { id: 4, ..key(None) });
    limits.take(&settings, &other, NOW_MS).map(|(place, _)| place.keep()).expect("is taken");
    let (taken, closed) = fill(&limits, &settings, &one, NOW_MS);
    assert_eq!((taken, closed.reason), (2, Reason::ProjectRateLimit));
    assert!(limits.take(&settings, &other, NOW_MS).is_err());
}

#[test]
fn a_refused_event_takes_from_no_limit() {
    let limited = ProjectLimits { month_events_max: Some(5), ..Default::default() };
    let settings = settings(limited, None);
    let (limits, key) = (limits(&settings), key(Some(2)));
    fill(&limits, &settings, &key, NOW_MS);
    fill(&limits, &settings, &key, NOW_MS);
    assert_eq!(limits.used_of_month(&settings, 1, 7, NOW_MS), (2, 2));
}

#[test]
fn a_quota_is_exact_over_a_restart_and_whatever_becomes_of_events() {
    let limited = ProjectLimits { month_events_max: Some(10), ..Default::default() };
    let settings = settings(limited, None);
    let (limits, key) = (limits(&settings), key(None));
    limits.begin(&Month::at(NOW_MS), &[(1, 7, 4)]);
    limits.found(&head(), 400);
    limits.found(&head(), 400);
    let (taken, closed) = fill(&limits, &settings, &key, NOW_MS);
    assert_eq!((taken, closed.reason), (4, Reason::ProjectQuota), "4 in the ledger and 2 in the journal are used");
    let fates = [
        (head(), 400, (Outcome::Stored, Reason::None)),
        (head(), 400, (Outcome::Invalid, Reason::Duplicate)),
        (head(), 0, (Outcome::Discarded, Reason::IssueCap)),
    ];
    limits.append([(head(), 0)].into_iter());
    limits.file(fates.into_iter());
    assert_eq!(limits.used_of_month(&settings, 1, 7, NOW_MS), (9, 9), "a repeat gives its place back");
    drop(limits.take(&settings, &key, NOW_MS).map(|(place, _)| drop(place)));
    assert_eq!(fill(&limits, &settings, &key, NOW_MS).0, 1, "and so does what was not kept");
    let december_ms = Month::at(NOW_MS).until_ms;
    assert_eq!(closed.after_s, (december_ms - NOW_MS) / 1000);
    limits.file([(head(), 0, (Outcome::Invalid, Reason::Duplicate))].into_iter());
    assert_eq!(fill(&limits, &settings, &key, december_ms).0, 10, "the next month is whole");
}

#[test]
fn an_organizations_quota_is_shared_by_its_projects() {
    let settings = settings(ProjectLimits::default(), Some(3));
    let (limits, key) = (limits(&settings), key(None));
    limits.begin(&Month::at(NOW_MS), &[(1, 7, 1), (2, 7, 1)]);
    let (taken, closed) = fill(&limits, &settings, &key, NOW_MS);
    assert_eq!((taken, closed.reason), (1, Reason::OrganizationQuota));
    assert_eq!(closed.retry().scope, "organization");
}

#[test]
fn a_spike_is_held_to_what_is_usual_and_only_where_it_is_asked_for() {
    let protected = settings(ProjectLimits { is_spike_protected: true, ..Default::default() }, None);
    let (limits, key) = (limits(&protected), key(None));
    limits.set_usual([(1, 50)].into());
    assert_eq!(limits.spikes(NOW_MS), []);
    let (taken, closed) = fill(&limits, &protected, &key, NOW_MS);
    assert_eq!((taken, closed.reason), (50, Reason::Spike));
    assert!(closed.after_s <= 600, "{closed:?}");
    assert_eq!(limits.spikes(NOW_MS), [(1, 50)]);
    let mut free = Settings { revision: 2, ..Default::default() };
    free.projects.insert(1, OfProject { organization: 7, keys: [3].into(), limits: ProjectLimits::default() });
    assert!(limits.take(&Arc::new(free), &key, NOW_MS).map(|(place, _)| place.keep()).is_ok(), "switched off");
    assert!(limits.take(&protected, &key, NOW_MS).map(|(place, _)| place.keep()).is_ok(), "an older snapshot is late");
}
