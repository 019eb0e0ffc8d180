//! The frame of every page: masthead, navigation and search above, the books below.
//!
//! Only entries that lead somewhere today are in the navigation. The scope (which project) lives in the address and
//! every number on a page obeys it, the books at the foot among them.

use super::address::{encode, with_query};
use super::assets::{HORN, SCRIPT, STYLES};
use super::books::{self, Books};
use super::error::UiError;
use super::icon::{icon, symbols};
use super::moment;
use super::number::counted;
use super::toast::Toast;
use crate::access::Person;
use crate::app::Shared;
use crate::limit::warning::{self, Level, Standing};
use crate::project::{self, Project};
use crate::store::now_ms;
use bugle_db::{DbError, Tx};
use maud::{DOCTYPE, Markup, html};

/// What stands around a page.
#[derive(Debug, Clone)]
pub struct Chrome {
    /// Who looks.
    pub person: Person,
    /// All projects of their organization, by name.
    pub projects: Vec<Project>,
    /// The project that the page is about; `None`: all of them.
    pub project: Option<Project>,
    /// Which entry of the navigation the page belongs to.
    pub here: Here,
    /// What stands in the search field.
    pub query: String,
    /// The balance at the foot.
    pub books: Books,
    /// Limits that hold now, or nearly.
    pub standing: Vec<Standing>,
    /// What the last act has done.
    pub toast: Toast,
}

/// The entries of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Here {
    /// The list of issues, and an issue.
    Inbox,
    /// Versions, and how they do.
    Releases,
    /// What was sent, and to whom.
    Alerts,
    /// Jobs that give signs of life.
    Monitors,
    /// The fate of every item.
    Ledger,
    /// What people said.
    Feedback,
    /// Projects, people, tokens.
    Settings,
    /// None of them.
    Elsewhere,
}

impl Chrome {
    /// Reads it, for the project with this slug or for all. `None`: there is no such project.
    pub fn read(
        tx: &mut Tx<'_>,
        person: &Person,
        slug: Option<&str>,
        here: Here,
        now_ms: i64,
    ) -> Result<Option<Chrome>, DbError> {
        let projects = project::list(tx, person.organization)?;
        let project = match slug.filter(|slug| !slug.is_empty()) {
            None => None,
            Some(slug) => match projects.iter().find(|project| project.slug == slug) {
                Some(project) => Some(project.clone()),
                None => return Ok(None),
            },
        };
        let scope: Vec<i64> = project.iter().map(|project| project.id).collect();
        let books = Books::read(tx, person.organization, &scope, now_ms)?;
        let standing = warning::standing(tx, person.organization, scope.first().copied().unwrap_or(0), now_ms)?;
        Ok(Some(Chrome {
            standing,
            person: person.clone(),
            projects,
            project,
            here,
            query: String::new(),
            books,
            toast: Toast::default(),
        }))
    }

    /// With what waits to be filed, for the books.
    pub fn with_backlog(mut self, backlog: i64) -> Chrome {
        self.books = self.books.with_backlog(backlog);
        self
    }

    /// With what the last act has done.
    pub fn with_toast(mut self, toast: Toast) -> Chrome {
        self.toast = toast;
        self
    }
}

/// [`Chrome::read`] in a transaction of its own, for pages that need nothing else from the database.
///
/// # Errors
/// [`UiError::NotFound`] when there is no such project.
pub async fn chrome(app: &Shared, person: &Person, project: Option<&str>, here: Here) -> Result<Chrome, UiError> {
    let (person, slug) = (person.clone(), project.map(String::from));
    let chrome = app.store.read(move |tx| Chrome::read(tx, &person, slug.as_deref(), here, now_ms())).await?;
    Ok(chrome.ok_or(UiError::NotFound)?.with_backlog(app.backlog()))
}

/// A whole page.
pub fn page(chrome: &Chrome, title: &str, main: Markup) -> Markup {
    document(
        title,
        html! {
            a.skip href="#main" { "To the content" }
            (strip(chrome))
            main #main { (standing(chrome)) (main) (toast(&chrome.toast)) }
            (books::foot(chrome))
        },
    )
}

/// A page in front of the gate: sign-in, invites, errors. No masthead, no numbers, nothing that is anybody's.
pub fn gate(title: &str, main: Markup) -> Markup {
    document(title, html! { main #main .gate { (stave()) p.brand { (icon("horn")) "Bugle" } (main) } })
}

fn document(title: &str, body: Markup) -> Markup {
    let body = body.into_string();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Bugle" }
                link rel="icon" href=(HORN.path) type="image/svg+xml";
                @for style in STYLES.iter() { link rel="stylesheet" href=(style.path); }
                script src=(SCRIPT.path) defer {}
            }
            body { (symbols(&body)) (maud::PreEscaped(body)) }
        }
    }
}

