//! One act on many issues: those that are ticked, or all that the page's question matches.
//!
//! All of it is one transaction, and the toast offers to take it back.

use super::ask::Ask;
use crate::access::{Person, user};
use crate::app::Shared;
use crate::issue::{self, Issue, Status, list, workflow};
use crate::live::Fact;
use crate::store::now_ms;
use crate::ui::UiError;
use crate::ui::act::Fields;
use crate::ui::address::local;
use crate::ui::number::counted;
use crate::ui::toast::{Toast, Undo};
use axum::extract::State;
use axum::response::Response;
use bugle_db::{DbError, Tx};

/// Issues that one act may change. More is a script's work.
const ISSUES_MAX: usize = 1_000;
/// Issues that an undo may name: they travel in a cookie.
const UNDO_MAX: usize = 200;

/// What is done to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Status(Status),
    Assign(Option<i64>),
}

/// `POST /bulk` with `issue=…` (any number) or `all=1` and the parameters of the inbox; `do=` names the act.
pub async fn act(State(app): State<Shared>, person: Person, fields: Fields) -> Result<Response, UiError> {
    let deed = deed(fields.get("do")).ok_or_else(|| UiError::refused("The form names no act that Bugle knows."))?;
    let back = match fields.get("back") {
        "" => "/issues".to_string(),
        back => local(back).to_string(),
    };
    let at_ms = now_ms();
    let actor = person.clone();
    let changed = app
        .store
        .write(move |tx| {
            let issues = chosen(tx, &actor, &fields, at_ms)?;
            let mut changed = Vec::new();
            for issue in issues {
                let has_changed = match deed {
                    Deed::Status(status) => workflow::set_status(tx, &issue, status, Some(actor.user), at_ms)?,
                    Deed::Assign(to) => workflow::assign(tx, &issue, to, Some(actor.user), at_ms)?,
                };
                if has_changed {
                    changed.push(issue);
                }
            }
            Ok(changed)
        })
        .await?;
    for issue in &changed {
        app.live.tell(Fact::Changed { organization: person.organization, project: issue.project, issue: issue.id });
    }
    Ok(told(deed, &changed).at(&back))
}

fn deed(text: &str) -> Option<Deed> {
    Some(match text {
        "resolve" => Deed::Status(Status::Resolved),
        "archive" => Deed::Status(Status::Archived),
        "reopen" => Deed::Status(Status::Unresolved),
        "unassign" => Deed::Assign(None),
        text => Deed::Assign(Some(text.strip_prefix("assign:")?.parse().ok()?)),
    })
}

fn chosen(tx: &mut Tx<'_>, person: &Person, fields: &Fields, now_ms: i64) -> Result<Vec<Issue>, DbError> {
    if fields.get("all") == "1" {
        return matching(tx, person, fields, now_ms);
    }
    let ids: Vec<i64> = fields.all("issue").filter_map(|id| id.parse().ok()).collect();
    if ids.is_empty() {
        return Err(DbError::Abandoned("No issue was selected. Tick one, then choose what to do.".into()));
    }
    let mut issues = Vec::new();
    for id in ids.into_iter().take(ISSUES_MAX) {
        issues.extend(issue::get(tx, person.organization, id)?);
    }
    Ok(issues)
}

fn matching(tx: &mut Tx<'_>, person: &Person, fields: &Fields, now_ms: i64) -> Result<Vec<Issue>, DbError> {
    let ask = Ask::read(fields);
    let members = user::members(tx, person.organization)?;
    let project = match ask.project.as_str() {
        "" => None,
        slug => match crate::project::find(tx, person.organization, slug)? {
            Some(project) => Some(project.id),
            None => return Err(DbError::Abandoned("There is no such project. Nothing was changed.".into())),
        },
    };
    let filter = ask.filter(person, project, &members, now_ms).map_err(|wrong| DbError::Abandoned(wrong.text))?;
    let filter = ask.view.map_or(filter.clone(), |view| view.narrowed(filter, person.user, now_ms));
    let page = list::list(tx, &filter, 0, ISSUES_MAX as i64 + 1, now_ms)?;
    if page.lines.len() > ISSUES_MAX {
        let sentence = format!("More than {ISSUES_MAX} issues match. Narrow the search; nothing was changed.");
        return Err(DbError::Abandoned(sentence));
    }
    Ok(page.lines.into_iter().map(|line| line.issue).collect())
}

fn told(deed: Deed, changed: &[Issue]) -> Toast {
    let what = match (changed, deed) {
        ([], _) => return Toast::new("Nothing to change: they are so already."),
        ([one], _) => one.short_id(),
        (many, _) => counted(many.len() as i64, "issue", "issues"),
    };
    let done = match deed {
        Deed::Status(Status::Resolved) => "resolved",
        Deed::Status(Status::Archived) => "archived",
        Deed::Status(Status::Unresolved) => "reopened",
        Deed::Assign(Some(_)) => "assigned",
        Deed::Assign(None) => "assigned to nobody",
    };
    Toast { text: format!("{what} {done}."), undo: undo(deed, changed) }
}

/// What takes it back, when all of them were in the same state before.
fn undo(deed: Deed, changed: &[Issue]) -> Option<Undo> {
    let first = changed.first().filter(|_| changed.len() <= UNDO_MAX)?;
    let act = match deed {
        Deed::Status(_) => {
            let former = first.status;
            changed.iter().all(|issue| issue.status == former).then_some(())?;
            match former {
                Status::Unresolved => "reopen".into(),
                Status::Resolved => "resolve".into(),
                Status::Archived => "archive".into(),
            }
        }
        Deed::Assign(_) => {
            let former = first.assignee;
            changed.iter().all(|issue| issue.assignee == former).then_some(())?;
            former.map_or("unassign".into(), |person| format!("assign:{person}"))
        }
    };
    Some(Undo { act, issues: changed.iter().map(|issue| issue.id).collect() })
}
