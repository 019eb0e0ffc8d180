//! Whether a frame is the application's own, where the SDK did not say.
//!
//! An SDK knows the root of the project and what its user configured, so its word stands, except about the machinery
//! of raising and reporting itself: today's Rust SDK calls its own panic hook in-app, and every panic would have the
//! same culprit. For the frames it left open, paths and modules of libraries tell (protocol reference §15.6, web and scripting rules). A frame that no
//! rule knows is in-app, unless the SDK marked others as in-app: then it named what is, and silence means no.

use super::Family;
use crate::event::{Event, Frame};
use crate::json::{Json, Object};

/// Fills in `in_app` of all frames of all stacks that have none.
pub fn decide_in_app(event: &mut Event<'_>) {
    let platform = event.platform().to_string();
    let silence_is_in_app = !marks_in_app(event);
    for owner in ["exception", "threads"] {
        for holder in values_mut(&mut event.json, owner) {
            for frame in frames_mut(holder) {
                let family = Family::of(frame.text("platform").unwrap_or(&platform));
                match frame.get("in_app").and_then(Json::bool) {
                    Some(true) if is_machinery(Frame(frame), family) => {
                        frame.set("in_app", false);
                        continue;
                    }
                    Some(_) => continue,
                    None => {}
                }
                let in_app = silence_is_in_app && !is_library(Frame(frame), family);
                frame.set("in_app", in_app);
            }
        }
    }
}

fn marks_in_app(event: &Event<'_>) -> bool {
    let stacks = event.exceptions().filter_map(|e| e.stack()).chain(event.threads().filter_map(|t| t.stack()));
    stacks.flat_map(|stack| stack.frames()).any(|frame| frame.in_app())
}

fn values_mut<'v, 'a>(event: &'v mut Object<'a>, key: &str) -> impl Iterator<Item = &'v mut Object<'a>> {
    let values = match event.get_mut(key).and_then(Json::object_mut).and_then(|list| list.get_mut("values")) {
        Some(Json::Array(values)) => values.as_mut_slice(),
        _ => &mut [],
    };
    values.iter_mut().filter_map(Json::object_mut)
}

fn frames_mut<'v, 'a>(holder: &'v mut Object<'a>) -> impl Iterator<Item = &'v mut Object<'a>> {
    let frames = match holder.get_mut("stacktrace").and_then(Json::object_mut).and_then(|s| s.get_mut("frames")) {
        Some(Json::Array(frames)) => frames.as_mut_slice(),
        _ => &mut [],
    };
    frames.iter_mut().filter_map(Json::object_mut)
}

fn is_library(frame: Frame<'_>, family: Family) -> bool {
    let path = frame.abs_path().or_else(|| frame.filename()).unwrap_or("");
    let (parts, starts) = paths(family);
    let windows;
    let path = match path.contains('\\') {
        true => {
            windows = path.replace('\\', "/");
            windows.as_str()
        }
        false => path,
    };
    if starts.iter().any(|start| path.starts_with(start)) || parts.iter().any(|part| contains_part(path, part)) {
        return true;
    }
    let module = frame.module().unwrap_or("");
    match family {
        Family::Jvm => JVM.iter().any(|prefix| module.starts_with(prefix)),
        Family::DotNet => DOTNET.iter().any(|prefix| module.starts_with(prefix)),
        // The standard library's import paths have no domain in front.
        Family::Go => {
            let root = module.split('/').next().unwrap_or("");
            !module.is_empty() && path.is_empty() && !root.contains('.') && root != "main"
        }
        Family::Native => is_native_library(frame),
        _ => false,
    }
}

/// What stands between the line that failed and the SDK, or under every program, whatever failed.
fn is_machinery(frame: Frame<'_>, family: Family) -> bool {
    let name = frame.function().unwrap_or("");
    let path = frame.abs_path().or_else(|| frame.filename()).unwrap_or("");
    match family {
        Family::Native => {
            let bare = name.trim_start_matches(['_', '<', '&']);
            name == "<unknown>"
                || NATIVE_MACHINERY.iter().any(|prefix| bare.starts_with(prefix))
                || path.starts_with("/rustc/")
        }
        Family::JavaScript => matches!(path, "<anonymous>" | "[native code]" | "native"),
        _ => false,
    }
}

