//! The place of a frame: the last part of its module, or of its file without extension.
//!
//! Only the last part, because that is what module (`shop.cart`), relative file (`shop/cart.py`) and absolute path
//! have in common. A file that stands for its directory (`__init__`, `index`, `mod`) is called like it; `main`
//! and `lib` say too little and take their parent along. Hashes of bundles and names of release directories are
//! left out, since every deployment has others.

use super::Family;
use crate::event::Frame;
use std::borrow::Cow;

/// What an inline script of a page is in: its URL is the page's, which may be different for every customer.
const PAGE: &str = "<page>";

pub(super) fn of<'e>(frame: Frame<'e>, family: Family) -> Cow<'e, str> {
    let module = frame.module().filter(|module| !matches!(*module, "__main__" | "<unknown module>"));
    match (module, frame.filename().or_else(|| frame.abs_path()), frame.0.text("package")) {
        (Some(module), ..) => of_module(module, family),
        (None, _, Some(image)) if family == Family::Native => lower(stem(last(image, &['/', '\\']))),
        (None, Some(_), _) => of_file(frame, family),
        (None, None, Some(package)) => lower(stem(last(package, &['/', '\\']))),
        (None, None, None) => Cow::Borrowed(""),
    }
}

/// Whether a file is a bundle, whose name or content changes with every build.
pub(super) fn is_bundle(path: &str) -> bool {
    let file = last(path.split(['?', '#']).next().unwrap_or(path), &['/', '\\']);
    if [".min.", ".bundle.", ".chunk.", "-bundle."].iter().any(|mark| file.contains(mark)) {
        return true;
    }
    without_hash(stem(file)).len() < stem(file).len()
}

fn of_module<'e>(module: &'e str, family: Family) -> Cow<'e, str> {
    match family {
        Family::Jvm => lower(class_of_jvm(module)),
        Family::DotNet => {
            let class = last(module, &['.']).split(['+', '`', '<']).next().unwrap_or("");
            lower(if class.is_empty() {
                last(module.split(['+', '<']).next().unwrap_or(module), &['.'])
            } else {
                class
            })
        }
        // Node writes `@scope.pkg.dist:file`, where only the part behind the colon is a file's name.
        Family::JavaScript => match module.rsplit_once(':') {
            Some((directory, file)) => named(file, || last_real(directory, &['.', '/'])),
            None => named(last(module, &['/']), || last_real(parent(module, &['/']), &['/'])),
        },
        Family::Python => named(last(module, &['.', '/']), || last_real(parent(module, &['.', '/']), &['.', '/'])),
        _ => {
            let separators = ['.', '/', '\\', ':'];
            named(last(module, &separators), || last_real(parent(module, &separators), &separators))
        }
    }
}

/// `com.acme.Cart$Inner$1` → `Cart$Inner`; what proxies append and the ordinals of anonymous classes are dropped.
fn class_of_jvm(module: &str) -> &str {
    let class = last(module.split('/').next().unwrap_or(module), &['.']);
    let class = class.split("$$").next().unwrap_or(class);
    let end = class
        .char_indices()
        .find(|(at, c)| *c == '$' && *at > 0 && class[at + 1..].starts_with(|c: char| c.is_ascii_digit()))
        .map_or(class.len(), |(at, _)| at);
    let class = &class[..end];
    match class.starts_with("$Proxy") || class.contains("MethodAccessor") || class.contains("ConstructorAccessor") {
        true => class.trim_end_matches(|c: char| c.is_ascii_digit()),
        false => class,
    }
}

fn of_file(frame: Frame<'_>, family: Family) -> Cow<'_, str> {
    let Some(path) = frame.filename().or_else(|| frame.abs_path()) else { return Cow::Borrowed("") };
    let is_url = |path: &str| path.contains("://") && !path.starts_with("webpack") && !path.starts_with("app:");
    let url = family == Family::JavaScript && frame.abs_path().is_some_and(is_url);
    let path = path.strip_prefix("async ").unwrap_or(path);
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => path,
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let file = last(path, &['/', '\\']);
    if url && !is_script(file) {
        return Cow::Borrowed(PAGE);
    }
    let name = match family {
        Family::JavaScript => without_hash(stem(file)),
        _ => stem(file),
    };
    let directory = || last_real(parent(path, &['/', '\\']), &['/', '\\']);
    match family {
        // `main.py` is `main` as a module, which has no parent to take along.
        Family::Python if name != "__init__" => lower(name),
        _ => named(name, directory),
    }
}

/// `name` in lower case; its directory instead or along, where the name alone says too little.
fn named<'e>(name: &'e str, directory: impl Fn() -> &'e str) -> Cow<'e, str> {
    match name {
        "__init__" | "index" | "mod" => match directory() {
            "" => Cow::Borrowed(name),
            directory => lower(directory),
        },
        "main" | "lib" => match directory() {
            "" => Cow::Borrowed(name),
            directory => Cow::Owned(format!("{}/{name}", directory.to_lowercase())),
        },
        _ => lower(name),
    }
}

fn is_script(file: &str) -> bool {
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(
        extension,
        "js" | "mjs"
            | "cjs"
            | "jsx"
            | "ts"
            | "mts"
            | "cts"
            | "tsx"
            | "vue"
            | "svelte"
            | "jsbundle"
            | "bundle"
            | "coffee"
            | "wasm"
            | "dart"
    )
}

/// The file's name without its extension, or without `.so.1.2` and the like.
fn stem(file: &str) -> &str {
    let file = match file.find(".so.") {
        Some(at) if at > 0 => return &file[..at],
        _ => file,
    };
    let extension =
        |text: &str| (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric()) && text != "min";
    match file.rsplit_once('.') {
        Some((name, text)) if !name.is_empty() && extension(text) => name,
        _ => file,
    }
}

/// `main.3f2a9c1b` → `main`, `index-DiwrgTda` → `index`, `vendor.min` → `vendor`.
fn without_hash(name: &str) -> &str {
    let mut name = name;
    while let Some(at) = name.rfind(['.', '-', '~', '_']) {
        let tail = &name[at + 1..];
        if at == 0 || !(matches!(tail, "min" | "bundle" | "chunk" | "prod") || is_hash(tail)) {
            break;
        }
        name = &name[..at];
    }
    name
}

/// Six or more hex digits with a digit among them, or eight to twenty letters and digits without any reading.
fn is_hash(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if text.len() >= 6 && digits > 0 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return true;
    }
    let upper_inside = text.bytes().skip(1).filter(u8::is_ascii_uppercase).count();
    (8..=20).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && (digits > 0 || upper_inside > 0)
        && text.bytes().any(|b| b.is_ascii_lowercase())
}

