//! Scripts that run in other people's pages: the feedback dialog and the loader.
//!
//! Each is a file of `assets/` that is one function, called with data. What came from outside gets into a script by
//! [`call`] alone, as one JSON value that cannot end its string, its script element, or a line.
//!
//! A page must never break by them: they are always 200, and where there is nothing to run, they say why in a comment.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// A function with its argument. Comments of the file that stand alone in their lines stay behind.
pub fn call(function: &str, argument: &Value) -> String {
    let lines = function.lines().filter(|line| !line.trim_start().starts_with("//"));
    let function = lines.map(str::trim).collect::<Vec<_>>().join("\n");
    format!("{function}({});\n", literal(argument))
}

/// A JSON value as it may stand in any script.
fn literal(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\'' | '`' | '\u{2028}' | '\u{2029}' | '\u{7f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)))
            }
            c => out.push(c),
        }
    }
    out
}

/// The answer that carries a script. `cache` is its `Cache-Control`.
pub fn answer(script: String, cache: &'static str) -> Response {
    let mut response = script.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn data_cannot_leave_its_literal() {
        let script = call("(function (o) {})", &json!({ "a": "</script><!--\"'`\u{2028}\n\\&" }));
        assert_eq!(
            script,
            "(function (o) {})({\"a\":\"\\u003c/script\\u003e\\u003c!--\\\"\\u0027\\u0060\\u2028\\n\\\\\\u0026\"});\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_reads_back_as_itself(text in "\\PC{0,80}|[<>&'\"\\\\/\u{2028}\n]{0,40}") {
            let literal = literal(&json!(text));
            prop_assert_eq!(serde_json::from_str::<String>(&literal).expect("JSON"), text);
            let is_safe = !literal.contains(['<', '>', '\n', '\u{2028}']);
            prop_assert!(is_safe);
        }
    }
}
