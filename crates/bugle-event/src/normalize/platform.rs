//! Names and versions of systems and runtimes out of the line in which they describe themselves (`raw_description`).
//!
//! Some SDKs can ask the system for no more than that line: `Microsoft Windows 10.0.22631`, `Linux 6.8.0-45-generic`,
//! `.NET Framework 4.8.9241.0`. It stays as it is; a name and a version that came along stay, too.

use crate::Event;
use crate::json::{Json, Object};

/// Lines longer than this, in bytes, describe something else.
const LINE_BYTES_MAX: usize = 512;

/// Fills in the contexts `os`, `client_os` and `runtime` from their raw descriptions.
pub(super) fn name_systems(event: &mut Event<'_>) {
    let Some(Json::Object(contexts)) = event.json.get_mut("contexts") else { return };
    for key in ["os", "client_os", "runtime", "client_runtime"] {
        let Some(Json::Object(context)) = contexts.get_mut(key) else { continue };
        if context.text("name").is_none() {
            let raw = context.text("raw_description").filter(|line| line.len() <= LINE_BYTES_MAX);
            let found = raw.and_then(|line| if key.ends_with("os") { system(line) } else { runtime(line) });
            found.into_iter().for_each(|found| found.put(context));
        }
    }
}

/// What a line tells.
#[derive(Debug, PartialEq, Eq)]
struct Described {
    name: String,
    version: Option<String>,
    build: Option<String>,
    kernel_version: Option<String>,
}

impl Described {
    fn new(name: &str, version: Option<&str>) -> Described {
        Described { name: name.into(), version: version.map(Into::into), build: None, kernel_version: None }
    }

    fn put(self, context: &mut Object<'_>) {
        context.set("name", self.name);
        for (key, value) in [("version", self.version), ("build", self.build), ("kernel_version", self.kernel_version)]
        {
            if let Some(value) = value.filter(|_| context.text(key).is_none()) {
                context.set(key, value);
            }
        }
    }
}

fn system(line: &str) -> Option<Described> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("Microsoft Windows") {
        return Some(windows(rest));
    }
    if let Some(rest) = line.strip_prefix("Windows ") {
        return Some(windows(rest));
    }
    if let Some(rest) = line.strip_prefix("Android OS ").or_else(|| line.strip_prefix("Android ")) {
        // `Android OS 14 / API-34 (UP1A.231005.007/…)`
        return Some(Described::new("Android", first_version(rest)));
    }
    for (start, name) in [
        ("Mac OS X ", "macOS"),
        ("macOS ", "macOS"),
        ("iOS ", "iOS"),
        ("iPhone OS ", "iOS"),
        ("iPadOS ", "iPadOS"),
        ("tvOS ", "tvOS"),
        ("watchOS ", "watchOS"),
    ] {
        if let Some(rest) = line.strip_prefix(start) {
            return Some(Described {
                build: parenthesis(rest).map(Into::into),
                ..Described::new(name, first_version(rest))
            });
        }
    }
    for kernel in ["Linux", "Darwin", "FreeBSD"] {
        // `Linux 6.8.0-45-generic #45-Ubuntu SMP …`: the version is the kernel's.
        if let Some(rest) = line.strip_prefix(kernel).filter(|rest| rest.starts_with(' ')) {
            let version = rest.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
            return Some(Described {
                kernel_version: version.map(Into::into),
                ..Described::new(kernel, version.and_then(first_version))
            });
        }
    }
    None
}

/// `10.0.22631`, `[Version 10.0.19045]`: what Windows is called goes by its build.
fn windows(rest: &str) -> Described {
    let version = first_version(rest);
    let mut parts = version.unwrap_or_default().split('.');
    let (major, minor, build) = (parts.next(), parts.next(), parts.next().and_then(|build| build.parse::<u32>().ok()));
    let called = match (major, minor, build) {
        (Some("10"), _, Some(22_000..)) => Some("11"),
        (Some("10"), ..) => Some("10"),
        (Some("6"), Some("3"), _) => Some("8.1"),
        (Some("6"), Some("2"), _) => Some("8"),
        (Some("6"), Some("1"), _) => Some("7"),
        _ => version,
    };
    Described { build: build.map(|build| build.to_string()), ..Described::new("Windows", called) }
}

