//! What the address of the inbox asks for.

use crate::access::Person;
use crate::access::user::Member;
use crate::issue::list::{Filter, Sort};
use crate::issue::query::{self, Asker, QueryError};
use crate::issue::series::Range;
use crate::issue::term::Test;
use crate::issue::{NEW_MS, Status};
use crate::ui::act::Fields;
use crate::ui::address::with_query;

/// The parameters of the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The search, as written.
    pub q: String,
    /// The project's slug; empty: all.
    pub project: String,
    /// The environment; empty: all.
    pub environment: String,
    /// The span of time that numbers and staves cover, and in which an issue must have been seen.
    pub range: Range,
    /// The order.
    pub sort: Sort,
    /// The view; `None` when the search itself says which states it wants.
    pub view: Option<View>,
    /// Which page, from 1.
    pub page: i64,
}

/// The views that everybody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What somebody should look at.
    Unresolved,
    /// First seen within the last day.
    New,
    /// Came back and not looked at since.
    Regressed,
    /// Given to the person who looks.
    Mine,
    /// What nobody wants to hear of.
    Archived,
    /// What is mended.
    Resolved,
}

impl View {
    /// All of them, in the order of the tabs.
    pub const ALL: [View; 6] =
        [View::Unresolved, View::New, View::Regressed, View::Mine, View::Archived, View::Resolved];

    /// As it stands in the address.
    pub fn as_str(self) -> &'static str {
        match self {
            View::Unresolved => "unresolved",
            View::New => "new",
            View::Regressed => "regressed",
            View::Mine => "mine",
            View::Archived => "archived",
            View::Resolved => "resolved",
        }
    }

    /// On its tab, and at the beginning of the page's sentence.
    pub fn name(self) -> &'static str {
        match self {
            View::Unresolved => "Unresolved",
            View::New => "New",
            View::Regressed => "Regressed",
            View::Mine => "Mine",
            View::Archived => "Archived",
            View::Resolved => "Resolved",
        }
    }

    /// `filter`, narrowed to this view.
    pub fn narrowed(self, mut filter: Filter, me: i64, now_ms: i64) -> Filter {
        filter.status = Some(match self {
            View::Archived => Status::Archived,
            View::Resolved => Status::Resolved,
            _ => Status::Unresolved,
        });
        match self {
            View::New => filter.first_since_ms = Some(now_ms - NEW_MS),
            View::Regressed => filter.only_regressed = true,
            View::Mine => filter.assignee = Some(Some(me)),
            _ => {}
        }
        filter
    }
}

impl Ask {
    /// Reads the parameters. What makes no sense is as if it were not there: an address is often typed or old.
    pub fn read(fields: &Fields) -> Ask {
        let q = fields.get("q").to_string();
        let view = View::ALL.into_iter().find(|view| view.as_str() == fields.get("view"));
        Ask {
            project: fields.get("project").to_string(),
            environment: fields.get("environment").to_string(),
            range: Range::parse(fields.get("range")).unwrap_or(Range::Fortnight),
            sort: Sort::parse(fields.get("sort")).unwrap_or_default(),
            view: view.or((!says_state(&q)).then_some(View::Unresolved)),
            page: fields.get("page").parse().ok().filter(|page| (1..100_000).contains(page)).unwrap_or(1),
            q,
        }
    }

    /// The address of the first page that asks for this.
    pub fn path(&self) -> String {
        let range = if self.range == Range::Fortnight { "" } else { self.range.as_str() };
        let sort = if self.sort == Sort::Last { "" } else { self.sort.as_str() };
        let view = self.view.filter(|view| *view != View::Unresolved || says_state(&self.q));
        with_query(
            "/issues",
            &[
                ("view", view.map_or("", View::as_str)),
                ("q", &self.q),
                ("project", &self.project),
                ("environment", &self.environment),
                ("range", range),
                ("sort", sort),
            ],
        )
    }

    /// The address of another page of the same list.
    pub fn path_of_page(&self, page: i64) -> String {
        let number = if page > 1 { page.to_string() } else { String::new() };
        with_query(&self.path(), &[("page", &number)])
    }

    /// What to ask the database for, but for the view.
    ///
    /// # Errors
    /// When the search cannot be answered.
    pub fn filter(
        &self,
        person: &Person,
        project: Option<i64>,
        members: &[Member],
        now_ms: i64,
    ) -> Result<Filter, QueryError> {
        let mut filter = query::parse(&self.q, &Asker { me: person.user, people: members, now_ms })?;
        filter.organization = person.organization;
        filter.projects = project.into_iter().collect();
        filter.environment = Some(self.environment.clone()).filter(|name| !name.is_empty());
        filter.range = Some(self.range);
        filter.sort = self.sort;
        Ok(filter)
    }
}

/// Whether a search says which states it wants, so that no view narrows it further.
fn says_state(q: &str) -> bool {
    let asker = Asker { me: 0, people: &[], now_ms: 0 };
    let states = |test: &Test| {
        matches!(
            test,
            Test::Status(_) | Test::Regressed | Test::New(_) | Test::Ongoing(_) | Test::Ids(_) | Test::ShortIds(_)
        )
    };
    query::parse(q, &asker).is_ok_and(|filter| filter.terms.iter().any(|term| states(&term.test)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(&str, &str)]) -> Ask {
        Ask::read(&Fields(pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()))
    }

    #[test]
    fn addresses_read_back() {
        for pairs in [
            &[("q", "a b"), ("project", "shop"), ("range", "24h"), ("sort", "people"), ("view", "mine")][..],
            &[("q", "is:resolved"), ("environment", "pro&d")],
            &[("q", "is:resolved"), ("view", "unresolved")],
            &[],
        ] {
            let ask = ask(pairs);
            let path = ask.path();
            let query = path.split_once('?').map_or("", |(_, query)| query);
            let uri: axum::http::Uri = format!("/issues?{query}").parse().expect("an address");
            let axum::extract::Query(again) = axum::extract::Query::try_from_uri(&uri).expect("a query");
            assert_eq!(Ask::read(&Fields(again)), ask, "{path}");
        }
    }

    #[test]
    fn a_search_for_a_state_leaves_the_views() {
        assert_eq!(ask(&[]).view, Some(View::Unresolved));
        assert_eq!(ask(&[("q", "words level:error")]).view, Some(View::Unresolved));
        assert_eq!(ask(&[("q", "is:resolved")]).view, None);
        assert_eq!(ask(&[("q", "is:resolved"), ("view", "mine")]).view, Some(View::Mine));
        assert_eq!(ask(&[("page", "-3"), ("range", "never"), ("view", "odd")]), ask(&[]));
    }
}
