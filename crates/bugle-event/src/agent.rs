//! What a `User-Agent` tells of browser, system and device, and what client hints tell better.
//!
//! Pure and without patterns to compile: a table of marks, looked for in order, since every browser names those it wants
//! to pass for. The names are those that trackers have come to use (`Chrome Mobile`, `Mobile Safari`, `Mac OS X`), so
//! that filters and searches carry over. What is not known is `None`, never a guess. A text costs about a microsecond
//! (`cost` below), so nothing is cached.

pub mod hints;

use std::borrow::Cow;

/// What is looked at of an agent, in bytes: real ones are shorter, and this is on the way of every event.
pub const AGENT_BYTES_MAX: usize = 1024;

/// What an agent is. Everything borrows from its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agent<'a> {
    /// The browser, or the program that asked.
    pub browser: Option<Product<'a>>,
    /// The system it runs on.
    pub os: Option<Product<'a>>,
    /// The device, where it is named.
    pub device: Option<Device<'a>>,
}

/// A program, with its version as far as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its version, numbers joined by dots; empty when it is not told.
    pub version: Cow<'a, str>,
}

impl Product<'_> {
    /// The first number of the version.
    pub fn major(&self) -> Option<u32> {
        self.version.split('.').next()?.parse().ok()
    }
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device<'a> {
    /// What it is sold as, or `Spider` for a program that walks the web.
    pub family: Cow<'a, str>,
    /// Its exact kind.
    pub model: Option<Cow<'a, str>>,
    /// Who makes it.
    pub brand: Option<&'static str>,
}

/// Reads a `User-Agent`.
pub fn parse(text: &str) -> Agent<'_> {
    let mut end = text.len().min(AGENT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    let crawler = crawler(text);
    let device = match &crawler {
        Some(_) => Some(Device { family: "Spider".into(), model: None, brand: None }),
        None => device(text),
    };
    Agent { browser: crawler.or_else(|| browser(text)), os: os(text), device }
}

/// Mark and name, the most particular first: those below are what those above pass for.
const BROWSERS: &[(&str, &str)] = &[
    ("EdgA/", "Edge Mobile"),
    ("EdgiOS/", "Edge Mobile"),
    ("Edg/", "Edge"),
    ("Edge/", "Edge"),
    ("Opera Mini/", "Opera Mini"),
    ("OPT/", "Opera Touch"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("UCBrowser/", "UC Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("HuaweiBrowser/", "Huawei Browser"),
    ("MiuiBrowser/", "MiuiBrowser"),
    ("DuckDuckGo/", "DuckDuckGo Mobile"),
    ("Whale/", "Whale"),
    ("Silk/", "Amazon Silk"),
    ("FBAV/", "Facebook"),
    ("Instagram ", "Instagram"),
    ("GSA/", "Google"),
    ("CriOS/", "Chrome Mobile iOS"),
    ("FxiOS/", "Firefox iOS"),
    ("Electron/", "Electron"),
    ("HeadlessChrome/", "HeadlessChrome"),
    ("PhantomJS/", "PhantomJS"),
    ("MSIE ", "IE"),
    ("SeaMonkey/", "SeaMonkey"),
    ("Focus/", "Firefox Focus"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("python-requests/", "Python Requests"),
    ("okhttp/", "okhttp"),
    ("Go-http-client/", "Go-http-client"),
    ("PostmanRuntime/", "PostmanRuntime"),
    ("axios/", "axios"),
];

fn browser(text: &str) -> Option<Product<'_>> {
    let has = |mark: &str| text.contains(mark);
    if let Some((name, at)) = BROWSERS.iter().find_map(|(mark, name)| Some((*name, after(text, mark)?))) {
        let name = if name == "Opera" && has("Mobile") { "Opera Mobile" } else { name };
        return product(name, at);
    }
    if has("Trident/") {
        return product("IE", after(text, "rv:").unwrap_or_default());
    }
    if let Some(opera) = after(text, "Opera/").or_else(|| after(text, "Opera ")) {
        let name = if has("Opera Mobi") { "Opera Mobile" } else { "Opera" };
        return product(name, after(text, "Version/").unwrap_or(opera));
    }
    if let Some(at) = after(text, "Firefox/") {
        return product(if has("Mobile;") || has("Tablet;") { "Firefox Mobile" } else { "Firefox" }, at);
    }
    if let Some(at) = after(text, "Chrome/").or_else(|| after(text, "Chromium/")) {
        let name = match () {
            () if has("; wv)") => "Chrome Mobile WebView",
            () if has(" Mobile") => "Chrome Mobile",
            () if !has("Chrome/") => "Chromium",
            () => "Chrome",
        };
        return product(name, at);
    }
    if has("Android") && has("AppleWebKit/") {
        return product("Android", after(text, "Android ").unwrap_or_default());
    }
    let is_mobile = has("iPhone") || has("iPad") || has("iPod");
    match (has("Safari/"), is_mobile && has("AppleWebKit/")) {
        (true, true) => product("Mobile Safari", after(text, "Version/").unwrap_or_default()),
        (true, false) => product("Safari", after(text, "Version/").unwrap_or_default()),
        (false, true) => product("Mobile Safari UI/WKWebView", after(text, "Version/").unwrap_or_default()),
        (false, false) => None,
    }
}

/// A program that walks the web signs as `Somebot/1.0`.
fn crawler(text: &str) -> Option<Product<'_>> {
    for (slash, _) in text.match_indices('/') {
        let start = text[..slash].rfind(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'));
        let name = &text[start.map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8))..slash];
        let ends = |end: &str| {
            name.len() >= end.len() && name.as_bytes()[name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
        };
        // Cubot makes phones.
        if (ends("bot") || ends("bots") || ends("spider") || ends("crawler")) && !name.eq_ignore_ascii_case("cubot") {
            return Some(Product { name: name.into(), version: version(&text[slash + 1..]) });
        }
    }
    None
}

fn os(text: &str) -> Option<Product<'_>> {
    if let Some(at) = after(text, "Windows Phone OS ").or_else(|| after(text, "Windows Phone ")) {
        return product("Windows Phone", at);
    }
    if let Some(at) = after(text, "Windows NT ") {
        return Some(Product { name: "Windows".into(), version: windows(version(at)) });
    }
    if let Some(at) = after(text, "Windows ") {
        return product("Windows", at);
    }
    if let Some(at) = after(text, "iPhone OS ").or_else(|| after(text, "CPU OS ")) {
        return product("iOS", at);
    }
    if let Some(at) = after(text, "Mac OS X ").or_else(|| after(text, "Mac OS X")) {
        return product("Mac OS X", at);
    }
    if let Some(at) = after(text, "Android").map(|at| at.trim_start_matches([' ', '/', '-'])) {
        return product("Android", at);
    }
    if let Some(at) = after(text, "CrOS ") {
        return product("Chrome OS", at.split_once(' ').map_or("", |(_, version)| version));
    }
    for (mark, name) in SYSTEMS {
        if let Some(at) = after(text, mark) {
            return product(name, at.trim_start_matches(['/', ' ']));
        }
    }
    None
}