const NATIVE_MACHINERY: &[&str] = &[
    "sentry_",
    "sentry::",
    "rustc::rust_begin_unwind",
    "rust_begin_unwind",
    "std::panic",
    "core::panic",
    "std::rt::",
    "libc_start",
    "rust_try",
    "rust_begin_short_backtrace",
    "std::sys::backtrace",
    "core::ops::function::",
    "core::result::unwrap_failed",
    "core::option::unwrap_failed",
    "core::option::expect_failed",
    "dyn core::ops::function::",
];

fn is_native_library(frame: Frame<'_>) -> bool {
    let name = frame.function().unwrap_or("").trim_start_matches(['_', '<', '&']);
    let image = frame.0.text("package").unwrap_or("");
    ["std::", "core::", "alloc::", "rust_begin", "rust_panic", "libc_start", "pthread_", "test::run_test"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || [
            "/usr/lib",
            "/lib/",
            "/lib64/",
            "/System/Library/",
            "/usr/lib/system/",
            "C:\\Windows\\",
            "/apex/",
            "/system/",
        ]
        .iter()
        .any(|prefix| image.starts_with(prefix))
}

/// `part`, which ends in a slash, as whole directories of `path`.
fn contains_part(path: &str, part: &str) -> bool {
    path.match_indices(part).any(|(at, _)| at == 0 || part.starts_with('/') || path.as_bytes()[at - 1] == b'/')
}

/// Directories anywhere in the path, and beginnings of it, that belong to libraries.
fn paths(family: Family) -> (&'static [&'static str], &'static [&'static str]) {
    match family {
        Family::Python => (
            &["site-packages/", "dist-packages/", "/lib/python3", "/lib64/python3", "/lib/python2"],
            &["<frozen ", "/usr/lib/python", "/usr/local/lib/python"],
        ),
        Family::JavaScript => (
            &[
                "node_modules/",
                "/webpack/runtime/",
                "/webpack/bootstrap",
                "//unpkg.com/",
                "//cdnjs.cloudflare.com/",
                "//cdn.jsdelivr.net/",
                "//esm.run/",
                "//esm.sh/",
            ],
            &[
                "node:",
                "internal/",
                "webpack/",
                "chrome-extension://",
                "moz-extension://",
                "safari-web-extension://",
                "safari-extension://",
                "(native",
                "ext:",
                "deno:",
            ],
        ),
        Family::Go => (&["go/pkg/mod/", "go/src/runtime/", "vendor/"], &["/usr/local/go/src/", "/usr/lib/go"]),
        Family::Php => (&["vendor/"], &["[internal]", "/usr/share/php"]),
        Family::Ruby => (&["/gems/", "/lib/ruby/", "vendor/bundle/"], &["<internal:"]),
        Family::Native => (
            &[".cargo/registry/", ".cargo/git/", ".rustup/toolchains/", "/rustlib/src/"],
            &["/rustc/", "/usr/include/", "/usr/src/", "library/std/", "library/core/", "library/alloc/"],
        ),
        Family::Dart => (&[".pub-cache/"], &["dart:", "package:flutter/", "package:sentry"]),
        Family::Elixir => (&["deps/", "/lib/elixir/"], &["(elixir", "(stdlib"]),
        Family::Jvm | Family::DotNet => (&[], &[]),
        Family::Other => (&["vendor/", "node_modules/", "site-packages/"], &["/usr/lib/", "/usr/local/lib/"]),
    }
}

const JVM: &[&str] = &[
    "java.",
    "javax.",
    "jakarta.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "groovy.",
    "clojure.",
    "org.springframework.",
    "org.apache.",
    "org.hibernate.",
    "org.eclipse.",
    "org.jboss.",
    "org.glassfish.",
    "org.postgresql.",
    "org.junit.",
    "junit.",
    "org.gradle.",
    "org.codehaus.",
    "io.netty.",
    "io.ktor.",
    "io.reactivex.",
    "io.micrometer.",
    "io.opentelemetry.",
    "io.sentry.",
    "reactor.",
    "rx.",
    "akka.",
    "feign.",
    "okhttp3.",
    "retrofit2.",
    "com.fasterxml.",
    "com.google.",
    "com.mysql.",
    "com.zaxxer.",
    "com.android.",
    "android.",
    "androidx.",
    "dalvik.",
    "libcore.",
];

