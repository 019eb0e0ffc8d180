//! `cargo xtask samples DIR`: posts a folder of payloads to the release binary, as SDKs would, and reports what each became.
//!
//! For whoever wants to know what Bugle makes of what their own clients send, and for us: real payloads found elsewhere
//! are not committed, but they can be looked at. Each file gets a project of its own, so that everything in that project
//! is of that file.
//!
//! **What must hold**, else the command fails: nothing is answered with a 5xx; every item that was accepted has an outcome;
//! every issue's page can be fetched and shows the issue's title; the books balance (`bugle check`).

mod payload;

use crate::client::Connection;
use crate::server::{self, Launch, Place, Project, Server};
use crate::visitor::Visitor;
use anyhow::{Context, Result, bail, ensure};
use bugle_event::json::{self, Json, Object};
use payload::Kind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const USAGE: &str = "cargo xtask samples DIR [--binary FILE] [--keep]";
/// The largest file that is looked at: more than any endpoint takes.
const FILE_BYTES_MAX: u64 = 128 << 20;

/// Of a file's name, in its project's.
const PROJECT_CHARS: usize = 60;

/// What became of one file.
struct Fate {
    name: String,
    kind: Kind,
    status: u16,
    answer: String,
    project: Project,
    /// `category outcome reason` with how many.
    outcomes: Vec<(String, i64)>,
    titles: Vec<String>,
    problems: usize,
    /// What is wrong; empty for nothing.
    wrong: Vec<String>,
}

/// Runs the command with the words after `cargo xtask samples`.
pub fn run(words: impl Iterator<Item = String>) -> Result<()> {
    let (mut folder, mut binary, mut is_kept) = (None, None, false);
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--binary" => binary = Some(PathBuf::from(words.next().context(USAGE)?)),
            "--keep" => is_kept = true,
            _ if word.starts_with('-') || folder.is_some() => bail!(USAGE),
            _ => folder = Some(PathBuf::from(word)),
        }
    }
    let folder = folder.context(USAGE)?;
    let binary = binary.map_or_else(server::build, Ok)?;
    let dir = crate::step::root().join("target").join(format!("samples-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let place = Place { binary, dir: dir.clone(), database: None };
    let result = send_all(&place, &folder);
    if !is_kept && result.is_ok() {
        std::fs::remove_dir_all(&dir)?;
    } else {
        println!("everything is left in {}", dir.display());
    }
    result
}

fn send_all(place: &Place, folder: &Path) -> Result<()> {
    place.init()?;
    let token = place.token()?;
    let mut server = place.serve(&Launch::default())?;
    server.await_start()?;
    let (mut fates, mut passed) = (Vec::new(), Vec::new());
    for path in files(folder)? {
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        let bytes = std::fs::read(&path)?;
        match Kind::of(&bytes) {
            Some(kind) => fates.push(send(&server, name, kind, bytes)?),
            None => passed.push(name),
        }
    }
    server.drained()?;
    let mut visitor = Visitor::sign_in(server.address)?;
    for fate in &mut fates {
        look(&server, &token, &mut visitor, fate)?;
    }
    server.stop()?;
    let checked = place.check().err().map(|error| error.to_string());
    report(&fates, &passed, checked.as_deref())
}

/// Files below a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => found.extend(files(&entry.path())?),
            kind if kind.is_file() && entry.metadata()?.len() <= FILE_BYTES_MAX => found.push(entry.path()),
            _ => {}
        }
    }
    found.sort();
    Ok(found)
}

