//! A function's name without what compilers, runtimes and browsers add to it.
//!
//! What is left is at most the last two parts of a qualified name (`Cart.total`, `cart::total`); in JavaScript and
//! Ruby the last alone, since their runtimes disagree about the rest. An anonymous function is called by what it
//! is in, if the runtime says so, else it has no name.

use super::Family;
use std::borrow::Cow;

/// Python's and PHP's name for code outside of any function. A name, but one that all such code shares.
pub(super) const MODULE_LEVEL: &str = "<module>";

pub(super) fn clean(name: &str, family: Family) -> Cow<'_, str> {
    let name = name.trim();
    if is_anonymous(name) {
        return Cow::Borrowed("");
    }
    if is_word(name) && !matches!(family, Family::JavaScript | Family::Jvm | Family::Ruby) {
        return Cow::Borrowed(name);
    }
    match family {
        Family::JavaScript => Cow::Borrowed(javascript(name)),
        Family::Python => python(name),
        Family::Jvm => Cow::Borrowed(jvm(name)),
        Family::DotNet => dotnet(name),
        Family::Go => go(name),
        Family::Php => Cow::Borrowed(php(name)),
        Family::Ruby => Cow::Borrowed(ruby(name)),
        Family::Native => native(name),
        Family::Dart => dart(name),
        Family::Elixir => elixir(name),
        Family::Other => native(name),
    }
}

/// What runtimes call a function that has no name.
pub(super) fn is_anonymous(name: &str) -> bool {
    matches!(
        name,
        "" | "?"
            | "<anonymous>"
            | "<anonymous function>"
            | "anonymous"
            | "Anonymous function"
            | "(anonymous)"
            | "(anonymous function)"
            | "anonymous function"
            | "<unknown>"
            | "<redacted>"
            | "unknown"
            | "??"
            | "<lambda>"
            | "<listcomp>"
            | "<genexpr>"
            | "<dictcomp>"
            | "<setcomp>"
            | "global code"
            | "Global code"
            | "module code"
            | "eval code"
            | "{closure}"
            | "{main}"
            | "<asynchronous suspension>"
            | "[Anonymous]"
    ) || name.starts_with("0x") && name[2..].bytes().all(|b| b.is_ascii_hexdigit())
}

/// The method that a class made by the C# compiler stands for: `Cart+<TotalAsync>d__5` → `TotalAsync`.
pub(super) fn compiled_from(class: &str) -> Option<&str> {
    let (_, rest) = class.rsplit_once('<')?;
    let (method, ordinal) = rest.split_once('>')?;
    (!method.is_empty() && ordinal.starts_with("d__")).then_some(method)
}

fn javascript(name: &str) -> &str {
    let name = name.split(" [as ").next().unwrap_or(name);
    let name = name.strip_prefix("async ").unwrap_or(name);
    let name = name.strip_prefix("new ").unwrap_or(name);
    let name = name.split([' ', '(', '@']).next().unwrap_or(name);
    // Firefox: `outer/inner` is inner in outer, `outer/<` something anonymous in outer.
    let name = name.trim_end_matches(['<', '/']);
    let last = name.rsplit(['.', '/', '#']).next().unwrap_or(name);
    let last = last.trim_end_matches(|c: char| c == '$' || c.is_ascii_control());
    // `HTMLButtonElement.onclick`: an attribute of the page, which has as many as it has buttons.
    let is_handler = last.len() > 3 && last.starts_with("on") && last.bytes().all(|b| b.is_ascii_lowercase());
    if is_anonymous(last) || is_handler { "" } else { last }
}

fn python(name: &str) -> Cow<'_, str> {
    if name == MODULE_LEVEL {
        return Cow::Borrowed(MODULE_LEVEL);
    }
    match name.rsplit_once("<locals>.") {
        Some((_, inner)) if is_anonymous(inner) => Cow::Borrowed(""),
        Some((_, inner)) => Cow::Borrowed(inner),
        None => Cow::Borrowed(last_two(name, ".")),
    }
}