fn strip(chrome: &Chrome) -> Markup {
    let slug = chrome.project.as_ref().map_or("", |project| &project.slug);
    let inbox = with_query("/issues", &[("project", slug)]);
    let ledger = chrome.project.as_ref().or(chrome.projects.first());
    let entry = |here: Here, href: &str, name: &str| {
        let key = name.to_lowercase().chars().next();
        html! { a href=(href) data-go=[key] aria-current=[(chrome.here == here).then_some("page")] { (name) } }
    };
    html! {
        header.strip {
            a.brand href="/" { (icon("horn")) "Bugle" }
            (switch(chrome))
            nav aria-label="Main" {
                (entry(Here::Inbox, &inbox, "Inbox"))
                (entry(Here::Releases, &with_query("/releases", &[("project", slug)]), "Releases"))
                (entry(Here::Monitors, &with_query("/monitors", &[("project", slug)]), "Monitors"))
                (entry(Here::Alerts, &with_query("/deliveries", &[("project", slug)]), "Alerts"))
                @if let Some(project) = ledger {
                    (entry(Here::Ledger, &format!("/projects/{}/ledger", encode(&project.slug)), "Ledger"))
                }
                (entry(Here::Feedback, &with_query("/feedback", &[("project", slug)]), "Feedback"))
                (entry(Here::Settings, "/settings", "Settings"))
            }
            form.find role="search" action="/issues" {
                (icon("search"))
                @if !slug.is_empty() { input type="hidden" name="project" value=(slug); }
                input type="search" name="q" aria-label="Search" placeholder="Search issues" value=(chrome.query);
                kbd { "/" }
            }
            (account(&chrome.person))
        }
    }
}

fn switch(chrome: &Chrome) -> Markup {
    html! {
        details.menu {
            summary {
                b { (chrome.project.as_ref().map_or("All projects", |project| &project.name)) }
                (icon("down"))
            }
            ul {
                li { a href="/issues?project=" { "All projects" kbd { "g 0" } } }
                @for (at, project) in chrome.projects.iter().enumerate() {
                    li {
                        a href=(with_query("/issues", &[("project", &project.slug)])) {
                            (project.name)
                            @if at < 9 { kbd { "g " (at + 1) } }
                        }
                    }
                }
                li { a href="/projects/new" { "New project…" } }
            }
        }
    }
}

fn account(person: &Person) -> Markup {
    html! {
        details.menu.end {
            summary aria-label={ "Your account, " (person.name) } { span.who { (initials(&person.name)) } }
            ul {
                li { a href="/settings/account" { span { (person.name) br; small.dim { (person.email) } } } }
                li {
                    form method="post" action="/session" {
                        input type="hidden" name="_method" value="DELETE";
                        button { "Sign out" }
                    }
                }
            }
        }
    }
}

/// Two letters for a person: `Mara Lindqvist` is `ML`.
pub fn initials(name: &str) -> String {
    let mut words = name.split(|c: char| c.is_whitespace() || c == '.' || c == '@').filter(|word| !word.is_empty());
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// What holds events back, or soon will, above every page that it concerns.
fn standing(chrome: &Chrome) -> Markup {
    let now_ms = now_ms();
    html! {
        @for one in &chrome.standing {
            @let project = chrome.project.as_ref().filter(|_| !one.is_organizations);
            @let name = project.map_or(&chrome.person.organization_name, |project| &project.name);
            @let limits = project.map_or("/settings#limits".into(), |project| format!("/projects/{}/limits", encode(&project.slug)));
            @let quota = counted(one.limited_to, "event", "events");
            p.note.standing.bad[one.level != Level::Near] role="status" {
                @match one.level {
                    Level::Near => { b { (name) " has used 80% of its quota of " (quota) " this month. " } "Nothing is refused yet. " },
                    Level::Reached => {
                        b { (name) " has used up its quota of " (quota) " this month. " }
                        "Further events are refused until " (moment::day(one.opens_ms, now_ms)) ". "
                    },
                    Level::Spike => {
                        b { (name) " sends far more than is usual for it. " }
                        "What is beyond is refused until " (moment::clock(one.opens_ms, now_ms)) ", then looked at again. "
                    },
                }
                a href=(limits) { "Limits and their use" }
            }
        }
    }
}

fn toast(toast: &Toast) -> Markup {
    html! {
        @if !toast.text.is_empty() {
            div.toast role="status" {
                span { (toast.text) }
                @if let Some(undo) = &toast.undo {
                    form method="post" action="/bulk" {
                        @for issue in &undo.issues { input type="hidden" name="issue" value=(issue); }
                        button.btn name="do" value=(undo.act) { "Undo" kbd { "z" } }
                    }
                }
            }
        }
    }
}

/// The one ornament: a call on five lines.
fn stave() -> Markup {
    const NOTES: [(f64, u32, f64); 15] = [
        (8.0, 76, 1.6),
        (12.0, 76, 1.6),
        (16.0, 44, 3.2),
        (22.0, 60, 1.6),
        (26.0, 44, 3.2),
        (32.0, 28, 4.8),
        (44.0, 76, 1.6),
        (48.0, 76, 1.6),
        (52.0, 44, 3.2),
        (58.0, 28, 1.6),
        (62.0, 44, 3.2),
        (68.0, 12, 6.4),
        (82.0, 44, 1.6),
        (86.0, 60, 1.6),
        (90.0, 76, 6.4),
    ];
    html! {
        svg.chart.stave role="presentation" {
            @for line in 1..=5 { line.grid x1="0" x2="100%" y1=(line * 16) y2=(line * 16) {} }
            @for (x, y, width) in NOTES { rect x={ (x) "%" } y=(y) width={ (width) "%" } height="8" rx="1" {} }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_have_initials() {
        for (name, expected) in
            [("Mara Lindqvist", "ML"), ("mara", "M"), ("mara.l@example.org", "MO"), ("王小明", "王"), ("", "")]
        {
            assert_eq!(initials(name), expected, "{name}");
        }
    }
}
