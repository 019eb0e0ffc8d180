//! Headless Chromium, driven by WebDriver, and the site that it visits.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use crate::secrets::Plant;
use crate::{Project, tools, wait, web};

/// A browser with a new, empty profile.
pub struct Browser {
    client: Client,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts chromedriver and, through it, Chromium.
    pub fn start() -> Browser {
        let (driver, port) = start_driver();
        let profile = TempDir::with_prefix("bugle-chromium-").expect("a temporary directory");
        let directory = format!("--user-data-dir={}", profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,1000",
            &directory,
        ];
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let options = json!({"args": arguments});
        builder.capabilities([("goog:chromeOptions".to_string(), options)].into_iter().collect());
        let client = web::block_on(builder.connect(&format!("http://127.0.0.1:{port}"))).expect("Chromium starts");
        Browser { client, driver, _profile: profile }
    }

    /// Goes to an address.
    pub fn visit(&self, url: &str) {
        web::block_on(self.client.goto(url)).unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Clicks on the first element that matches.
    pub fn click(&self, selector: &str) {
        let clicked = web::block_on(async { self.client.find(Locator::Css(selector)).await?.click().await });
        clicked.unwrap_or_else(|error| panic!("clicking {selector}: {error}"));
    }

    /// Types into the first element that matches.
    pub fn fill(&self, selector: &str, text: &str) {
        let filled = web::block_on(async { self.client.find(Locator::Css(selector)).await?.send_keys(text).await });
        filled.unwrap_or_else(|error| panic!("filling {selector}: {error}"));
    }

    /// The text that is to be seen on the page now; none while one page makes way for the next.
    pub fn text(&self) -> String {
        let text = web::block_on(async { self.client.find(Locator::Css("body")).await?.text().await });
        match text {
            Err(error) if error.is_stale_element_reference() || error.is_no_such_element() => String::new(),
            text => text.expect("a page has a body"),
        }
    }

    /// Waits until the page shows a text, without loading it again.
    pub fn await_text(&self, text: &str) {
        wait::until_ok(&format!("{text:?} on the page"), || {
            let seen = self.text();
            if seen.contains(text) { Ok(()) } else { Err(seen) }
        });
    }

    /// Evaluates a script, `return …`.
    pub fn evaluate(&self, script: &str) -> serde_json::Value {
        web::block_on(self.client.execute(script, Vec::new())).unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// The width and height of the window, in CSS pixels.
    pub fn resize(&self, width: u32, height: u32) {
        web::block_on(self.client.set_window_size(width, height)).expect("a window can be resized");
    }

    /// A picture of the page as PNG.
    pub fn screenshot(&self) -> Vec<u8> {
        web::block_on(self.client.screenshot()).expect("a page can be pictured")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium ends with its session; should that fail, chromedriver takes it along.
        let _ =
            web::block_on(async { tokio::time::timeout(Duration::from_secs(5), self.client.clone().close()).await });
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Starts chromedriver on a port of its own choice.
fn start_driver() -> (Child, u16) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver starts");
    let output = driver.stdout.take().expect("it was piped");
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let port = line.rsplit("on port ").next().and_then(|rest| rest.trim_end_matches('.').parse::<u16>().ok());
            if let Some(port) = port.filter(|_| line.contains("started successfully")) {
                let _ = tell.send(port);
            }
        }
    });
    let port = told.recv_timeout(wait::DEADLINE).expect("chromedriver says where it listens");
    (driver, port)
}

/// The shop's web site, with the browser SDK, on an origin of its own: what it reports crosses origins, as it does
/// for users.
pub fn site(project: &Project, plant: &Plant) -> SocketAddr {
    let config = json!({"dsn": project.dsn, "plant": plant.marker()});
    let folder = tools::apps().join("browser");
    let read =
        |path: std::path::PathBuf| std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let files = [
        ("/", "text/html", read(folder.join("index.html"))),
        ("/shop.js", "text/javascript", read(folder.join("shop.js"))),
        ("/sdk.js", "text/javascript", read(tools::browser_sdk())),
        ("/config.js", "text/javascript", format!("globalThis.config = {config};")),
    ];
    let mut router = Router::new();
    for (path, kind, text) in files {
        router = router.route(path, get(move || async move { ([(CONTENT_TYPE, kind)], text) }));
    }
    web::serve(router)
}