fn jvm(name: &str) -> &str {
    // `lambda$total$3` is in total; Scala writes `$anonfun$total$1`.
    for mark in ["lambda$", "$anonfun$"] {
        if let Some(rest) = name.strip_prefix(mark) {
            let outer = rest.split('$').next().unwrap_or("");
            return if outer == "null" || is_ordinal(outer) { "" } else { outer };
        }
    }
    let name = name.split(['(', '@']).next().unwrap_or(name);
    let end = name.char_indices().skip(1).find(|(_, c)| *c == '$').map_or(name.len(), |(at, _)| at);
    let name = name[..end].trim_end_matches("-impl");
    match name.split_once("__") {
        Some((name, ordinal)) if !name.is_empty() && is_ordinal(ordinal) => name,
        _ => name,
    }
}

fn dotnet(name: &str) -> Cow<'_, str> {
    let name = name.split([' ', '(', '[']).next().unwrap_or(name);
    // `<Total>b__0_1` is a lambda in Total, `<Total>g__Sum|3_0` its local function Sum.
    if let Some((_, local)) = name.split_once(">g__") {
        return Cow::Borrowed(local.split('|').next().unwrap_or(local));
    }
    if let Some((before, _)) = name.rsplit_once(">b__").or_else(|| name.rsplit_once(">d__")) {
        return Cow::Borrowed(before.rsplit('<').next().unwrap_or(before));
    }
    let name = without_brackets(name, '<', '>');
    let cut = name.find('`').unwrap_or(name.len());
    let start = name[..cut].rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    slice(name, start, cut)
}

fn go(name: &str) -> Cow<'_, str> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = without_brackets(name, '[', ']');
    let plain: String = name.chars().filter(|c| !matches!(c, '(' | ')' | '*')).collect();
    // `total.func1.2`: closures are numbered.
    let mut parts: Vec<&str> = plain.split('.').filter(|part| !part.is_empty()).collect();
    let closure = |part: &str| {
        is_ordinal(part)
            || matches!(part, "glob" | "init")
            || part.strip_prefix("func").is_some_and(is_ordinal)
            || part.strip_prefix("gowrap").is_some_and(is_ordinal)
    };
    while parts.len() > 1 && parts.last().is_some_and(|part| closure(part)) {
        parts.pop();
    }
    if parts.len() == 1 && closure(parts[0]) && parts[0] != "init" {
        return Cow::Borrowed("");
    }
    let from = parts.len().saturating_sub(2);
    Cow::Owned(parts[from..].join(".").trim_end_matches("-fm").to_string())
}

fn php(name: &str) -> &str {
    let name = name.split('(').next().unwrap_or(name);
    let (name, is_closure) = match name.find("{closure") {
        Some(at) => (name[..at].trim_end_matches([':', '\\', '>', '-']), true),
        None => (name, false),
    };
    if name.contains("@anonymous") || name.starts_with("[Anonymous") {
        return name.rsplit_once("::").map_or("", |(_, method)| method);
    }
    // A closure in a method of a class: the class and the method, else the name space alone, which says nothing.
    match (name.rsplit('\\').next().unwrap_or(name), is_closure) {
        (part, true) if !part.contains("::") => "",
        (part, _) => part,
    }
}

fn ruby(name: &str) -> &str {
    let name = name.rsplit_once(" in ").map_or(name, |(_, name)| name);
    let name = name.rsplit(['#', '.']).next().filter(|last| !last.is_empty()).unwrap_or(name);
    // `_app_views_carts_show_html_erb__1234_5678`: a compiled template.
    match name.split_once("__") {
        Some((template, rest)) if rest.bytes().all(|b| b.is_ascii_digit() || b == b'_') && !rest.is_empty() => template,
        _ => name,
    }
}

fn dart(name: &str) -> Cow<'_, str> {
    let name = name.strip_prefix("new ").unwrap_or(name);
    let name = name.replace(".<anonymous closure>", "").replace(".<fn>", "");
    Cow::Owned(last_two(&name, ".").to_string())
}

