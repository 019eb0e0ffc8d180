//! What a release's name says (Sentry protocol, "Release strings").
//!
//! Owns: which names of releases and environments are valid, how a name comes apart into package and version, the order of
//! versions, and the short form for people. A bare `1.2.3` without `package@` is a name and no version: whose it would be is not
//! said, so it is not ordered.

use std::cmp::Ordering;

/// The longest name of a release, in bytes.
pub const RELEASE_BYTES_MAX: usize = 200;
/// The longest name of an environment, in bytes.
pub const ENVIRONMENT_BYTES_MAX: usize = 64;
/// Digits of a build hash that people are shown.
const HASH_SHOWN: usize = 12;

/// Whether a release may be called so.
pub fn is_release(name: &str) -> bool {
    !name.is_empty() && name.len() <= RELEASE_BYTES_MAX && is_plain(name) && !name.eq_ignore_ascii_case("latest")
}

/// Whether an environment may be called so.
pub fn is_environment(name: &str) -> bool {
    !name.is_empty() && name.len() <= ENVIRONMENT_BYTES_MAX && is_plain(name) && !name.eq_ignore_ascii_case("none")
}

fn is_plain(name: &str) -> bool {
    !matches!(name, "." | "..") && !name.bytes().any(|b| matches!(b, b'/' | b'\\') || b.is_ascii_control())
}

/// A name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release<'a> {
    /// What stands before the `@`.
    pub package: Option<&'a str>,
    /// What stands behind it, or all of it.
    pub version: &'a str,
    /// The version's parts, if a package has one that is ordered.
    pub parts: Option<Version<'a>>,
}

/// A version: up to four numbers, a pre-release, a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version<'a> {
    /// The numbers; those that are not written are 0.
    pub numbers: [u64; 4],
    /// How many of them are written.
    pub written: usize,
    /// What follows a dash, or letters right behind the numbers.
    pub pre: Option<&'a str>,
    /// What follows a plus.
    pub build: Option<&'a str>,
}

impl<'a> Release<'a> {
    /// Takes a name apart. Always gives something.
    pub fn read(name: &'a str) -> Release<'a> {
        let name = name.trim();
        // A package may begin with one `@`, the scope of npm.
        let scope = usize::from(name.starts_with('@'));
        let at = name[scope..].find('@').map(|at| at + scope).filter(|at| *at > scope && at + 1 < name.len());
        match at {
            None => Release { package: None, version: name, parts: None },
            Some(at) => {
                let version = &name[at + 1..];
                let parts = if is_build_hash(version) { None } else { Version::read(version) };
                Release { package: Some(&name[..at]), version, parts }
            }
        }
    }

    /// For people: without the package, a build hash cut to 12 digits, a build in brackets.
    pub fn short(&self) -> String {
        if is_build_hash(self.version) {
            return self.version[..HASH_SHOWN].to_string();
        }
        match self.parts.and_then(|parts| parts.build) {
            Some(build) => {
                let front = self.version.split('+').next().unwrap_or(self.version);
                format!("{front} ({build})")
            }
            None => self.version.to_string(),
        }
    }

    /// The hash, if that is what its version is.
    pub fn build_hash(&self) -> Option<&'a str> {
        is_build_hash(self.version).then_some(self.version)
    }
}

/// The short form of a release's name.
pub fn short(name: &str) -> String {
    Release::read(name).short()
}