const SYSTEMS: &[(&str, &str)] = &[
    ("KAIOS", "KaiOS"),
    ("Tizen", "Tizen"),
    ("Ubuntu", "Ubuntu"),
    ("Fedora", "Fedora"),
    ("Debian", "Debian"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("Linux", "Linux"),
];

/// The name that a version of Windows NT is sold under.
pub(crate) fn windows(nt: Cow<'_, str>) -> Cow<'_, str> {
    match &*nt {
        "10.0" => "10".into(),
        "6.3" => "8.1".into(),
        "6.2" => "8".into(),
        "6.1" => "7".into(),
        "6.0" => "Vista".into(),
        "5.1" | "5.2" => "XP".into(),
        "5.0" => "2000".into(),
        _ => nt,
    }
}

fn device(text: &str) -> Option<Device<'_>> {
    for name in ["iPhone", "iPad", "iPod"] {
        if text.contains(name) {
            return Some(Device { family: name.into(), model: Some(name.into()), brand: Some("Apple") });
        }
    }
    if text.contains("Macintosh") {
        return Some(Device { family: "Mac".into(), model: Some("Mac".into()), brand: Some("Apple") });
    }
    // `(Linux; U; Android 4.0.3; de-de; GT-I9100 Build/IML74K)`
    let system = after(text, "Android")?;
    let system = &system[..system.find(')').unwrap_or(system.len())];
    let named = system.split(';').skip(1).map(|part| part.split(" Build").next().unwrap_or(part).trim());
    let model = named.filter(|part| !is_no_model(part)).last()?;
    Some(Device { family: model.into(), model: Some(model.into()), brand: brand(model) })
}

/// `K` is what every phone says that wishes to be no phone in particular; `de-de` is a language.
fn is_no_model(part: &str) -> bool {
    let is_language = part.len() == 5 && matches!(part.as_bytes()[2], b'-' | b'_');
    is_language || part.len() < 2 || part.starts_with("rv:") || matches!(part, "wv" | "Mobile" | "Tablet")
}

fn brand(model: &str) -> Option<&'static str> {
    const BRANDS: &[(&str, &str)] = &[
        ("SM-", "Samsung"),
        ("GT-", "Samsung"),
        ("Pixel", "Google"),
        ("Nexus", "Google"),
        ("Redmi", "Xiaomi"),
        ("Mi ", "Xiaomi"),
        ("POCO", "Xiaomi"),
        ("moto", "Motorola"),
        ("ONEPLUS", "OnePlus"),
    ];
    BRANDS.iter().find(|(start, _)| model.starts_with(start)).map(|(_, brand)| *brand)
}

fn product<'a>(name: &'static str, at: &'a str) -> Option<Product<'a>> {
    Some(Product { name: name.into(), version: version(at) })
}

/// What stands behind the first `mark`.
fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.find(mark).map(|at| &text[at + mark.len()..])
}

/// The version that a text begins with: `16_5_1` is `16.5.1`.
fn version(text: &str) -> Cow<'_, str> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let version = text[..end].trim_matches(['.', '_']);
    match version.contains('_') {
        true => Cow::Owned(version.replace('_', ".")),
        false => Cow::Borrowed(version),
    }
}

#[cfg(test)]
mod tests;
