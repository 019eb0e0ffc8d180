//! `/ledger`: what belongs to no project, for whoever runs the server: what came without a valid key, and records that
//! could not be filed; beside it every project in a line, so that the whole can be seen to balance.

use super::span::Span;
use super::tally::{Fate, Filter, Tally};
use super::{Asked, reasons, view, words};
use crate::app::Shared;
use crate::fate::{self, Aside};
use crate::outcome::{Reason, lines};
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::error::UiError;
use crate::ui::gate::Owner;
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::moment::clock;
use crate::ui::number::{counted, exact};
use axum::extract::{Query, State};
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Quarantined records that are listed.
const ASIDE_MAX: i64 = 50;

struct Server {
    chrome: Chrome,
    span: Span,
    /// What belongs to no project.
    nobody: Tally,
    /// Slug, name and sums of each project.
    projects: Vec<(String, String, Tally)>,
    aside: (Vec<Aside>, i64),
    backlog: i64,
    now_ms: i64,
}

pub(super) async fn show(
    State(app): State<Shared>,
    Owner(person): Owner,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Markup, UiError> {
    let (span, now_ms) = (Asked::read(&Fields(query)).span, now_ms());
    let load = move |tx: &mut Tx<'_>| -> Result<Option<Server>, DbError> {
        let Some(chrome) = Chrome::read(tx, &person, None, Here::Ledger, now_ms)? else { return Ok(None) };
        let mut tally = |project: i64| -> Result<Tally, DbError> {
            let books = lines::books(tx, project, span.since_hour(now_ms), span.slice_hours())?;
            Ok(Tally::of(&books, &[], &Filter::default(), span, span.first_slice(now_ms)))
        };
        let nobody = tally(0)?;
        let mut projects = Vec::new();
        for project in &chrome.projects {
            projects.push((project.slug.clone(), project.name.clone(), tally(project.id)?));
        }
        let aside = fate::quarantined(tx, ASIDE_MAX)?;
        Ok(Some(Server { chrome, span, nobody, projects, aside, backlog: 0, now_ms }))
    };
    let mut server = app.store.read(load).await?.ok_or(UiError::NotFound)?;
    server.backlog = app.backlog();
    server.chrome = server.chrome.with_backlog(server.backlog);
    Ok(page(&server.chrome, "Ledger of the server", whole(&server)))
}

fn whole(server: &Server) -> Markup {
    let (span, nobody) = (server.span, &server.nobody);
    let range =
        |one: Span| if one == Span::default() { "/ledger".into() } else { format!("/ledger?range={}", one.as_str()) };
    html! {
        div.title {
            div {
                h1 { "Ledger of the server" }
                p.lede {
                    "In the last " (span.words()) " " b { (counted(nobody.received, "item", "items")) }
                    " came that " (if nobody.received == 1 { "belongs" } else { "belong" }) " to no project. "
                    @if server.aside.1 > 0 { b { (counted(server.aside.1, "record", "records")) } " could not be filed and " (if server.aside.1 == 1 { "is" } else { "are" }) " put aside." }
                    @else { "No record is put aside." }
                }
            }
            nav.ranges aria-label="Range" {
                @for one in Span::ALL { a href=(range(one)) aria-current=[(one == span).then_some("true")] { (one.as_str()) } }
            }
        }
        @for tally in server.projects.iter().map(|(_, _, tally)| tally).chain([nobody]) {
            @if tally.difference() != 0 { (view::unbalanced(tally.difference())) }
        }
        (projects(server))
        (of_nobody(server))
        (quarantine(server))
    }
}

fn projects(server: &Server) -> Markup {
    let row = |name: Markup, tally: &Tally| {
        html! { tr { th scope="row" { (name) } td.num { (exact(tally.received)) } td.num { (exact(tally.stored)) } td.num { (exact(tally.discarded)) } } }
    };
    let all = || server.projects.iter().map(|(_, _, tally)| tally).chain([&server.nobody]);
    html! {
        section.part #projects {
            header { h2 { "Projects" } small { "last " (server.span.words()) } }
            div {
                table.books {
                    caption.sr { "Items by project" }
                    thead { tr { th scope="col" { "Project" } th.num scope="col" { "Received" } th.num scope="col" { "Stored" } th.num scope="col" { "Discarded" } } }
                    tbody {
                        @for (slug, name, tally) in &server.projects {
                            (row(html! { a href=(Asked::path(slug, server.span, &Filter::default())) { (name) } }, tally))
                        }
                        (row(html! { a href="#nobody" { "no project" } }, &server.nobody))
                    }
                    tfoot { tr {
                        td { "Together" } td.num { (exact(all().map(|tally| tally.received).sum())) }
                        td.num { (exact(all().map(|tally| tally.stored).sum())) } td.num { (exact(all().map(|tally| tally.discarded).sum())) }
                    } }
                }
                @if server.backlog > 0 {
                    p.because { (counted(server.backlog, "record", "records")) " more came, safe on disk and not yet filed." }
                }
            }
        }
    }
}

fn of_nobody(server: &Server) -> Markup {
    html! {
        section.part #nobody {
            header { h2 { "No project" } small { (counted(server.nobody.discarded, "item", "items")) } }
            @if server.nobody.dropped.is_empty() {
                p.say { "Everything that came had a valid key." }
            } @else {
                table.books {
                    caption.sr { "Items of no project by reason" }
                    (reasons::heads())
                    tbody { @for fate in &server.nobody.dropped { (reason(server, fate)) } }
                }
            }
        }
    }
}

fn reason(server: &Server, fate: &Fate) -> Markup {
    let words = Reason::parse(&fate.reason).map(|reason| (reason, words::reason(reason)));
    html! {
        tr {
            th scope="row" { (words::outcome(&fate.outcome).0) }
            td {
                @match words {
                    Some((Reason::Quarantined, (name, _))) => {
                        b { (name) } p.because { "A record of the journal is so damaged that it does not say whose it is. " a href="#quarantine" { "What was put aside" } }
                    }
                    Some((_, (name, sentence))) => { b { (name) } p.because { (sentence) } }
                    None => (fate.reason)
                }
            }
            (reasons::numbers(fate, server.nobody.received, server.now_ms))
        }
    }
}

fn quarantine(server: &Server) -> Markup {
    let (listed, count) = &server.aside;
    html! {
        section.part #quarantine {
            header { h2 { "Put aside" } small { (counted(*count, "record", "records")) } }
            @if listed.is_empty() {
                p.say { "Every record that was taken could be filed." }
            } @else {
                div {
                    p.because {
                        "These were taken and would fail again. Each is kept as it was, in the table " code { "quarantine" }
                        " of the database, and counted as put aside. Report the error to whoever makes Bugle: it is a mistake of its, or of the disk's."
                    }
                    table.books {
                        caption.sr { "Records that could not be filed, newest first" }
                        thead { tr { th scope="col" { "Position" } th scope="col" { "Project" } th scope="col" { "Error" } th.num.opt scope="col" { "Bytes" } th.num.opt scope="col" { "When" } } }
                        tbody {
                            @for aside in listed {
                                tr {
                                    td { (aside.position) } td { (aside.project.as_deref().unwrap_or("not known")) } td.says { samp { (aside.error) } }
                                    td.num.opt { (exact(aside.bytes)) } td.num.opt.dim { (clock(aside.at_ms, server.now_ms)) }
                                }
                            }
                        }
                    }
                    @if *count > listed.len() as i64 { p.fine { "and " (exact(count - listed.len() as i64)) " older ones" } }
                }
            }
        }
    }
}