fn elixir(name: &str) -> Cow<'_, str> {
    let name = name.rsplit_once(" in ").map_or(name, |(_, name)| name);
    let name = name.strip_prefix('-').map_or(name, |inner| inner.split("/").next().unwrap_or(inner));
    let name = name.split('(').next().unwrap_or(name);
    let name = match name.rsplit_once('/') {
        Some((name, arity)) if is_ordinal(arity) => name,
        _ => name,
    };
    Cow::Borrowed(last_two(name, "."))
}

/// C, C++, Rust, Swift, Objective-C, and languages we know nothing about.
fn native(name: &str) -> Cow<'_, str> {
    if name.starts_with("-[") || name.starts_with("+[") {
        return Cow::Borrowed(name);
    }
    let name = name.split(" [clone").next().unwrap_or(name);
    let name = name.split("@@").next().unwrap_or(name);
    let name = name.strip_prefix('_').filter(|rest| rest.starts_with('<')).unwrap_or(name);
    let name = without_rust_hash(name).replace("(anonymous namespace)", "anonymous");
    let name = match name.rsplit_once(" in ") {
        Some((before, inner)) if before.contains("closure") => inner.to_string(),
        _ => name,
    };
    let name = impl_type(&name);
    // An operator's signs are no brackets.
    let (head, operator) = match name.find("operator") {
        Some(at) if !name[at + 8..].starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
            (name[..at].to_string(), Some(name[at..].split_once('(').map_or(&name[at..], |(o, _)| o).to_string()))
        }
        _ => (name.into_owned(), None),
    };
    let head = without_brackets(&head, '{', '}').replace("[abi:cxx11]", "");
    let head = without_brackets(&head, '<', '>').into_owned();
    let head = head.split('(').next().unwrap_or(&head).trim_end();
    // What is before the last blank is the return type or a keyword.
    let head = head.rsplit(' ').next().unwrap_or(head).trim_start_matches(['*', '&']);
    let ordinal = |part: &&str| !part.is_empty() && !part.strip_prefix("$_").is_some_and(is_ordinal);
    let mut parts: Vec<&str> = head.split("::").filter(ordinal).collect();
    parts.extend(operator.as_deref());
    let from = parts.len().saturating_sub(2);
    let joined = parts[from..].join("::");
    match joined.contains("::") {
        true => Cow::Owned(joined),
        false => Cow::Owned(last_two(&joined, ".").to_string()),
    }
}

/// Rust: `<shop::Cart as shop::Price>::total` → `shop::Cart::total`.
fn impl_type(name: &str) -> Cow<'_, str> {
    let Some(inner) = name.strip_prefix('<') else { return Cow::Borrowed(name) };
    let mut depth = 1usize;
    let mut trait_at = None;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if at > 0 && inner.as_bytes()[at - 1] == b'-' => {}
            b'>' => depth -= 1,
            b' ' if depth == 1 && inner[at..].starts_with(" as ") => trait_at = trait_at.or(Some(at)),
            _ => {}
        }
        if depth == 0 {
            let of = inner[..trait_at.unwrap_or(at)].trim_start_matches(['&', '*']).trim_start_matches("mut ");
            return Cow::Owned(format!("{of}{}", &inner[at + 1..]));
        }
    }
    Cow::Borrowed(name)
}

/// `shop::total::h0123456789abcdef` → `shop::total`.
fn without_rust_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => path,
        _ => name,
    }
}

/// `text` without what stands between brackets, nested ones included; `->` closes none.
fn without_brackets(text: &str, open: char, close: char) -> Cow<'_, str> {
    if !text.contains(open) {
        return Cow::Borrowed(text);
    }
    let mut depth = 0usize;
    let mut before = ' ';
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c == open => depth += 1,
            c if c == close && before != '-' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
        before = c;
    }
    Cow::Owned(out)
}

fn last_two<'e>(name: &'e str, separator: &str) -> &'e str {
    name.rmatch_indices(separator).nth(1).map_or(name, |(at, _)| &name[at + separator.len()..])
}

fn slice(text: Cow<'_, str>, from: usize, to: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[from..to]),
        Cow::Owned(text) => Cow::Owned(text[from..to].to_string()),
    }
}