/// The last directory that is not made by a deployment (`/releases/20240101120000/`, `/app-1.2.3/`) or a habit.
fn last_real<'e>(path: &'e str, separators: &[char]) -> &'e str {
    let made = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        part.is_empty()
            || matches!(part, "." | ".." | "src" | "current" | "releases" | "dist" | "build" | "static" | "assets")
            || digits * 2 > part.len()
            || (digits > 0 && is_hash(part))
            || part.len() == 2 && part.ends_with(':')
    };
    path.rsplit(separators).find(|part| !made(part)).unwrap_or("")
}

fn last<'e>(text: &'e str, separators: &[char]) -> &'e str {
    let bytes = text.as_bytes();
    let at = bytes.iter().rposition(|b| separators.iter().any(|separator| *separator as u32 == u32::from(*b)));
    at.map_or(text, |at| &text[at + 1..])
}

fn parent<'e>(text: &'e str, separators: &[char]) -> &'e str {
    text.rfind(separators).map_or("", |at| &text[..at])
}

fn lower(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
        true => Cow::Owned(text.to_lowercase()),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, platform: &str) -> String {
        let mut frame = crate::json::Object::default();
        frame.set("abs_path", path);
        of(Frame(&frame), Family::of(platform)).to_string()
    }

    fn module(name: &str, platform: &str) -> String {
        let mut frame = crate::json::Object::default();
        frame.set("module", name);
        frame.set("filename", "elsewhere.x");
        of(Frame(&frame), Family::of(platform)).to_string()
    }

    #[test]
    fn bundles_lose_their_hash_and_urls_their_host() {
        for (path, place) in [
            ("https://shop.example/static/js/checkout.3f2a9c1b.js?v=2", "checkout"),
            ("https://cdn.example/assets/index-DiwrgTda.js", ""),
            ("https://cdn.example/cart/index-DiwrgTda.js", "cart"),
            ("webpack:///./src/cart.tsx", "cart"),
            ("app:///dist/user.service.js", "user.service"),
            ("https://shop.example/products/42", PAGE),
            ("https://shop.example/", PAGE),
            ("async https://shop.example/cart.min.js", "cart"),
        ] {
            let expected = if place.is_empty() { "index" } else { place };
            assert_eq!(file(path, "javascript"), expected, "{path}");
        }
    }

    #[test]
    fn a_module_and_its_file_are_one_place() {
        for (name, path, platform, place) in [
            ("shop.cart", "/srv/shop/cart.py", "python", "cart"),
            ("shop", "/srv/shop/__init__.py", "python", "shop"),
            ("main", "/srv/releases/20240101/main.py", "python", "main"),
            ("shop.lib.router:layer", "/srv/node_modules/shop/lib/router/layer.js", "node", "layer"),
            ("shop.lib.router:index", "/srv/node_modules/shop/lib/router/index.js", "node", "router"),
            ("src:user.service", "/srv/src/user.service.js", "node", "user.service"),
            ("com.acme.Cart", "Cart.java", "java", "cart"),
            ("com.acme.CartKt", "CartKt.kt", "java", "cartkt"),
            ("com.acme.Cart$$EnhancerBySpringCGLIB$$1a2b3c", "Cart.java", "java", "cart"),
            ("com.acme.Cart$1", "Cart.java", "java", "cart"),
        ] {
            assert_eq!(module(name, platform), place, "{name}");
            assert_eq!(file(path, platform), place, "{path}");
        }
        assert_eq!(module("com.acme.Cart$Inner$2", "java"), "cart$inner");
        assert_eq!(module("Acme.Shop.Cart`1+<Total>d__3", "csharp"), "cart");
    }

    #[test]
    fn names_that_say_too_little_take_their_parent() {
        assert_eq!(file("/srv/shop/src/main.rs", "rust"), "shop/main");
        assert_eq!(file("/srv/shop/src/cart/mod.rs", "rust"), "cart");
        assert_eq!(file("main.rs", "rust"), "main");
        assert_eq!(module("__main__", "python"), "elsewhere");
    }

    #[test]
    fn native_frames_are_in_their_image() {
        let mut frame = crate::json::Object::default();
        frame.set("package", "/usr/lib/libshop.so.1.2");
        frame.set("filename", "cart.cpp");
        assert_eq!(of(Frame(&frame), Family::Native), "libshop");
    }
}
