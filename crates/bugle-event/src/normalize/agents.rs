//! Browser, system and device of the client, as its headers tell (Sentry protocol, 8.9), and of a raw description.
//!
//! What the SDK says itself is left alone: a context is made only where there is none of its name. On `javascript` the
//! client's system is the program's own, `os`; elsewhere it is `client_os`.

use crate::Event;
use crate::agent::{self, Device, Product, hints};
use crate::event::pairs;
use crate::json::{Json, Object};
use std::borrow::Cow;

/// Fills the contexts in.
pub(super) fn settle(event: &mut Event<'_>) {
    describe(event);
    let found = from_headers(event);
    if found.is_empty() {
        return;
    }
    if !matches!(event.json.get("contexts"), Some(Json::Object(_))) {
        event.json.set("contexts", Object::default());
    }
    let Some(contexts) = event.json.get_mut("contexts").and_then(Json::object_mut) else { return };
    for (name, context) in found {
        if !contexts.has(name) {
            contexts.set(name, context);
        }
    }
}

/// What headers tell. Hints win over the agent, which many browsers have frozen.
fn from_headers(event: &Event<'_>) -> Vec<(&'static str, Object<'static>)> {
    let headers = event.json.object("request").map_or(&[][..], |request| request.array("headers"));
    let header =
        |wanted: &str| pairs(headers).find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    let text = header("User-Agent").unwrap_or_default();
    let platform = header("Sec-Ch-Ua-Platform");
    if text.is_empty() && platform.is_none() {
        return Vec::new();
    }
    let os_name = if event.platform() == "javascript" { "os" } else { "client_os" };
    let is_known = |name: &str| event.json.object("contexts").is_some_and(|contexts| contexts.has(name));
    if is_known("browser") && is_known(os_name) && is_known("device") {
        return Vec::new();
    }
    let agent = agent::parse(text);
    let brands = header("Sec-Ch-Ua-Full-Version-List").or_else(|| header("Sec-Ch-Ua"));
    let browser = brands.and_then(hints::browser).or(agent.browser);
    let os = platform.and_then(|platform| hints::os(platform, header("Sec-Ch-Ua-Platform-Version")));
    let os = match (os, agent.os) {
        // The platform alone says less than an agent of the same system.
        (Some(hint), Some(os)) if hint.version.is_empty() && hint.name == os.name => Some(os),
        (hint, os) => hint.or(os),
    };
    let device = header("Sec-Ch-Ua-Model").and_then(hints::device).or(agent.device);
    let mut found = Vec::with_capacity(3);
    found.extend(browser.map(|browser| ("browser", product(&browser))));
    found.extend(os.map(|os| (os_name, product(&os))));
    found.extend(device.map(|one| ("device", of_device(&one))));
    found
}