fn is_word(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_ordinal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_loses_what_its_tools_add() {
        for (platform, name, clean_name) in [
            ("javascript", "async Cart.total", "total"),
            ("javascript", "Object.total [as sum]", "total"),
            ("javascript", "new Cart", "Cart"),
            ("javascript", "total/<", "total"),
            ("javascript", "outer/inner", "inner"),
            ("javascript", "Cart.prototype.total", "total"),
            ("javascript", "HTMLButtonElement.onclick", ""),
            ("javascript", "Object.<anonymous>", ""),
            ("javascript", "?", ""),
            ("python", "Cart.total", "Cart.total"),
            ("python", "shop.cart.Cart.total", "Cart.total"),
            ("python", "outer.<locals>.inner", "inner"),
            ("python", "outer.<locals>.<lambda>", ""),
            ("python", "<module>", "<module>"),
            ("python", "<listcomp>", ""),
            ("java", "lambda$total$3", "total"),
            ("java", "lambda$null$0", ""),
            ("java", "total$default", "total"),
            ("java", "$anonfun$total$1", "total"),
            ("java", "access$000", "access"),
            ("java", "<init>", "<init>"),
            ("csharp", "<Total>b__0_1", "Total"),
            ("csharp", "<Total>g__Sum|3_0", "Sum"),
            ("csharp", "Map`2(Int32 a, Int32 b)", "Map"),
            ("csharp", "Acme.Shop.Cart.Total<T>(T t)", "Cart.Total"),
            ("go", "github.com/acme/shop.(*Cart).Total", "Cart.Total"),
            ("go", "(*Cart).Total.func1.2", "Cart.Total"),
            ("go", "Map[...]", "Map"),
            ("go", "glob..func1", ""),
            ("php", "App\\Shop\\Cart::total", "Cart::total"),
            ("php", "App\\Shop\\Cart::total::{closure}", "Cart::total"),
            ("php", "App\\Shop\\{closure}", ""),
            ("php", "class@anonymous::total", "total"),
            ("ruby", "block (2 levels) in total", "total"),
            ("ruby", "Shop::Cart#total", "total"),
            ("ruby", "_app_views_cart_html_erb__1234_5678", "_app_views_cart_html_erb"),
            ("rust", "shop::cart::total::h0123456789abcdef", "cart::total"),
            ("rust", "shop::cart::total::{{closure}}", "cart::total"),
            ("rust", "shop::cart::total::{closure#0}", "cart::total"),
            ("rust", "<shop::Cart as shop::Price>::total", "Cart::total"),
            ("rust", "<alloc::boxed::Box<F,A> as core::ops::FnOnce<Args>>::call_once", "Box::call_once"),
            ("rust", "shop::map::<u8, F>", "shop::map"),
            ("native", "int shop::Cart<int>::total(std::string const&) const", "Cart::total"),
            ("native", "shop::(anonymous namespace)::total(int)", "anonymous::total"),
            ("native", "total [clone .cold.1]", "total"),
            ("native", "memcpy@@GLIBC_2.14", "memcpy"),
            ("native", "shop::Cart::operator<<(int)", "Cart::operator<<"),
            ("native", "0x7fff12ab", ""),
            ("cocoa", "-[Cart total:]", "-[Cart total:]"),
            ("swift", "closure #1 in Cart.total(of:)", "Cart.total"),
            ("dart", "Cart.total.<anonymous closure>", "Cart.total"),
            ("elixir", "anonymous fn/1 in Shop.Cart.total/2", "Cart.total"),
            ("elixir", "Shop.Cart.total/2", "Cart.total"),
            ("perl", "Shop::Cart::total", "Cart::total"),
        ] {
            assert_eq!(clean(name, Family::of(platform)), clean_name, "{platform}: {name}");
        }
    }

    #[test]
    fn cleaning_twice_changes_nothing_more() {
        for (platform, name) in
            [("rust", "a::b::c::hffffffffffffffff"), ("csharp", "<T>b__1"), ("go", "a.(*B).C.func1")]
        {
            let once = clean(name, Family::of(platform)).to_string();
            assert_eq!(clean(&once, Family::of(platform)), once);
        }
    }
}