const DOTNET: &[&str] = &[
    "System.",
    "Microsoft.",
    "Newtonsoft.",
    "MS.",
    "Npgsql.",
    "Serilog.",
    "NLog.",
    "Sentry.",
    "Dapper.",
    "Polly.",
    "Grpc.",
    "FSharp.",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(platform: &str, frames: &str) -> Vec<bool> {
        let text = format!(
            r#"{{"platform":"{platform}","exception":{{"values":[{{"type":"E","stacktrace":{{"frames":[{frames}]}}}}]}}}}"#
        );
        let mut event = Event::stored(&text);
        decide_in_app(&mut event);
        event.stack().expect("stack").frames().map(|frame| frame.in_app()).collect()
    }

    #[test]
    fn the_sdk_s_word_stands() {
        let frames =
            r#"{"abs_path":"/srv/site-packages/shop/a.py","in_app":true},{"abs_path":"/srv/b.py","in_app":false}"#;
        assert_eq!(decided("python", frames), [true, false]);
    }

    #[test]
    fn the_machinery_of_panicking_is_nobody_s_code() {
        let frames = r#"{"function":"shop::cart::total","in_app":true},
            {"function":"core::panicking::panic_fmt","in_app":true},
            {"function":"__rustc::rust_begin_unwind","in_app":true},
            {"function":"<dyn core::ops::function::Fn<_> as _>::call","abs_path":"/rustc/5980/library/x.rs","in_app":true},
            {"function":"sentry_panic::PanicIntegration::event_from_panic_info","in_app":true}"#;
        assert_eq!(decided("native", frames), [true, false, false, false, false]);
        let parse = r#"{"function":"shop.load","filename":"app.js","in_app":true},
            {"function":"JSON.parse","filename":"<anonymous>","in_app":true}"#;
        assert_eq!(decided("javascript", parse), [true, false]);
    }

    #[test]
    fn silence_means_no_only_if_the_sdk_named_what_is() {
        let open = r#"{"abs_path":"/srv/shop/b.py"}"#;
        assert_eq!(decided("python", &format!(r#"{{"filename":"a.py","in_app":true}},{open}"#)), [true, false]);
        assert_eq!(decided("python", &format!(r#"{{"filename":"a.py","in_app":false}},{open}"#)), [false, true]);
        assert_eq!(decided("python", open), [true]);
    }

    #[test]
    fn libraries_are_known_by_their_place() {
        for (platform, library, own) in [
            (
                "python",
                r#"{"abs_path":"/srv/venv/lib/python3.12/site-packages/flask/app.py"}"#,
                r#"{"abs_path":"/srv/app/cart.py"}"#,
            ),
            ("python", r#"{"abs_path":"/usr/lib/python3.12/json/decoder.py"}"#, r#"{"filename":"shop/cart.py"}"#),
            ("python", r#"{"filename":"C:\\Python\\Lib\\site-packages\\x.py"}"#, r#"{"filename":"C:\\shop\\x.py"}"#),
            (
                "node",
                r#"{"filename":"/app/node_modules/express/lib/router.js"}"#,
                r#"{"filename":"/app/src/router.js"}"#,
            ),
            ("node", r#"{"filename":"node:internal/process/task_queues"}"#, r#"{"filename":"/app/internal/x.js"}"#),
            ("java", r#"{"module":"org.springframework.web.Servlet"}"#, r#"{"module":"org.springfield.Cart"}"#),
            ("java", r#"{"module":"java.util.HashMap"}"#, r#"{"module":"javascript.Cart"}"#),
            ("go", r#"{"abs_path":"/opt/go/pkg/mod/github.com/x/y@v1/z.go"}"#, r#"{"abs_path":"/srv/shop/cart.go"}"#),
            ("go", r#"{"module":"net/http"}"#, r#"{"module":"github.com/acme/shop"}"#),
            (
                "native",
                r#"{"abs_path":"/home/x/.cargo/registry/src/a/b.rs"}"#,
                r#"{"abs_path":"/home/x/shop/src/b.rs"}"#,
            ),
            ("native", r#"{"function":"core::option::unwrap_failed"}"#, r#"{"function":"shop::core::unwrap"}"#),
            ("native", r#"{"abs_path":"/rustc/abc/library/core/src/panicking.rs"}"#, r#"{"abs_path":"src/main.rs"}"#),
            ("php", r#"{"filename":"/srv/vendor/laravel/x.php"}"#, r#"{"filename":"/srv/app/vendors/x.php"}"#),
            ("ruby", r#"{"filename":"/usr/local/bundle/gems/rack/x.rb"}"#, r#"{"filename":"app/models/x.rb"}"#),
            ("csharp", r#"{"module":"System.Linq.Enumerable"}"#, r#"{"module":"SystemShop.Cart"}"#),
        ] {
            assert_eq!(decided(platform, &format!("{library},{own}")), [false, true], "{platform} {library}");
        }
    }
}
