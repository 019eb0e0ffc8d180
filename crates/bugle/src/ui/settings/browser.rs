//! `/projects/{slug}/browser`: what concerns browsers. From which sites events may come, the path around blockers, the
//! script that loads the SDK, and the dialog that asks people.

use super::part;
use super::project::change;
use crate::access::Person;
use crate::app::Shared;
use crate::policy::browser::{PATTERNS_MAX, Wishes};
use crate::project::{self, Key, Project};
use crate::store::now_ms;
use crate::ui::act::Fields;
use crate::ui::address::encode;
use crate::ui::error::UiError;
use crate::ui::form::{Said, snip};
use crate::ui::layout::{Chrome, Here, page};
use crate::ui::number::exact;
use crate::ui::toast::Toast;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use bugle_db::{DbError, Tx};
use maud::{Markup, html};

/// Its addresses: the page, and each of its forms.
pub fn routes() -> Router<Shared> {
    Router::new().route("/projects/{slug}/browser", get(show)).route("/projects/{slug}/browser/{part}", post(update))
}

/// Everything that the page shows.
struct Sheet {
    chrome: Chrome,
    project: Project,
    wishes: Wishes,
    /// The first key that is switched on.
    key: Option<Key>,
    public_url: String,
    /// The server's bundle and its tunnel.
    server_sdk_url: String,
    tunnel_path: Option<String>,
}

async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path(slug): Path<String>,
) -> Result<Response, UiError> {
    answer(&app, &person, &slug, toast, Said::default()).await
}

async fn answer(app: &Shared, person: &Person, slug: &str, toast: Toast, said: Said) -> Result<Response, UiError> {
    let (person, slug, config) = (person.clone(), slug.to_string(), app.config.clone());
    let load = move |tx: &mut Tx<'_>| -> Result<Option<Sheet>, DbError> {
        let Some(chrome) = Chrome::read(tx, &person, Some(&slug), Here::Settings, now_ms())? else { return Ok(None) };
        let Some(project) = chrome.project.clone() else { return Ok(None) };
        Ok(Some(Sheet {
            chrome: chrome.with_toast(toast),
            wishes: Wishes::read(tx, project.id)?,
            key: project::keys(tx, project.id)?.into_iter().find(|key| key.is_active),
            project,
            public_url: config.public_url,
            server_sdk_url: config.browser_sdk_url,
            tunnel_path: config.tunnel_path,
        }))
    };
    let mut sheet = app.store.read(load).await?.ok_or(UiError::NotFound)?;
    sheet.chrome = sheet.chrome.with_backlog(app.backlog());
    let title = format!("Browsers of {}", sheet.project.name);
    Ok(said.answer(page(&sheet.chrome, &title, view(&sheet, &said))))
}

