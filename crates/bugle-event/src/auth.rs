//! Who is sending: a Sentry client's credentials, wherever it puts them (Sentry protocol, "DSN and authentication").
//!
//! A request may carry its key in `X-Sentry-Auth`, in `Authorization` (scheme `Sentry` or `Basic`) or in the query;
//! an envelope may carry a whole [`Dsn`] in its header. The same key in two places is one sender; two different
//! keys are refused, because whichever was believed could be the wrong project's. Whether a key exists is for the
//! caller to find out. The secret of old DSNs is ignored.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::borrow::Cow;

/// The newest version of the protocol, and the one assumed when none is named.
pub const VERSION_MAX: u32 = 7;

/// Credentials that can be read. Nobody has looked yet whether the key exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// The public key: 32 lowercase hex digits.
    pub key: String,
    /// The SDK, `name/version`.
    pub client: Option<String>,
    /// The protocol version, at most [`VERSION_MAX`].
    pub version: u32,
    /// The sender's clock in Unix milliseconds (`sentry_timestamp`): what old SDKs send in place of `sent_at`.
    pub sent_at_ms: Option<i64>,
}

/// Why credentials are of no use. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There are none at all. Answer 401.
    #[error("There is no key in this request. Set the SDK's DSN to the one on the project's settings page.")]
    Missing,
    /// Different keys in different places. Answer 401.
    #[error("This request names two different keys. Send one, in X-Sentry-Auth, Authorization or the query.")]
    Multiple,
    /// A header that does not follow its grammar. Answer 401.
    #[error("The {place} header cannot be read. It should look like: Sentry sentry_key=<32 hex digits>")]
    Unreadable {
        /// Which header.
        place: &'static str,
    },
    /// Something that no key looks like. Answer 400.
    #[error("The key is not 32 hex digits. Copy the DSN from the project's settings page.")]
    BadKey,
    /// A protocol from the future. Answer 400.
    #[error("Protocol version “{version}” is not supported. Use {VERSION_MAX} or leave sentry_version out.")]
    Version {
        /// What was asked for, cut short.
        version: String,
    },
}

/// The credentials of a request, from its `X-Sentry-Auth` and `Authorization` headers and its query string
/// (without `?`). `None` when it carries none; other schemes of `Authorization` are somebody else's.
pub fn read(x_sentry_auth: Option<&str>, authorization: Option<&str>, query: &str) -> Result<Option<Auth>, AuthError> {
    let places = [
        x_sentry_auth.map(str::trim).filter(|header| !header.is_empty()).map(from_x_sentry_auth).transpose()?,
        authorization.map(str::trim).and_then(from_authorization).transpose()?,
        from_query(query)?,
    ];
    let mut found: Option<Auth> = None;
    for auth in places.into_iter().flatten() {
        match &mut found {
            Some(first) if first.key != auth.key => return Err(AuthError::Multiple),
            Some(first) => {
                first.client = first.client.take().or(auth.client);
                first.sent_at_ms = first.sent_at_ms.or(auth.sent_at_ms);
            }
            None => found = Some(auth),
        }
    }
    Ok(found)
}

/// Reads a public key: 32 hex digits in either case.
pub fn key(text: &str) -> Result<String, AuthError> {
    let text = text.trim();
    match text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(AuthError::BadKey),
    }
}

/// A data source name: where an SDK sends, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsn {
    /// The public key: 32 lowercase hex digits.
    pub key: String,
    /// The host, with its port if it has one.
    pub host: String,
    /// The project.
    pub project_id: u64,
}

impl Dsn {
    /// Reads `{scheme}://{key}[:{secret}]@{host}[:{port}][{path}]/{project_id}`. `None` if it is none.
    pub fn parse(text: &str) -> Option<Dsn> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let (user, rest) = rest.split_once('@')?;
        let (host, _) = rest.split_once('/')?;
        let project = rest.split(['?', '#']).next()?.trim_end_matches('/').rsplit('/').next()?;
        let name = user.split(':').next()?;
        if !matches!(scheme, "http" | "https") || host.is_empty() {
            return None;
        }
        Some(Dsn { key: key(name).ok()?, host: host.to_string(), project_id: project.parse().ok()? })
    }
}

fn from_x_sentry_auth(header: &str) -> Result<Auth, AuthError> {
    const PLACE: &str = "X-Sentry-Auth";
    let pairs = after_scheme(header, "Sentry").ok_or(AuthError::Unreadable { place: PLACE })?;
    from_header(pairs, PLACE)
}

fn from_authorization(header: &str) -> Option<Result<Auth, AuthError>> {
    const PLACE: &str = "Authorization";
    if let Some(pairs) = after_scheme(header, "Sentry") {
        return Some(from_header(pairs, PLACE));
    }
    let encoded = after_scheme(header, "Basic")?;
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let user = decoded.as_deref().and_then(|pair| pair.split(':').next());
    Some(match user {
        Some(user) => key(user).map(|key| Auth { key, client: None, version: VERSION_MAX, sent_at_ms: None }),
        None => Err(AuthError::Unreadable { place: PLACE }),
    })
}

fn after_scheme<'h>(header: &'h str, scheme: &str) -> Option<&'h str> {
    let (first, rest) = header.split_once([' ', '\t'])?;
    first.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// `key=value, key=value`: nothing is quoted, and a value ends at a second `=`.
fn from_header(pairs: &str, place: &'static str) -> Result<Auth, AuthError> {
    let pairs = pairs.split(',').filter_map(|pair| {
        let mut sides = pair.split('=').map(str::trim);
        Some((Cow::Borrowed(sides.next()?), Cow::Borrowed(sides.next()?)))
    });
    from_pairs(pairs)?.ok_or(AuthError::Unreadable { place })
}