/// Hex digits, as many as hashes and UUIDs have.
fn is_build_hash(text: &str) -> bool {
    matches!(text.len(), 12 | 16 | 20 | 32 | 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl<'a> Version<'a> {
    /// Reads a version; `None` if it is none.
    pub fn read(text: &'a str) -> Option<Version<'a>> {
        let (front, build) = match text.split_once('+') {
            Some((front, build)) => (front, Some(build)),
            None => (text, None),
        };
        let is_word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        };
        if build.is_some_and(|build| !is_word(build)) {
            return None;
        }
        let (mut numbers, mut written, mut rest) = ([0; 4], 0, front);
        loop {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            *numbers.get_mut(written)? = rest[..digits].parse().ok()?;
            written += 1;
            rest = &rest[digits..];
            match rest.strip_prefix('.') {
                Some(behind) => rest = behind,
                None => break,
            }
        }
        let pre = match rest.strip_prefix('-') {
            Some(pre) => Some(pre),
            None => Some(rest).filter(|rest| !rest.is_empty()),
        };
        let has_letters =
            rest.starts_with('-') || rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_alphabetic());
        if !has_letters || pre.is_some_and(|pre| !is_word(pre)) {
            return None;
        }
        Some(Version { numbers, written, pre, build })
    }
}

impl Ord for Version<'_> {
    /// The numbers; then without a pre-release above with one; pre-releases as text; then builds, as numbers where both are.
    fn cmp(&self, other: &Self) -> Ordering {
        let pre = match (self.pre, other.pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(one), Some(other)) => one.cmp(other),
        };
        self.numbers.cmp(&other.numbers).then(pre).then_with(|| builds(self.build, other.build))
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn builds(one: Option<&str>, other: Option<&str>) -> Ordering {
    let number = |build: Option<&str>| build.and_then(|build| build.parse::<u64>().ok());
    match (number(one), number(other)) {
        (Some(a), Some(b)) => a.cmp(&b).then(one.cmp(&other)),
        _ => one.cmp(&other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_come_apart() {
        let read = |name| {
            let release = Release::read(name);
            (release.package, release.version, release.parts.is_some())
        };
        for (name, package, version, is_ordered) in [
            ("shop@1.2.3", Some("shop"), "1.2.3", true),
            (" shop@1.2.3-rc.1+77 ", Some("shop"), "1.2.3-rc.1+77", true),
            ("@acme.shop@1.0rc1", Some("@acme.shop"), "1.0rc1", true),
            ("shop@1.2.3.4.5", Some("shop"), "1.2.3.4.5", false),
            ("shop@main", Some("shop"), "main", false),
            ("shop@123456789012", Some("shop"), "123456789012", false),
            ("shop@99999999999999999999.1", Some("shop"), "99999999999999999999.1", false),
            ("1.2.3", None, "1.2.3", false),
            ("@acme", None, "@acme", false),
            ("shop@", None, "shop@", false),
            ("", None, "", false),
        ] {
            assert_eq!(read(name), (package, version, is_ordered), "{name}");
        }
    }

    #[test]
    fn short_forms() {
        for (name, expected) in [
            ("shop@1.2.3", "1.2.3"),
            ("@acme.shop@1.2", "1.2"),
            ("shop@1.2.3-rc1+77", "1.2.3-rc1 (77)"),
            ("1.2.3+77", "1.2.3+77"),
            ("@acme", "@acme"),
            ("9ec79c33ec9942ab8353589fcb2e04dc", "9ec79c33ec99"),
            ("shop@9ec79c33ec9942ab8353589fcb2e04dc", "9ec79c33ec99"),
        ] {
            assert_eq!(short(name), expected, "{name}");
        }
    }

    #[test]
    fn versions_are_ordered() {
        let rising =
            ["1.0-alpha", "1.0-beta", "1", "1.0.0+9", "1.0+10", "1.0+a", "1.0.1", "1.2", "1.10", "2.0rc1", "2.0"];
        for pair in rising.windows(2) {
            let [low, high] = [0, 1].map(|at| Version::read(pair[at]).expect("a version"));
            assert!(low < high, "{pair:?}");
        }
    }

    #[test]
    fn odd_names_are_refused() {
        for odd in ["", ".", "..", "latest", "LATEST", "a/b", "a\\b", "a\nb", "a\tb", "a\u{7f}"] {
            assert!(!is_release(odd), "{odd:?}");
        }
        assert!(is_release(&"é".repeat(100)) && !is_release(&"é".repeat(101)), "bytes count");
        assert!(is_environment("production") && !is_environment("None") && !is_environment(&"x".repeat(65)));
    }

    proptest! {
        #[test]
        fn any_name_is_answered(name in "\\PC{0,60}|[a-z@0-9.+-]{0,40}") {
            let release = Release::read(&name);
            prop_assert!(name.contains(release.version));
            prop_assert!(name.is_empty() || name.trim().is_empty() || !release.short().is_empty());
            if let (Some(package), Some(parts)) = (release.package, release.parts) {
                prop_assert!(name.contains(package));
                prop_assert_eq!(parts.cmp(&parts), Ordering::Equal);
            }
        }
    }
}
