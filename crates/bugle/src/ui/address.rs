//! Addresses: text as it may stand in a path or a query.

/// `text`, so encoded that it is one value of a query or one segment of a path.
pub fn encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out
}

/// `path` with those of `pairs` that have a value, as a query.
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut out = path.to_string();
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(key);
        out.push('=');
        out.push_str(&encode(value));
    }
    out
}

/// `path` if it leads to a page of this server, else `/`: what a form may name as the place to go next.
pub fn local(path: &str) -> &str {
    let is_plain = path.bytes().all(|byte| byte > b' ' && byte != b'\\' && byte != 0x7f);
    if path.starts_with('/') && !path.starts_with("//") && is_plain { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_keep_only_what_has_a_value() {
        assert_eq!(
            with_query("/issues", &[("q", "a b&c"), ("project", ""), ("sort", "last")]),
            "/issues?q=a%20b%26c&sort=last"
        );
        assert_eq!(with_query("/issues?view=new", &[("q", "é")]), "/issues?view=new&q=%C3%A9");
    }

    #[test]
    fn a_form_cannot_lead_away() {
        for path in ["/issues?q=a", "/issues/3#activity"] {
            assert_eq!(local(path), path);
        }
        for path in ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", "", "issues", "/\t/x"] {
            assert_eq!(local(path), "/", "{path:?}");
        }
    }
}
