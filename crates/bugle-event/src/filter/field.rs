//! Fields: what a rule can look at, and the values that an event has there.
//!
//! Values are folded ([`super::glob::fold`]) once per event and field, however many rules ask ([`Seen`]).

use super::glob::fold;
use crate::event::{Event, Stack, pairs};
use crate::json::Object;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::net::IpAddr;

/// The longest key of a tag, in characters: what a tag can have.
const TAG_CHARS_MAX: usize = 200;

/// A field of an event. Its text is its name in a rule; `tag:KEY` is a tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub enum Field {
    /// One of [`FIELDS`].
    Known(&'static str),
    /// A tag by its key.
    Tag(String),
}

/// Every field but tags: its name in a rule, and for people.
pub const FIELDS: [(&str, &str); 22] = [
    ("message", "Message"),
    ("error.type", "Error type"),
    ("error.value", "Error value"),
    ("release", "Release"),
    ("environment", "Environment"),
    ("dist", "Distribution"),
    ("level", "Level"),
    ("logger", "Logger"),
    ("platform", "Platform"),
    ("transaction", "Transaction"),
    ("url", "URL"),
    ("user_agent", "User agent"),
    ("user.id", "User id"),
    ("user.email", "User email"),
    ("user.username", "User name"),
    ("ip", "IP address"),
    ("sdk", "SDK"),
    ("server_name", "Server name"),
    ("stack.function", "Function of a frame"),
    ("stack.module", "Module of a frame"),
    ("stack.path", "Path of a frame"),
    ("browser", "Browser"),
];

impl TryFrom<String> for Field {
    type Error = String;

    fn try_from(name: String) -> Result<Field, String> {
        if let Some(key) = name.strip_prefix("tag:") {
            let key = key.trim();
            return match key.chars().count() {
                0 => Err("A tag needs its key: tag:KEY.".into()),
                1..=TAG_CHARS_MAX => Ok(Field::Tag(key.into())),
                _ => Err(format!("A tag's key has at most {TAG_CHARS_MAX} characters.")),
            };
        }
        let known = FIELDS.iter().find(|(known, _)| *known == name);
        known.map(|(known, _)| Field::Known(known)).ok_or_else(|| format!("There is no field {name:?}."))
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Field, D::Error> {
        Field::try_from(String::deserialize(reader)?).map_err(D::Error::custom)
    }
}

impl From<Field> for String {
    fn from(field: Field) -> String {
        field.to_string()
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Known(name) => f.write_str(name),
            Field::Tag(key) => write!(f, "tag:{key}"),
        }
    }
}

/// An event as rules look at it.
pub struct Seen<'e> {
    /// Itself, normalised and not scrubbed.
    pub event: &'e Event<'e>,
    /// The address that it came from, if it just came.
    pub client_ip: Option<IpAddr>,
    folded: Vec<OnceCell<Vec<Cow<'e, str>>>>,
}

impl<'e> Seen<'e> {
    /// An event, for rules that look at `fields` fields in all.
    pub fn new(event: &'e Event<'e>, client_ip: Option<IpAddr>, fields: usize) -> Seen<'e> {
        Seen { event, client_ip, folded: vec![OnceCell::new(); fields] }
    }

    /// The folded values of `field`, which is the one numbered `at`.
    pub fn folded(&self, at: usize, field: &Field) -> &[Cow<'e, str>] {
        self.folded[at].get_or_init(|| values(self.event, field).into_iter().map(fold_owned).collect())
    }

    /// The addresses of whoever sent it and of its user.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<'_> {
        let user = self.event.json.object("user").and_then(|user| user.text("ip_address"));
        self.client_ip.into_iter().chain(user.and_then(|text| text.parse().ok()))
    }
}

fn fold_owned(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => fold(text),
        Cow::Owned(text) => Cow::Owned(fold(&text).into_owned()),
    }
}

/// The values of a field as the event has them; none when it has none.
pub fn values<'e>(event: &'e Event<'e>, field: &Field) -> Vec<Cow<'e, str>> {
    let name = match field {
        Field::Tag(key) => return event.tag(key).map(Cow::Borrowed).into_iter().collect(),
        Field::Known(name) => *name,
    };
    let json = &event.json;
    let of = |object: &str, key: &str| json.object(object).and_then(|object| object.text(key));
    let one = |text: Option<&'e str>| text.map(Cow::Borrowed).into_iter().collect();
    match name {
        "message" => one(event.message()),
        "error.type" => event.exceptions().filter_map(|one| one.kind()).map(Cow::Borrowed).collect(),
        "error.value" => event.exceptions().filter_map(|one| one.value()).map(Cow::Borrowed).collect(),
        "url" => one(of("request", "url")),
        "user_agent" => one(user_agent(event)),
        "user.id" => one(of("user", "id")),
        "user.email" => one(of("user", "email")),
        "user.username" => one(of("user", "username")),
        "ip" => one(of("user", "ip_address")),
        "server_name" => one(event.text("server_name").or_else(|| event.tag("server_name"))),
        "sdk" => named(of("sdk", "name"), of("sdk", "version"), '/'),
        "browser" => {
            let browser = browser(event);
            named(browser.and_then(|b| b.text("name")), browser.and_then(|b| b.text("version")), ' ')
        }
        "level" => vec![Cow::Borrowed(event.level())],
        "platform" => vec![Cow::Borrowed(event.platform())],
        "stack.function" => of_frames(event, &["function"]),
        "stack.module" => of_frames(event, &["module", "package"]),
        "stack.path" => of_frames(event, &["filename", "abs_path"]),
        name => one(event.text(name)),
    }
}

/// A name alone, and with its version.
fn named<'e>(name: Option<&'e str>, version: Option<&'e str>, between: char) -> Vec<Cow<'e, str>> {
    let Some(name) = name else { return Vec::new() };
    let with_version = version.map(|version| Cow::Owned(format!("{name}{between}{version}")));
    std::iter::once(Cow::Borrowed(name)).chain(with_version).collect()
}

fn of_frames<'e>(event: &'e Event<'e>, keys: &[&str]) -> Vec<Cow<'e, str>> {
    let frames = stacks(event).flat_map(|stack| stack.frames());
    frames.flat_map(|frame| keys.iter().filter_map(move |key| frame.0.text(key))).map(Cow::Borrowed).collect()
}

fn stacks<'e>(event: &'e Event<'e>) -> impl Iterator<Item = Stack<'e>> {
    event.exceptions().filter_map(|one| one.stack()).chain(event.threads().filter_map(|one| one.stack()))
}

/// A header of the request that the event happened in.
pub fn header<'e>(event: &'e Event<'e>, name: &str) -> Option<&'e str> {
    let headers = event.json.object("request")?.array("headers");
    pairs(headers).find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The user agent that the event happened in.
pub fn user_agent<'e>(event: &'e Event<'e>) -> Option<&'e str> {
    header(event, "user-agent")
}

/// The context of the browser.
pub fn browser<'e>(event: &'e Event<'e>) -> Option<&'e Object<'e>> {
    event.json.object("contexts")?.object("browser")
}