fn from_query(query: &str) -> Result<Option<Auth>, AuthError> {
    match query.contains("sentry_key") {
        true => from_pairs(form_urlencoded::parse(query.as_bytes())),
        false => Ok(None),
    }
}

fn from_pairs<'h>(pairs: impl Iterator<Item = (Cow<'h, str>, Cow<'h, str>)>) -> Result<Option<Auth>, AuthError> {
    let (mut found, mut client, mut version, mut sent_at_ms) = (None, None, VERSION_MAX, None);
    for (name, value) in pairs {
        match &*name {
            "sentry_key" => {
                let key = key(&value)?;
                if found.as_ref().is_some_and(|other| *other != key) {
                    return Err(AuthError::Multiple);
                }
                found = Some(key);
            }
            "sentry_version" => version = protocol_version(&value)?,
            "sentry_client" => {
                client = Some(value.trim().chars().take(200).collect()).filter(|c: &String| !c.is_empty())
            }
            "sentry_timestamp" => sent_at_ms = crate::time::parse(&value),
            _ => {}
        }
    }
    Ok(found.map(|key| Auth { key, client, version, sent_at_ms }))
}

/// The whole part counts: `2.0` is 2.
fn protocol_version(text: &str) -> Result<u32, AuthError> {
    let whole = text.trim().split('.').next().and_then(|whole| whole.parse().ok());
    whole
        .filter(|version| *version <= VERSION_MAX)
        .ok_or_else(|| AuthError::Version { version: text.chars().take(20).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210";

    fn key_of(x_sentry_auth: Option<&str>, authorization: Option<&str>, query: &str) -> Option<String> {
        read(x_sentry_auth, authorization, query).unwrap().map(|auth| auth.key)
    }

    #[test]
    fn a_key_is_found_wherever_it_is() {
        let header = format!("Sentry sentry_version=7, sentry_client=raven-python/6.10, sentry_key={KEY}");
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{KEY}:ignored")));
        let query = format!("sentry_version=7&sentry_key={KEY}&sentry_client=sentry.javascript.browser%2F10.2.0");
        let expected = Some(KEY.to_string());
        assert_eq!(key_of(Some(&header), None, ""), expected);
        assert_eq!(key_of(Some(&header.replace("Sentry ", "SENTRY ")), None, ""), expected);
        assert_eq!(key_of(None, Some(&header), ""), expected);
        assert_eq!(key_of(None, Some(&basic), ""), expected);
        assert_eq!(key_of(None, None, &query), expected);
        assert_eq!(key_of(Some(&header), Some(&basic), &query), expected, "the same key everywhere is one sender");
    }

    #[test]
    fn client_version_and_clock_are_read() {
        let header =
            format!("sentry sentry_key={KEY},sentry_client=raven/1,sentry_version=2.0,sentry_timestamp=5.5,x=y");
        let auth = read(Some(&header), None, "").unwrap().unwrap();
        assert_eq!((auth.client.as_deref(), auth.version, auth.sent_at_ms), (Some("raven/1"), 2, Some(5500)));
        let auth = read(None, None, &format!("sentry_key={KEY}&sentry_client=a%2F1")).unwrap().unwrap();
        assert_eq!((auth.client.as_deref(), auth.version), (Some("a/1"), 7));
    }

    #[test]
    fn none_is_not_an_error_and_bearer_is_not_ours() {
        assert_eq!(read(None, None, ""), Ok(None));
        assert_eq!(read(None, Some("Bearer abc"), "a=b"), Ok(None));
        assert_eq!(read(Some(" "), Some(""), ""), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let ours = format!("Sentry sentry_key={KEY}");
        let theirs = format!("sentry_key={OTHER}");
        assert_eq!(read(Some(&ours), None, &theirs), Err(AuthError::Multiple));
        assert_eq!(read(None, None, &format!("sentry_key={KEY}&{theirs}")), Err(AuthError::Multiple));
        assert_eq!(read(Some("Sentry"), None, ""), Err(AuthError::Unreadable { place: "X-Sentry-Auth" }));
        assert_eq!(read(Some("Sentry a=b"), None, ""), Err(AuthError::Unreadable { place: "X-Sentry-Auth" }));
        assert_eq!(read(None, Some("Basic !"), ""), Err(AuthError::Unreadable { place: "Authorization" }));
        assert_eq!(read(None, None, "sentry_key=short"), Err(AuthError::BadKey));
        let newer = format!("{ours}, sentry_version=8");
        assert_eq!(read(Some(&newer), None, ""), Err(AuthError::Version { version: "8".into() }));
    }

    #[test]
    fn a_dsn_is_read_with_prefix_port_and_secret() {
        let dsn = Dsn::parse(&format!("https://{KEY}:old@errors.example:8443/some/prefix/42/")).unwrap();
        assert_eq!(dsn, Dsn { key: KEY.into(), host: "errors.example:8443".into(), project_id: 42 });
        assert_eq!(Dsn::parse(&format!("http://{KEY}@localhost/1")).unwrap().project_id, 1);
        for text in
            ["", "http://localhost/1", &format!("ftp://{KEY}@h/1"), &format!("http://{KEY}@h/x"), "http://k@h/1"]
        {
            assert_eq!(Dsn::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_answered(text in "\\PC{0,80}|(Sentry|Basic) [a-z_=, 0-9]{0,80}") {
            let _ = read(Some(&text), Some(&text), &text);
            let _ = Dsn::parse(&text);
        }
    }
}