fn runtime(line: &str) -> Option<Described> {
    let line = line.trim();
    for name in [".NET Framework", ".NET Core", ".NET Native", ".NET"] {
        if let Some(rest) = line.strip_prefix(name).filter(|rest| rest.starts_with(' ')) {
            let rest = rest.trim();
            // `.NET Framework 528040`: the number by which the registry knows a release.
            let version = match rest.parse::<u32>() {
                Ok(release) => framework(release).or(Some(rest)),
                Err(_) => first_version(rest).or(Some(rest)),
            };
            return Some(Described::new(name, version));
        }
    }
    if let Some(rest) = line.strip_prefix("Mono ") {
        return Some(Described::new("Mono", first_version(rest)));
    }
    None
}

/// The version of .NET Framework by its release number: the newest that is not above it.
fn framework(release: u32) -> Option<&'static str> {
    const RELEASES: [(u32, &str); 11] = [
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
    RELEASES.iter().find(|(first, _)| release >= *first).map(|(_, version)| *version)
}

/// The first run of digits and dots.
fn first_version(text: &str) -> Option<&str> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let rest = &text[start..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let version = rest[..end].trim_end_matches('.');
    (!version.is_empty()).then_some(version)
}

fn parenthesis(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('(')?;
    let inside = rest.split(')').next()?.trim();
    let build = inside.rsplit(' ').next()?;
    (!build.is_empty()).then_some(build)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_named_by_its_line() {
        for (line, name, version, build, kernel) in [
            ("Microsoft Windows 10.0.22631", "Windows", Some("11"), Some("22631"), None),
            ("Microsoft Windows [Version 10.0.19045.3803]", "Windows", Some("10"), Some("19045"), None),
            ("Microsoft Windows NT 6.1.7601", "Windows", Some("7"), Some("7601"), None),
            ("Linux 6.8.0-45-generic #45-Ubuntu SMP x86_64", "Linux", Some("6.8.0"), None, Some("6.8.0-45-generic")),
            ("Linux fv-az51 5.4.0 #1", "Linux", Some("5.4.0"), None, Some("5.4.0")),
            ("Darwin 23.5.0 Darwin Kernel Version", "Darwin", Some("23.5.0"), None, Some("23.5.0")),
            ("macOS 14.5 (Build 23F79)", "macOS", Some("14.5"), Some("23F79"), None),
            ("Mac OS X 10.15.7", "macOS", Some("10.15.7"), None, None),
            ("Android OS 14 / API-34 (UP1A)", "Android", Some("14"), None, None),
            ("iOS 17.5.1", "iOS", Some("17.5.1"), None, None),
        ] {
            let own = |text: Option<&str>| text.map(String::from);
            let expected =
                Described { name: name.into(), version: own(version), build: own(build), kernel_version: own(kernel) };
            assert_eq!(system(line), Some(expected), "{line}");
        }
        assert_eq!(system("TempleOS 5"), None);
    }

    #[test]
    fn a_runtime_is_named_by_its_line() {
        for (line, name, version) in [
            (".NET Framework 4.8.9241.0", ".NET Framework", "4.8.9241.0"),
            (".NET Framework 528372", ".NET Framework", "4.8"),
            (".NET Core 3.1.10", ".NET Core", "3.1.10"),
            (".NET 8.0.1", ".NET", "8.0.1"),
            ("Mono 6.12.0.182 (tarball)", "Mono", "6.12.0.182"),
        ] {
            assert_eq!(runtime(line), Some(Described::new(name, Some(version))), "{line}");
        }
        assert_eq!(runtime("JVM"), None);
    }

    #[test]
    fn what_came_along_stays() {
        let json = r#"{"contexts":{"os":{"name":"Own","raw_description":"Linux 6.1"},"client_os":{"raw_description":"iOS 17.5","version":"9"}}}"#;
        let mut event = Event::stored(json);
        name_systems(&mut event);
        let expected = r#"{"os":{"name":"Own","raw_description":"Linux 6.1"},"client_os":{"raw_description":"iOS 17.5","version":"9","name":"iOS"}}"#;
        assert_eq!(event.json.get("contexts").map(ToString::to_string).as_deref(), Some(expected));
    }
}
