//! The new project's form, and first steps as five steps that are one page.

use super::Connect;
use super::platform::{self, PLATFORMS, Platform};
use crate::project::dsn;
use crate::ui::address::encode;
use crate::ui::form::{Said, snip};
use crate::ui::icon::{icon, staff};
use crate::ui::moment;
use crate::ui::number::exact;
use maud::{Markup, html};

/// The form for another project.
pub(super) fn new(said: &Said) -> Markup {
    html! {
        div.title { div {
            h1 { "New project" }
            p.lede { "One for each application: its events, its keys, its alerts." }
        } }
        section.part {
            header { h2 { "Project" } }
            form method="post" action="/projects" {
                (said.note("new"))
                p.field {
                    label for="name" { "Name" }
                    input #name name="name" value=(said.value("new", "name", "")) maxlength="100" required autofocus
                        aria-invalid=[said.is_refused("new").then_some("true")];
                    small.dim { "As the team calls the application." }
                }
                (platform::select(&said.value("new", "platform", "")))
                p.acts { button.btn.main { "Make the project" } a.btn.bare href="/settings" { "Not now" } }
            }
        }
    }
}

/// From a DSN to the first event.
pub(super) fn setup(connect: &Connect) -> Markup {
    let name = &connect.project.name;
    html! {
        div.title { div {
            h1 { "Connect " (name) }
            p.lede {
                "Bugle understands the SDK that you have already. Give it the address below and raise an error; "
                "this page turns into the event when it arrives."
            }
        } }
        (choose(connect))
        @match (&connect.key, connect.platform) {
            (None, _) => {
                p.note.bad {
                    b { (name) " has no key that is switched on. " }
                    a href={ "/projects/" (encode(&connect.project.slug)) "/settings#keys" } { "Make one" } "."
                }
            },
            (Some(key), Some(platform)) => {
                (steps(connect, platform, &dsn(&connect.public_url, key)))
            },
            (Some(key), None) => {
                (step("Configure", html! {
                    p { "Every SDK of Sentry takes this DSN. Choose a platform above to see how." }
                    (snip(html! { mark { (dsn(&connect.public_url, key)) } }))
                    (because(connect))
                }))
            },
        }
        @if let Some(key) = &connect.key { (by_hand(connect, &key.public)) }
        (listen(connect))
    }
}

fn choose(connect: &Connect) -> Markup {
    let path = format!("/projects/{}/setup", encode(&connect.project.slug));
    let here = |platform: &Platform| connect.platform.is_some_and(|chosen| chosen.id == platform.id);
    step(
        "Choose",
        html! {
            p.choices {
                @for platform in PLATFORMS {
                    a.btn href={ (path) "?platform=" (platform.id) } aria-current=[here(platform).then_some("true")] {
                        (platform.name)
                    }
                }
            }
        },
    )
}

fn steps(connect: &Connect, platform: &Platform, dsn: &str) -> Markup {
    let configure = platform.configure.replace("{app}", &connect.project.slug);
    let (before, after) = configure.split_once("{dsn}").unwrap_or((&configure, ""));
    html! {
        (step("Install", snip(html! { (platform.install) })))
        (step("Configure", html! {
            (snip(html! { (before) mark { (dsn) } (after) }))
            @if !platform.hint.is_empty() { p { (platform.hint) } }
            (because(connect))
        }))
        (step("Raise", snip(html! { (platform.raise) })))
    }
}

fn because(connect: &Connect) -> Markup {
    html! {
        p.because {
            "The DSN is an address and a write-only key. It may stand in source code; it cannot read anything. "
            a href={ "/projects/" (encode(&connect.project.slug)) "/settings#keys" } { "More keys and limits" } " · "
            a href={ "/projects/" (encode(&connect.project.slug)) "/browser" } { "Loader, tunnel and sites of browsers" }
        }
    }
}

/// One line that needs no SDK.
fn by_hand(connect: &Connect, public: &str) -> Markup {
    let line = format!(
        "curl {}/api/{}/store/ -H 'Content-Type: application/json' \\\n  -H 'X-Sentry-Auth: Sentry sentry_version=7, \
         sentry_key={public}' \\\n  -d '{{\"exception\":{{\"values\":[{{\"type\":\"FirstCall\",\"value\":\"it works\"}}]}}}}'",
        connect.public_url, connect.project.id
    );
    html! {
        section.part {
            header { h2 { "By hand" } }
            details { summary.btn.bare { "One line of curl does it, too " (icon("down")) } (snip(html! { (line) })) }
        }
    }
}

fn listen(connect: &Connect) -> Markup {
    html! {
        section.part.step #listen {
            header { h2 { "Listen" } small { "since " (moment::clock(connect.now_ms, connect.now_ms)) } }
            div aria-live="polite" {
                @match &connect.issue {
                    Some(issue) => {
                        p.note.good {
                            b { "Events arrive. " } "The latest: " (staff(&issue.level)) " "
                            a href={ "/issues/" (issue.id) } { samp { b { (issue.kind) } " " (issue.title) } }
                        }
                        p.acts { a.btn.main href={ "/issues?project=" (encode(&connect.project.slug)) } { "To the inbox" } }
                    },
                    None => (wait(connect)),
                }
                div data-heard=(connect.project.id) { (heard(connect)) }
            }
        }
    }
}

fn wait(connect: &Connect) -> Markup {
    let chosen = connect.platform.map_or("", |platform| platform.id);
    let path = format!("/projects/{}/setup?waiting=&platform={chosen}", encode(&connect.project.slug));
    html! {
        div.wait data-waiting=(connect.project.id) data-then=(path) {
            p { b { "Waiting for the first event." } " " span.say { "You can leave this page; nothing is missed." } }
        }
        noscript { meta http-equiv="refresh" content={ "5; url=" (path) }; }
    }
}

fn heard(connect: &Connect) -> Markup {
    html! {
        @if !connect.heard.is_empty() {
            h3 { "Refused lately" }
            ul.log {
                @for attempt in &connect.heard {
                    li {
                        (moment::clock(attempt.at_ms, connect.now_ms))
                        (icon("warn"))
                        div {
                            b { (attempt.status) } " " span.say { (attempt.why) }
                            @if attempt.times > 1 { span.dim { " " (exact(attempt.times as i64)) " times" } }
                        }
                    }
                }
            }
        } @else if connect.issue.is_none() {
            p.fine { "Nothing was refused since this server started." }
        }
    }
}

fn step(name: &str, body: Markup) -> Markup {
    html! { section.part.step { header { h2 { (name) } } div { (body) } } }
}
