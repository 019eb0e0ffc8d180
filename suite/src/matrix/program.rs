//! Telling a story: a process of its own, or a visit of Chromium to a page.

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use serde_json::json;
use tempfile::TempDir;

use super::manifest::{Manifest, Page};
use crate::browser::Browser;
use crate::door::Request;
use crate::{Project, wait, web};

/// How long one story may take. A flood with its debug log on two busy cores takes the longest.
const STORY_WITHIN: Duration = Duration::from_secs(120);
/// How much of a program's output is shown when it did not end as it should.
const SHOWN_CHARS: usize = 1500;

/// What a program printed, and whether it ended as it should.
pub struct Said {
    /// Both of its outputs.
    pub text: String,
    /// How it ended.
    pub end: Result<(), String>,
}

/// Where one program tells its stories.
pub struct Stage<'m> {
    manifest: &'m Manifest,
    project: &'m Project,
    home: TempDir,
    browser: Option<(Browser, SocketAddr)>,
}

impl<'m> Stage<'m> {
    /// A stage for a program that reports to a project.
    pub fn new(manifest: &'m Manifest, project: &'m Project) -> Stage<'m> {
        let browser = manifest.page.as_ref().map(|page| (Browser::start(), site(manifest, page, project)));
        let home = TempDir::with_prefix("bugle-matrix-").expect("a temporary directory");
        Stage { manifest, project, home, browser }
    }

    /// Tells one story to its end.
    pub fn tell(&mut self, story: &str) -> Said {
        match &self.browser {
            Some((browser, site)) => visit(browser, *site, story),
            None => self.run(story),
        }
    }

    fn run(&self, story: &str) -> Said {
        let path = self.home.path().join(format!("{story}.log"));
        let log = File::create(&path).expect("a log can be made");
        let words: Vec<String> = self.manifest.run.iter().map(|word| self.manifest.fill(word)).collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(story).current_dir(&self.manifest.folder);
        command.env("SENTRY_DSN", &self.project.dsn).env("MATRIX_HOME", self.home.path());
        command.envs(self.manifest.env.iter().map(|(name, value)| (name, self.manifest.fill(value))));
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        let end = match command.spawn() {
            Ok(child) => self.ended(child, story),
            Err(error) => Err(format!("{} could not be started: {error}", words[0])),
        };
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
        let is_death = story == "unhandled" && self.manifest.unhandled_exit != 0;
        let end = match end {
            Ok(()) if !is_death && !text.contains(&format!("done {story}")) => Err("it did not come to its end".into()),
            end => end,
        };
        let end = end.map_err(|why| format!("{story}: {why}: {}", tail(&text)));
        Said { text, end }
    }

    fn ended(&self, mut child: Child, story: &str) -> Result<(), String> {
        let wanted = if story == "unhandled" { self.manifest.unhandled_exit } else { 0 };
        let start = Instant::now();
        loop {
            match child.try_wait().map_err(|error| error.to_string())? {
                Some(status) if status.code() == Some(wanted) => return Ok(()),
                Some(status) => return Err(format!("it ended with {status}")),
                None if start.elapsed() > STORY_WITHIN => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(format!("it did not end within {STORY_WITHIN:?}"));
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

fn tail(text: &str) -> String {
    let skipped = text.chars().count().saturating_sub(SHOWN_CHARS);
    text.chars().skip(skipped).collect()
}

/// The page says when it is done; what it does when it is left, it does then.
fn visit(browser: &Browser, site: SocketAddr, story: &str) -> Said {
    browser.visit(&format!("http://{site}/?{story}"));
    let end = wait::within(STORY_WITHIN, || match browser.evaluate("return globalThis.matrix.end;") {
        serde_json::Value::String(end) if end == "done" => Ok(()),
        end => Err(format!("the page is at {end}")),
    });
    let text = browser.evaluate("return globalThis.matrix.log.join('\\n');");
    let text = text.as_str().unwrap_or_default().to_string();
    browser.visit("about:blank");
    let end = end.map_err(|why| format!("{story}: {why}: {}", tail(&text)));
    Said { text, end }
}

/// The site, on an origin of its own, with a tunnel that hands envelopes on as an application's own server does.
fn site(manifest: &Manifest, page: &Page, project: &Project) -> SocketAddr {
    let read = |path: String| std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let config = json!({"dsn": project.dsn, "way": page.way});
    let script = manifest.folder.join(&page.script).display().to_string();
    let files = [
        ("/", "text/html", read(manifest.folder.join("index.html").display().to_string())),
        ("/sdk.js", "text/javascript", read(manifest.fill(&page.sdk))),
        ("/app.js", "text/javascript", read(script)),
        ("/config.js", "text/javascript", format!("globalThis.config = {config};")),
    ];
    let mut router = Router::new();
    for (path, kind, text) in files {
        router = router.route(path, get(move || async move { ([(CONTENT_TYPE, kind)], text) }));
    }
    let (host, path) = (host(&project.dsn), format!("/api/{}/envelope/", project.id));
    let tunnel = move |body: Bytes| async move {
        let sent = tokio::task::spawn_blocking(move || Request::post(path, body.to_vec()).send(host));
        let answer = sent.await.ok().and_then(Result::ok);
        answer.and_then(|answer| StatusCode::from_u16(answer.status).ok()).unwrap_or(StatusCode::BAD_GATEWAY)
    };
    web::serve(router.route("/tunnel", post(tunnel)))
}

fn host(dsn: &str) -> SocketAddr {
    let rest = dsn.rsplit('@').next().unwrap_or_default();
    rest.split('/').next().and_then(|host| host.parse().ok()).unwrap_or_else(|| panic!("no address in {dsn}"))
}