fn product(product: &Product<'_>) -> Object<'static> {
    let mut context = Object::default();
    context.set("name", product.name.clone().into_owned());
    if !product.version.is_empty() {
        context.set("version", product.version.clone().into_owned());
    }
    context
}

fn of_device(device: &Device<'_>) -> Object<'static> {
    let mut context = Object::default();
    context.set("family", device.family.clone().into_owned());
    if let Some(model) = &device.model {
        context.set("model", model.clone().into_owned());
    }
    if let Some(brand) = device.brand {
        context.set("brand", brand);
    }
    context
}

/// Reads `raw_description` of systems and runtimes that have no name (Sentry protocol, 7.11).
fn describe(event: &mut Event<'_>) {
    let Some(contexts) = event.json.get_mut("contexts").and_then(Json::object_mut) else { return };
    for (name, read) in [("os", os as Read), ("client_os", os), ("runtime", runtime), ("client_runtime", runtime)] {
        let Some(context) = contexts.get_mut(name).and_then(Json::object_mut) else { continue };
        let Some(raw) = context.text("raw_description").filter(|_| context.text("name").is_none()) else { continue };
        let Some(read) = read(raw) else { continue };
        let mut fields = vec![("name", read.name.to_string())];
        fields.extend(read.version.map(|version| ("version", version.to_string())));
        fields.extend(read.kernel.map(|kernel| ("kernel_version", kernel.to_string())));
        for (key, value) in fields {
            if !context.has(key) {
                context.set(key, value);
            }
        }
    }
}

type Read = fn(&str) -> Option<Described<'_>>;

/// What a description says.
#[derive(Debug, PartialEq, Eq, Default)]
struct Described<'a> {
    name: Cow<'a, str>,
    version: Option<Cow<'a, str>>,
    kernel: Option<&'a str>,
}

/// The first Windows that is sold as 11, by its build.
const WINDOWS_11_BUILD: u32 = 22_000;

/// `Microsoft Windows 10.0.19045`, `Linux 5.15.0 …`, `Darwin 23.1.0`, `macOS 14.1`, `Android OS 13 / API-33 (…)`, `iOS 17.1`.
fn os(raw: &str) -> Option<Described<'_>> {
    let raw = raw.trim();
    let of = |name: &'static str, version: &'_ str| (name, numbers(version).map(str::to_string));
    let (name, version) = if let Some(rest) =
        raw.strip_prefix("Microsoft Windows").or_else(|| raw.strip_prefix("Windows"))
    {
        ("Windows", windows(rest))
    } else if let Some(rest) = raw.strip_prefix("Android OS").or_else(|| raw.strip_prefix("Android")) {
        of("Android", rest)
    } else if let Some(rest) = raw.strip_prefix("Mac OS X").or_else(|| raw.strip_prefix("macOS")) {
        of("macOS", rest)
    } else if let Some(name) = ["iPadOS", "tvOS", "watchOS", "visionOS"].into_iter().find(|name| raw.starts_with(name))
    {
        of(name, &raw[name.len()..])
    } else if let Some(rest) = raw.strip_prefix("iPhone OS").or_else(|| raw.strip_prefix("iOS")) {
        of("iOS", rest)
    } else if let Some(name) = ["Linux", "Darwin", "FreeBSD"].into_iter().find(|name| raw.starts_with(name)) {
        // `uname`: the system, perhaps the host, then the kernel.
        let kernel = raw.split_ascii_whitespace().skip(1).find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        return Some(Described { name: name.into(), version: kernel.and_then(numbers).map(Cow::Borrowed), kernel });
    } else {
        return None;
    };
    Some(Described { name: name.into(), version: version.map(Cow::Owned), kernel: None })
}

/// What Windows is sold as: ` NT 10.0.22631.0`, ` 10.0.19045`, ` 6.3.9600`, ` 11 (10.0.22000) 64bit`.
fn windows(rest: &str) -> Option<String> {
    let version = numbers(rest.trim_start().trim_start_matches("NT"))?;
    let mut parts = version.split('.');
    let (major, minor, build) = (parts.next()?, parts.next(), parts.next().and_then(|build| build.parse::<u32>().ok()));
    Some(match (minor, build) {
        (None, _) => major.to_string(),
        (Some("0"), Some(WINDOWS_11_BUILD..)) if major == "10" => "11".into(),
        (Some(minor), _) => agent::windows(format!("{major}.{minor}").into()).into_owned(),
    })
}

/// `.NET 8.0.1`, `.NET Core 3.1.5`, `.NET Framework 4.8.4250.0`, `Mono 6.12.0 (…)`, `Python 3.11`.
fn runtime(raw: &str) -> Option<Described<'_>> {
    let raw = raw.trim();
    let digit = raw.find(|c: char| c.is_ascii_digit())?;
    let name = raw[..digit].trim_end();
    let is_name =
        !name.is_empty() && name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphabetic() || " .".contains(c));
    let framework = |release: &str| release.parse().ok().and_then(framework);
    let numbers = numbers(&raw[digit..])?;
    let version = match name {
        ".NET Framework" => framework(numbers).map_or(Cow::Borrowed(numbers), Cow::Borrowed),
        _ => Cow::Borrowed(numbers),
    };
    is_name.then(|| Described { name: name.into(), version: Some(version), kernel: None })
}

/// The version of the .NET Framework that has this release number at least.
fn framework(release: u32) -> Option<&'static str> {
    const RELEASES: &[(u32, &str)] = &[
        (533_320, "4.8.1"),
        (528_040, "4.8"),
        (461_808, "4.7.2"),
        (461_308, "4.7.1"),
        (460_798, "4.7"),
        (394_802, "4.6.2"),
        (394_254, "4.6.1"),
        (393_295, "4.6"),
        (379_893, "4.5.2"),
        (378_675, "4.5.1"),
        (378_389, "4.5"),
    ];
    RELEASES.iter().find(|(least, _)| release >= *least).map(|(_, version)| *version)
}

