//! A frame as grouping sees it: where it is and what it is called, and nothing that changes from build to build.
//!
//! The same call reaches us in many spellings: with a module, a relative file or an absolute path; with a hash in
//! the bundle's name; with generics, argument lists, lambda ordinals or addresses. [`identity`] folds them into
//! *place* + *function* (grouping reference §4.1). No line, column, address, variable or code takes part.
//!
//! Whether a frame is the application's own is the SDK's word; [`decide_in_app`] speaks only where it is silent.
//!
//! Changing what [`identity`] gives changes keys: it belongs to [`crate::group::VERSION`].

mod function;
mod in_app;
mod place;

pub use in_app::decide_in_app;

use crate::event::Frame;
use crate::json::Json;
use std::borrow::Cow;

/// What a frame is, whatever build it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity<'e> {
    /// The last part of its module, or of its file without extension; lower case. May be empty if there is a
    /// function.
    pub place: Cow<'e, str>,
    /// Its cleaned name. Empty if it has none of its own (`<anonymous>`, `<lambda>`).
    pub function: Cow<'e, str>,
}

impl Identity<'_> {
    /// Whether the function has a name that tells it from others in the same place.
    pub fn is_named(&self) -> bool {
        !self.function.is_empty() && self.function != function::MODULE_LEVEL
    }
}

impl std::fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.place.as_ref(), self.function.as_ref()) {
            ("", function) => f.write_str(function),
            (place, "") => write!(f, "{place} (anonymous)"),
            (place, function) => write!(f, "{place}: {function}"),
        }
    }
}

/// What `frame` is. `platform` is the event's; the frame's own one goes before it.
///
/// `None` if the frame is unusable: engine-native, minified and not resolved, or without anything to name it.
pub fn identity<'e>(frame: Frame<'e>, platform: &str) -> Option<Identity<'e>> {
    let family = Family::of(frame.0.text("platform").unwrap_or(platform));
    let name = frame.function().unwrap_or("");
    if family == Family::JavaScript && (is_engine(frame, name) || is_minified(frame, name)) {
        return None;
    }
    let place = place::of(frame, family);
    let mut function = function::clean(name, family);
    if family == Family::DotNet && function == "MoveNext" {
        // An async method is compiled into a class of its own: `Cart+<Total>d__5`.
        if let Some(method) = frame.module().and_then(function::compiled_from) {
            function = Cow::Borrowed(method);
        }
    }
    (!place.is_empty() || !function.is_empty()).then_some(Identity { place, function })
}

/// The languages whose names need the same care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    JavaScript,
    Python,
    Jvm,
    DotNet,
    Go,
    Php,
    Ruby,
    Native,
    Dart,
    Elixir,
    Other,
}

impl Family {
    fn of(platform: &str) -> Family {
        match platform {
            "javascript" | "node" | "bun" | "deno" => Family::JavaScript,
            "python" => Family::Python,
            "java" | "kotlin" | "scala" | "groovy" | "clojure" | "android" => Family::Jvm,
            "csharp" | "fsharp" | "vb" | "dotnet" => Family::DotNet,
            "go" => Family::Go,
            "php" => Family::Php,
            "ruby" => Family::Ruby,
            "native" | "c" | "cpp" | "objc" | "cocoa" | "swift" | "rust" => Family::Native,
            "dart" | "flutter" => Family::Dart,
            "elixir" | "erlang" => Family::Elixir,
            _ => Family::Other,
        }
    }
}

/// Frames of the engine itself, and the wrapper that SDKs put around callbacks.
fn is_engine(frame: Frame<'_>, name: &str) -> bool {
    let native = |path: &str| {
        matches!(path, "[native code]" | "native code" | "eval code" | "<anonymous>" | "(native)" | "native")
    };
    let path = frame.abs_path().or_else(|| frame.filename());
    path.is_some_and(native) || matches!(name, "eval" | "sentryWrapped" | "[native code]")
}

