//! Where a user is, from their address and a database file that the operator gives (`geo_database`).
//!
//! Owns: the file, read once into memory at the start, and what is taken from it into `user.geo` (Sentry protocol, 7.10
//! and 8.8): before scrubbing, which may take the address away and leave the country. What an SDK says of its user's place
//! is left alone. Files are in MaxMind's format, country or city; none comes with Bugle, since their licences do not allow it.

use anyhow::Context;
use bugle_event::Event;
use bugle_event::json::Object;
use maxminddb::Reader;
use serde::Deserialize;
use std::net::IpAddr;
use std::path::Path;

/// The largest file, in bytes: the largest city databases are a tenth of it, and all of it lies in memory.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// The database.
pub struct Geography(Reader<Vec<u8>>);

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    country: Option<Named<'a>>,
    #[serde(borrow, default)]
    registered_country: Option<Named<'a>>,
    #[serde(borrow, default)]
    city: Option<Named<'a>>,
    #[serde(borrow, default)]
    subdivisions: Vec<Named<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    iso_code: Option<&'a str>,
    #[serde(borrow, default)]
    names: Option<Names<'a>>,
}

#[derive(Deserialize)]
struct Names<'a> {
    #[serde(borrow, default)]
    en: Option<&'a str>,
}

impl Named<'_> {
    fn name(&self) -> Option<&str> {
        self.names.as_ref()?.en
    }
}

impl Geography {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is missing, too large, or no database of places.
    pub fn open(path: &Path) -> anyhow::Result<Geography> {
        let told = || format!("geo_database: {} cannot be read as a MaxMind database", path.display());
        let bytes = std::fs::metadata(path).with_context(told)?.len();
        anyhow::ensure!(bytes <= FILE_BYTES_MAX, "geo_database: {} is larger than 1 GiB", path.display());
        let reader = Reader::open_readfile(path).with_context(told)?;
        let kind = &reader.metadata().database_type;
        anyhow::ensure!(
            ["City", "Country", "Location", "Enterprise"].iter().any(|known| kind.contains(known)),
            "geo_database: {} holds {kind}, not countries or cities",
            path.display()
        );
        Ok(Geography(reader))
    }

    /// Fills in where the user is.
    pub fn fill(&self, event: &mut Event<'_>) {
        let Some(user) = event.json.get_mut("user").and_then(|user| user.object_mut()) else { return };
        if user.has("geo") {
            return;
        }
        let address = user.text("ip_address").and_then(|text| text.parse::<IpAddr>().ok());
        if let Some(geo) = address.and_then(|address| self.place(address)) {
            user.set("geo", geo);
        }
    }