fn send(server: &Server, name: String, kind: Kind, bytes: Vec<u8>) -> Result<Fate> {
    // Its end tells more of a file than its beginning.
    let short: String = name.chars().skip(name.chars().count().saturating_sub(PROJECT_CHARS)).collect();
    let project = server.place.project(&format!("sample {short}"))?;
    // An envelope may carry the key of where it was once sent to.
    let bytes = if kind == Kind::Envelope { without_dsn(bytes) } else { bytes };
    let (path, content_type, body) = kind.request(bytes, &project.key);
    let (host, id, length) = (server.address, &project.id, body.len());
    let mut request = format!(
        "POST /api/{id}/{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend(body);
    let mut connection = Connection::open(server.address)?;
    let status = connection.exchange(&request).with_context(|| format!("sending {name}"))?;
    let answer = String::from_utf8_lossy(connection.body()).chars().take(120).collect();
    let (outcomes, titles, wrong) = Default::default();
    Ok(Fate { name, kind, status, answer, project, outcomes, titles, problems: 0, wrong })
}

fn without_dsn(bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let Ok(header) = std::str::from_utf8(&bytes[..end]) else { return bytes };
    match json::read(header, &mut Vec::new()) {
        Json::Object(mut header) if header.has("dsn") => {
            header.remove("dsn");
            let mut out = Vec::new();
            header.write(&mut out);
            out.extend(&bytes[end..]);
            out
        }
        _ => bytes,
    }
}

/// Finds out what a file became.
fn look(server: &Server, token: &str, visitor: &mut Visitor, fate: &mut Fate) -> Result<()> {
    if fate.status >= 500 {
        fate.wrong.push(format!("answered {}", fate.status));
    }
    let project = fate.project.id.clone();
    let by = "groupBy=outcome&groupBy=reason&groupBy=category";
    let stats =
        format!("/api/0/organizations/bench/stats_v2/?project={project}&field=sum(quantity)&statsPeriod=2d&{by}");
    for group in ask(server, token, &stats)?.object().map(|stats| stats.array("groups")).unwrap_or_default() {
        let Some(group) = group.object() else { continue };
        let by = |key: &str| group.object("by").and_then(|by| by.text(key)).unwrap_or_default().to_string();
        let count = group.object("totals").and_then(|totals| totals.get("sum(quantity)")?.int()).unwrap_or(0);
        fate.outcomes.push((format!("{} {} {}", by("category"), by("outcome"), by("reason")).trim().into(), count));
    }
    if fate.status == 200 && fate.outcomes.is_empty() && fate.kind != Kind::Envelope {
        fate.wrong.push("accepted, and nothing became of it".into());
    }
    let issues = ask(server, token, &format!("/api/0/projects/bench/{project}/issues/?query="))?;
    for issue in issues.array().unwrap_or_default().iter().filter_map(Json::object) {
        read_page(visitor, issue, fate)?;
    }
    let events = ask(server, token, &format!("/api/0/projects/bench/{project}/events/?full=true"))?;
    for event in events.array().unwrap_or_default().iter().filter_map(Json::object) {
        let id = event.text("eventID").or(event.text("id")).unwrap_or_default();
        let event = ask(server, token, &format!("/api/0/projects/bench/{project}/events/{id}/json/"))?;
        fate.problems += event.object().map_or(0, |event| event.array("errors").len());
    }
    Ok(())
}

/// An issue must be readable: its page comes, and has its title.
fn read_page(visitor: &mut Visitor, issue: &Object<'_>, fate: &mut Fate) -> Result<()> {
    let title = issue.text("title").unwrap_or_default().to_string();
    let path = issue.text("permalink").and_then(|link| Some(link.split_once("://")?.1.split_once('/')?.1));
    let path = format!("/{}", path.context("an issue without a link")?);
    match visitor.follow(&path) {
        Ok((_, page)) => {
            let words = title.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| word.len() > 3);
            if words.is_some_and(|word| !page.contains(word)) {
                fate.wrong.push(format!("the page lacks “{title}”"));
            }
        }
        Err(error) => fate.wrong.push(format!("the page cannot be read: {error}")),
    }
    if title.trim().is_empty() {
        fate.wrong.push("an issue without a title".into());
    }
    fate.titles.push(title);
    Ok(())
}

fn ask(server: &Server, token: &str, path: &str) -> Result<Json<'static>> {
    let mut connection = Connection::open(server.address)?;
    let host = server.address;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n");
    let status = connection.exchange(request.as_bytes())?;
    let text = String::from_utf8_lossy(connection.body()).into_owned();
    ensure!(status == 200, "{path} answered {status}: {text}");
    Ok(json::read(&text, &mut Vec::new()).into_owned())
}

fn report(fates: &[Fate], passed: &[String], checked: Option<&str>) -> Result<()> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for fate in fates {
        *kinds.entry(fate.kind.name()).or_default() += 1;
        let outcomes: Vec<String> = fate.outcomes.iter().map(|(what, count)| format!("{count} {what}")).collect();
        fate.outcomes.iter().for_each(|(what, count)| *sums.entry(what).or_default() += count);
        let title = fate.titles.first().map_or("–", String::as_str);
        let more = fate.titles.len().saturating_sub(1);
        println!("{} {:<9} {} · {} · {title}", fate.status, fate.kind.name(), fate.name, outcomes.join(", "));
        if more > 0 || fate.problems > 0 {
            println!("              {more} more issues, {} problems noted", fate.problems);
        }
        if fate.status >= 400 {
            println!("              {}", fate.answer);
        }
        fate.wrong.iter().for_each(|wrong| println!("    WRONG     {wrong}"));
    }
    println!("\n{} payloads: {kinds:?}; {} other files were passed over", fates.len(), passed.len());
    sums.iter().for_each(|(what, count)| println!("{count:>8} {what}"));
    let wrong = fates.iter().filter(|fate| !fate.wrong.is_empty()).count();
    ensure!(checked.is_none(), "bugle check: {}", checked.unwrap_or_default());
    ensure!(wrong == 0, "{wrong} of {} payloads went wrong", fates.len());
    Ok(())
}