/// The numbers that a text begins with, blanks aside.
fn numbers(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    Some(text[..end].trim_end_matches('.')).filter(|numbers| !numbers.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::sentry;

    fn contexts(json: &str) -> String {
        let mut event = sentry::read(json);
        settle(&mut event);
        let once = event.json.get("contexts").map_or(String::new(), Json::to_string);
        settle(&mut event);
        assert_eq!(event.json.get("contexts").map_or(String::new(), Json::to_string), once, "twice is once");
        once
    }

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

    #[test]
    fn an_agent_makes_contexts_where_there_are_none() {
        let event = |platform: &str, contexts: &str| {
            format!(
                r#"{{"platform":"{platform}","contexts":{contexts},"request":{{"headers":{{"user-agent":"{CHROME}"}}}}}}"#
            )
        };
        let browser = r#""browser":{"name":"Chrome","version":"126.0.0.0"}"#;
        let os = r#"{"name":"Windows","version":"10"}"#;
        assert_eq!(contexts(&event("javascript", "{}")), format!("{{{browser},\"os\":{os}}}"));
        assert_eq!(contexts(&event("python", "null")), format!("{{{browser},\"client_os\":{os}}}"));
        let own = r#"{"browser":{"name":"Own"},"os":{"name":"Own"}}"#;
        assert_eq!(contexts(&event("javascript", own)), own);
    }

    #[test]
    fn hints_win_over_the_agent() {
        let hints = r#""Sec-CH-UA":"\"Chromium\";v=\"126\", \"Microsoft Edge\";v=\"126\"","Sec-CH-UA-Platform":"\"Windows\"","Sec-CH-UA-Platform-Version":"\"15.0.0\"""#;
        let event =
            format!(r#"{{"platform":"javascript","request":{{"headers":{{"User-Agent":"{CHROME}",{hints}}}}}}}"#);
        let expected = r#"{"browser":{"name":"Edge","version":"126"},"os":{"name":"Windows","version":"11"}}"#;
        assert_eq!(contexts(&event), expected);
        let platform = event.replace(r#","Sec-CH-UA-Platform-Version":"\"15.0.0\"""#, "");
        assert!(contexts(&platform).contains(r#""os":{"name":"Windows","version":"10"}"#), "an empty hint says less");
    }

    #[test]
    fn raw_descriptions_are_read() {
        let words = |read: Option<Described<'_>>| {
            read.map_or("-".into(), |one| {
                format!("{} {}", one.name, one.version.unwrap_or_default()).trim().to_string()
            })
        };
        for (raw, expected) in [
            ("Microsoft Windows 10.0.19045", "Windows 10"),
            ("Microsoft Windows NT 10.0.22631.0", "Windows 11"),
            ("Microsoft Windows 6.3.9600", "Windows 8.1"),
            ("Windows 11  (10.0.22000) 64bit", "Windows 11"),
            ("Linux 5.15.0-91-generic #101-Ubuntu SMP", "Linux 5.15.0"),
            ("Linux web-1 6.1.55 x86_64", "Linux 6.1.55"),
            ("Darwin 23.1.0 Darwin Kernel Version 23.1.0", "Darwin 23.1.0"),
            ("macOS 14.1.2", "macOS 14.1.2"),
            ("Mac OS X 10.14.2", "macOS 10.14.2"),
            ("Android OS 13 / API-33 (TP1A/1234)", "Android 13"),
            ("iOS 17.1", "iOS 17.1"),
            ("iPadOS 16.2", "iPadOS 16.2"),
            ("ThinkOS", "-"),
            ("", "-"),
        ] {
            assert_eq!(words(os(raw)), expected, "{raw}");
        }
        for (raw, expected) in [
            (".NET 8.0.1", ".NET 8.0.1"),
            (".NET Core 3.1.5", ".NET Core 3.1.5"),
            (".NET Framework 4.8.4250.0", ".NET Framework 4.8.4250.0"),
            (".NET Framework 461814", ".NET Framework 4.7.2"),
            ("Mono 6.12.0.182 (2020-02/abc Tue)", "Mono 6.12.0.182"),
            ("no number", "-"),
        ] {
            assert_eq!(words(runtime(raw)), expected, "{raw}");
        }
        let linux = contexts(r#"{"contexts":{"os":{"raw_description":"Linux 5.15.0-91-generic #1"}}}"#);
        assert!(linux.contains(r#""name":"Linux","version":"5.15.0","kernel_version":"5.15.0-91-generic""#), "{linux}");
        let named = r#"{"os":{"name":"Own","raw_description":"Linux 5.15.0"}}"#;
        assert_eq!(contexts(&format!(r#"{{"contexts":{named}}}"#)), named);
    }
}