    fn place(&self, address: IpAddr) -> Option<Object<'static>> {
        let found = self.0.lookup(address.to_canonical()).ok()?;
        let record: Record<'_> = found.decode().ok()??;
        let country = record.country.as_ref().or(record.registered_country.as_ref());
        let mut geo = Object::default();
        for (key, value) in [
            ("country_code", country.and_then(|country| country.iso_code)),
            ("city", record.city.as_ref().and_then(Named::name)),
            ("subdivision", record.subdivisions.first().and_then(Named::name)),
            ("region", country.and_then(Named::name)),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                geo.set(key, value.to_string());
            }
        }
        (!geo.is_empty()).then_some(geo)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use bugle_event::dialect::sentry;

    /// A value of a database.
    enum Value {
        Text(&'static str),
        /// In so many bytes of the type with this number: 5, 6 and 9 are 16, 32 and 64 bits.
        Number(u8, u64),
        Map(Vec<(&'static str, Value)>),
        List(Vec<Value>),
    }

    /// Sizes are below 29, so that they fit the control byte.
    fn write(value: &Value, out: &mut Vec<u8>) {
        let mut control = |kind: u8, size: usize| match kind {
            8.. => out.extend([size as u8, kind - 7]),
            _ => out.push(kind << 5 | size as u8),
        };
        match value {
            Value::Text(text) => {
                control(2, text.len());
                out.extend(text.as_bytes());
            }
            Value::Number(kind, number) => {
                let bytes = number.to_be_bytes();
                let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(8);
                control(*kind, 8 - from);
                out.extend(&bytes[from..]);
            }
            Value::Map(pairs) => {
                control(7, pairs.len());
                for (key, value) in pairs {
                    write(&Value::Text(key), out);
                    write(value, out);
                }
            }
            Value::List(values) => {
                control(11, values.len());
                values.iter().for_each(|value| write(value, out));
            }
        }
    }

    /// A database that knows 203.0.113.0/24, in Utrecht, and nothing else.
    pub(crate) fn utrecht() -> Vec<u8> {
        use Value::{List, Map, Number, Text};
        let named = |code, name| Map(vec![("iso_code", Text(code)), ("names", Map(vec![("en", Text(name))]))]);
        let record = Map(vec![
            ("country", named("NL", "Netherlands")),
            ("city", named("", "Utrecht")),
            ("subdivisions", List(vec![named("UT", "Provincie Utrecht")])),
        ]);
        let (prefix, nodes) = ([203u8, 0, 113], 24u32);
        let mut out = Vec::new();
        for bit in 0..nodes {
            let is_one = prefix[bit as usize / 8] >> (7 - bit % 8) & 1 == 1;
            let inside = if bit + 1 == nodes { nodes + 16 } else { bit + 1 };
            let sides = if is_one { [nodes, inside] } else { [inside, nodes] };
            sides.iter().for_each(|side| out.extend(&side.to_be_bytes()[1..]));
        }
        out.extend([0; 16]);
        write(&record, &mut out);
        out.extend(b"\xab\xcd\xefMaxMind.com");
        let about = Map(vec![
            ("node_count", Number(6, nodes.into())),
            ("record_size", Number(5, 24)),
            ("ip_version", Number(5, 4)),
            ("database_type", Text("Test-City")),
            ("languages", List(vec![Text("en")])),
            ("binary_format_major_version", Number(5, 2)),
            ("binary_format_minor_version", Number(5, 0)),
            ("build_epoch", Number(9, 1_700_000_000)),
            ("description", Map(vec![("en", Text("A test"))])),
        ]);
        write(&about, &mut out);
        out
    }

    fn filled(geography: &Geography, json: &str) -> String {
        let mut event = sentry::read(json);
        geography.fill(&mut event);
        event.json.get("user").map_or(String::new(), |user| user.to_string())
    }

    #[test]
    fn an_address_has_a_place() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("places.mmdb");
        std::fs::write(&path, utrecht()).expect("writes");
        let geography = Geography::open(&path).expect("is a database");
        let geo =
            r#""geo":{"country_code":"NL","city":"Utrecht","subdivision":"Provincie Utrecht","region":"Netherlands"}"#;
        let there = r#"{"user":{"ip_address":"203.0.113.9"}}"#;
        assert_eq!(filled(&geography, there), format!("{{\"ip_address\":\"203.0.113.9\",{geo}}}"));
        for (json, kept) in [
            (r#"{"user":{"ip_address":"198.51.100.1"}}"#, r#"{"ip_address":"198.51.100.1"}"#),
            (r#"{"user":{"ip_address":"2001:db8::1"}}"#, r#"{"ip_address":"2001:db8::1"}"#),
            (r#"{"user":{"id":"7"}}"#, r#"{"id":"7"}"#),
            (
                r#"{"user":{"ip_address":"203.0.113.9","geo":{"city":"Own"}}}"#,
                r#"{"ip_address":"203.0.113.9","geo":{"city":"Own"}}"#,
            ),
            ("{}", ""),
        ] {
            assert_eq!(filled(&geography, json), kept, "{json}");
        }
    }

    #[test]
    fn a_file_that_is_missing_or_broken_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("places.mmdb");
        let told = |path: &Path| format!("{:#}", Geography::open(path).err().expect("is refused"));
        assert!(told(&path).contains("places.mmdb cannot be read"), "{}", told(&path));
        for bytes in [b"no database".to_vec(), utrecht()[..300].to_vec(), Vec::new()] {
            std::fs::write(&path, bytes).expect("writes");
            assert!(told(&path).contains("cannot be read as a MaxMind database"), "{}", told(&path));
        }
    }
}
