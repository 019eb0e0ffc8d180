//! Fields of contexts that everybody knows, as people say them: memory in GiB, a battery in percent.

use bugle_event::json::{Json, Object};

/// The field `key` of the context `context` for people; `None` if it is best shown as it was sent.
pub fn shown(context: &str, key: &str, found: &Json<'_>) -> Option<String> {
    /// Fields of a device and an application that are bytes.
    const BYTES: [&str; 12] = [
        "memory_size",
        "free_memory",
        "usable_memory",
        "storage_size",
        "free_storage",
        "external_storage_size",
        "external_free_storage",
        "app_memory",
        "body_size",
        "allocated_bytes",
        "heap_size_bytes",
        "total_available_memory_bytes",
    ];
    let number = found.float();
    match (context, key) {
        // A graphics card's is in megabytes.
        ("gpu", "memory_size") => number.map(|megabytes| format!("{megabytes:.0} MB")),
        (_, key) if BYTES.contains(&key) => found.int().map(binary),
        ("device", "battery_level") => number.map(|percent| format!("{percent:.0}%")),
        ("device", "battery_temperature") => number.map(|degrees| format!("{degrees:.1} °C")),
        ("device", "processor_frequency") => number.map(|megahertz| format!("{megahertz:.0} MHz")),
        (_, _) => match found {
            Json::Bool(true) => Some("yes".into()),
            Json::Bool(false) => Some("no".into()),
            Json::Array(values)
                if !values.is_empty()
                    && values.iter().all(|one| matches!(one, Json::Text(_)))
                    && values.len() <= 20 =>
            {
                Some(values.iter().filter_map(Json::text).collect::<Vec<_>>().join(", "))
            }
            _ => None,
        },
    }
}

/// Feature flags, newest first: name and result.
pub fn flags<'c>(context: &'c Object<'_>) -> Vec<(&'c str, String)> {
    let flags = context.array("values").iter().rev().filter_map(Json::object);
    let result = |flag: &Object<'_>| match flag.get("result") {
        Some(Json::Bool(true)) => "on".to_string(),
        Some(Json::Bool(false)) => "off".to_string(),
        Some(other) => other.text().map_or_else(|| other.to_string(), String::from),
        None => "–".to_string(),
    };
    flags.filter_map(|flag| Some((flag.text("flag")?, result(flag)))).collect()
}

/// `16.0 GiB`: by 1,024s, as memory is made.
pub fn binary(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    if size.abs() < 1.0 {
        return format!("{bytes} bytes");
    }
    while size.abs() >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_are_said_as_people_say_them() {
        let of =
            |context: &str, key: &str, json: &str| shown(context, key, &bugle_event::json::read(json, &mut Vec::new()));
        for (context, key, json, expected) in [
            ("device", "memory_size", "17179869184", Some("16.0 GiB")),
            ("device", "free_storage", "\"1048576\"", Some("1.0 MiB")),
            ("gpu", "memory_size", "2048", Some("2048 MB")),
            ("device", "battery_level", "81.5", Some("82%")),
            ("device", "charging", "true", Some("yes")),
            ("app", "view_names", "[\"Cart\",\"Pay\"]", Some("Cart, Pay")),
            ("app", "app_name", "\"Shop\"", None),
            ("device", "memory_size", "\"plenty\"", None),
        ] {
            assert_eq!(of(context, key, json).as_deref(), expected, "{context} {key}");
        }
        assert_eq!((binary(12), binary(-2048)), ("12 bytes".into(), "-2.0 KiB".into()));
    }
}