/// A name that a minifier made, in a place that only a source map could tell: the next build has another.
fn is_minified(frame: Frame<'_>, name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).trim_start_matches("async ").trim_start_matches("new ");
    if last.chars().count() > 2 && !function::is_anonymous(last) {
        return false;
    }
    let data = frame.0.object("data");
    let resolved = |key: &str| {
        let value = data.and_then(|data| data.get(key));
        value.is_some_and(|value| !matches!(value, Json::Bool(false)) && !value.is_empty())
    };
    if resolved("symbolicated") || resolved("sourcemap") || resolved("resolved_with") {
        return false;
    }
    let bundled = frame.filename().or_else(|| frame.abs_path()).is_some_and(place::is_bundle);
    let wide = frame.colno().is_some_and(|column| column >= COLUMN_OF_MINIFIED);
    bundled || wide || frame.context_line().is_some_and(|line| line.len() >= LINE_BYTES_OF_MINIFIED)
}

/// Nobody writes code this far to the right.
const COLUMN_OF_MINIFIED: i64 = 400;
const LINE_BYTES_OF_MINIFIED: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;
    use proptest::prelude::*;

    fn of(frame: &str, platform: &str) -> Option<(String, String)> {
        let text = format!(r#"{{"exception":{{"values":[{{"stacktrace":{{"frames":[{frame}]}}}}]}}}}"#);
        let event = Event::stored(&text);
        let frame = event.stack().expect("stack").frames().next().expect("frame");
        identity(frame, platform).map(|id| (id.place.to_string(), id.function.to_string()))
    }

    fn is(frame: &str, platform: &str, place: &str, function: &str) {
        assert_eq!(of(frame, platform), Some((place.into(), function.into())), "{frame}");
    }

    #[test]
    fn three_spellings_of_one_python_frame_are_one() {
        for frame in [
            r#"{"module":"shop.cart","function":"total"}"#,
            r#"{"filename":"shop/cart.py","function":"total"}"#,
            r#"{"abs_path":"/srv/app/shop/cart.py","function":"total"}"#,
            r#"{"abs_path":"C:\\srv\\shop\\cart.py","function":"total"}"#,
        ] {
            is(frame, "python", "cart", "total");
        }
    }

    #[test]
    fn the_frame_s_own_platform_counts() {
        is(
            r#"{"platform":"java","module":"com.acme.Cart$1","function":"lambda$total$3"}"#,
            "javascript",
            "cart",
            "total",
        );
    }

    #[test]
    fn async_methods_of_dotnet_keep_their_name() {
        is(r#"{"module":"Acme.Cart+<TotalAsync>d__5","function":"MoveNext"}"#, "csharp", "cart", "TotalAsync");
        is(r#"{"module":"Acme.Cart","function":"TotalAsync"}"#, "csharp", "cart", "TotalAsync");
    }

    #[test]
    fn what_no_build_shares_is_unusable() {
        for frame in [
            r#"{"function":"t","filename":"/static/js/main.3f2a9c1b.js","lineno":1,"colno":93211}"#,
            r#"{"function":"e.n","filename":"app.js","lineno":1,"colno":4000}"#,
            r#"{"function":"Array.map","abs_path":"<anonymous>"}"#,
            r#"{"function":"sentryWrapped","filename":"helpers.js"}"#,
            r#"{"instruction_addr":"0x7fff12345678"}"#,
        ] {
            assert_eq!(of(frame, "javascript"), None, "{frame}");
        }
        is(r#"{"function":"t","filename":"app.js","lineno":12,"colno":9}"#, "javascript", "app", "t");
        is(
            r#"{"function":"t","filename":"main.3f2a9c1b.js","colno":93211,"data":{"sourcemap":"x.map"}}"#,
            "javascript",
            "main",
            "t",
        );
    }

    proptest! {
        #[test]
        fn every_frame_is_judged(
            name in "\\PC{0,40}|[a-zA-Z0-9_$.:<>(){}\\[\\]@#|`/ -]{0,60}",
            path in "\\PC{0,40}|[a-zA-Z0-9_$.:/\\\\?@~-]{0,60}",
            platform in "python|javascript|java|csharp|go|php|ruby|rust|dart|elixir|other",
        ) {
            let mut frame = crate::json::Object::default();
            frame.set("function", name);
            frame.set("filename", path.clone());
            let first = identity(Frame(&frame), &platform);
            prop_assert_eq!(&first, &identity(Frame(&frame), &platform));
            frame.remove("filename");
            frame.set("module", path);
            let _ = identity(Frame(&frame), &platform);
        }
    }
}
