//! Icons: drawn in `assets/icons.svg`, put into each page as far as it uses them.
//!
//! A page carries its symbols inline, because `<use>` of another file costs a request and a flash. An icon always
//! stands beside a word or under a label, so it is hidden from readers; a staff *is* the word, so it has one.

use maud::{Markup, PreEscaped, html};
use std::sync::LazyLock;

const FILE: &str = include_str!("../../../../assets/icons.svg");

/// Name and text of each symbol.
static SYMBOLS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    FILE.lines()
        .map(str::trim)
        .filter_map(|line| Some((line.strip_prefix("<symbol id=\"")?.split_once('"')?.0, line)))
        .collect()
});

/// The icon called `name` in the file.
pub fn icon(name: &str) -> Markup {
    html! { svg.ico aria-hidden="true" { use href={ "#" (name) } {} } }
}

/// A level as a small staff of five lines, inked from the bottom. What is no level looks like an error.
pub fn staff(level: &str) -> Markup {
    let shape = match level {
        "fatal" | "warning" | "info" | "debug" => level,
        _ => "error",
    };
    html! { svg.staff.(shape) role="img" aria-label=(level) { use href={ "#" (shape) } {} } }
}

/// The symbols that `page` uses.
pub fn symbols(page: &str) -> Markup {
    let mut text = String::new();
    for (name, symbol) in SYMBOLS.iter() {
        if page.contains(&format!("href=\"#{name}\"")) {
            text.push_str(symbol);
        }
    }
    html! { svg hidden { (PreEscaped(text)) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_carries_the_symbols_it_uses() {
        let page = html! { (icon("check")) (staff("fatal")) (staff("<odd>")) }.into_string();
        let symbols = symbols(&page).into_string();
        for name in ["check", "fatal", "error"] {
            assert!(symbols.contains(&format!("id=\"{name}\"")), "{name}");
        }
        assert_eq!(symbols.matches("<symbol").count(), 3);
    }
}