async fn update(
    State(app): State<Shared>,
    person: Person,
    Path((slug, name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, UiError> {
    let (asked, which) = (fields.clone(), name.clone());
    let changed = change(&app, &person, &slug, move |tx, project| {
        let mut wishes = Wishes::read(tx, project.id)?;
        let saved = match which.as_str() {
            "sites" => {
                wishes.allowed_domains = asked.get("domains").lines().map(String::from).collect();
                "The allowed sites are saved. They count from now on."
            }
            "tunnel" => {
                wishes.is_tunnelled = asked.get("open") == "on";
                if wishes.is_tunnelled {
                    "The tunnel is open for this project."
                } else {
                    "The tunnel is closed for this project."
                }
            }
            "loader" => {
                wishes.sdk_url = asked.get("sdk_url").to_string();
                "The bundle's address is saved. Browsers keep the loader for up to an hour."
            }
            _ => return Ok(None),
        };
        wishes.write(tx, project.id)?;
        Ok(Some(saved))
    });
    match changed.await? {
        Ok(saved) => Ok(Toast::new(saved).at(&format!("/projects/{}/browser", encode(&slug)))),
        Err(sentence) => answer(&app, &person, &slug, Toast::default(), Said::refused(&name, sentence, fields)).await,
    }
}

fn view(sheet: &Sheet, said: &Said) -> Markup {
    let path = format!("/projects/{}", encode(&sheet.project.slug));
    html! {
        div.title { div {
            h1 { "Browsers of " (sheet.project.name) }
            p.say {
                a href={ (path) "/settings" } { "Settings" } " · " a href={ (path) "/setup" } { "First steps" } " · "
                a href={ "/feedback?project=" (encode(&sheet.project.slug)) } { "Feedback" }
            }
        } }
        (part("sites", "Allowed sites", "whose pages may send", sites(sheet, &path, said)))
        (part("tunnel", "Tunnel", "a way around blockers", tunnel(sheet, &path, said)))
        (part("loader", "Loader", "one line for any page", loader(sheet, &path, said)))
        (part("dialog", "Dialog", "asking people", dialog(sheet)))
    }
}

fn sites(sheet: &Sheet, path: &str, said: &Said) -> Markup {
    let domains = said.value("sites", "domains", &sheet.wishes.allowed_domains.join("\n"));
    html! {
        form method="post" action={ (path) "/browser/sites" } {
            (said.note("sites"))
            p.field {
                label for="domains" { "Sites, one on each line" }
                textarea id="domains" name="domains" rows="5" spellcheck="false" { (domains) }
                small.dim {
                    code { "*" } " every site, " code { "example.com" } " this host, " code { "*.example.com" } " the domain and all below it, "
                    code { "https://example.com:8443" } " exactly this, " code { "*:3000" } " any host on this port. At most "
                    (exact(PATTERNS_MAX as i64)) "."
                }
            }
            p.because {
                "What browsers say of where a page is from decides; requests that do not say it, as those of servers, pass. An empty list refuses every page."
            }
            p.acts { button.btn { "Save" } }
        }
    }
}

fn tunnel(sheet: &Sheet, path: &str, said: &Said) -> Markup {
    let is_open = said.chosen("tunnel", "open", "on", sheet.wishes.is_tunnelled);
    let Some(tunnel) = &sheet.tunnel_path else {
        return html! { p.say { "This server has no tunnel: its setting " code { "tunnel_path" } " is empty." } };
    };
    let proxy = format!("location = /hello {{\n    proxy_pass {}{tunnel};\n}}", sheet.public_url);
    html! {
        p {
            "Extensions that block trackers stop requests by their address. With a path of your own site in between there is none to stop: "
            "the SDK sends to your site, and your site's server hands it on."
        }
        form method="post" action={ (path) "/browser/tunnel" } {
            (said.note("tunnel"))
            p.acts {
                label { input type="checkbox" name="open" value="on" checked[is_open]; " Take what comes by the tunnel" }
                button.btn { "Save" }
            }
        }
        @if let Some(key) = &sheet.key {
            h3 { "In the SDK" }
            (snip(html! { "Sentry.init({\n  dsn: \"" (project::dsn(&sheet.public_url, key)) "\",\n  tunnel: \"/hello\",\n});" }))
        }
        h3 { "In your site's nginx" }
        (snip(html! { (proxy) }))
        p.because { "Take another word than " code { "hello" } ", so that no list has it. " code { (sheet.public_url) (tunnel) } " takes envelopes directly, too." }
    }
}

fn loader(sheet: &Sheet, path: &str, said: &Said) -> Markup {
    let Some(key) = &sheet.key else { return no_key(path) };
    let server = if sheet.server_sdk_url.is_empty() { "none" } else { &sheet.server_sdk_url };
    html! {
        p { "It takes errors from the first moment, and loads the SDK when there is one to send." }
        (snip(html! { "<script src=\"" (sheet.public_url) "/js-sdk-loader/" (key.public) ".min.js\" crossorigin=\"anonymous\"></script>" }))
        form method="post" action={ (path) "/browser/loader" } {
            (said.note("loader"))
            p.field {
                label for="sdk-url" { "The SDK's bundle" }
                input id="sdk-url" name="sdk_url" placeholder=(server) value=(said.value("loader", "sdk_url", &sheet.wishes.sdk_url));
                small.dim { "Your pages load it from there. Empty: from the address that stands in the field." }
            }
            p.acts { button.btn { "Save" } }
        }
    }
}

fn dialog(sheet: &Sheet) -> Markup {
    let path = format!("/projects/{}", encode(&sheet.project.slug));
    let Some(key) = &sheet.key else { return no_key(&path) };
    let dsn = project::dsn(&sheet.public_url, key);
    html! {
        p { "SDKs open it with " code { "Sentry.showReportDialog({ eventId })" } ". On an error page that a server writes, one line does:" }
        (snip(html! {
            "<script src=\"" (sheet.public_url) "/api/embed/error-page/?dsn=" (encode(&dsn)) "&eventId=" mark { "EVENT_ID" } "\"></script>"
        }))
        p.because { "What people write shows on the issue and under " a href={ "/feedback?project=" (encode(&sheet.project.slug)) } { "Feedback" } ". Secrets are taken out as of any event." }
    }
}

fn no_key(path: &str) -> Markup {
    html! { p.say { "The project has no key that is switched on. " a href={ (path) "/settings#keys" } { "Make one" } "." } }
}
