//! The table, as it is printed and as `docs/sdks.md` has it.

use std::fmt::Write;

use super::{Cell, Feature, Row};

/// A column's head.
fn head(feature: Feature) -> &'static str {
    match feature {
        Feature::Handled => "handled",
        Feature::Unhandled => "unhandled",
        Feature::Chained => "chained",
        Feature::Group => "group",
        Feature::User => "user",
        Feature::Tags => "tags",
        Feature::Breadcrumbs => "crumbs",
        Feature::Attachment => "file",
        Feature::Feedback => "feedback",
        Feature::Session => "sessions",
        Feature::Oversize => "oversize",
        Feature::Flood => "flood",
        Feature::Checkin => "check-in",
        Feature::Quiet => "quiet",
    }
}

fn sign(cell: Option<&Cell>) -> &'static str {
    match cell {
        Some(Cell::Met) => "✓",
        Some(Cell::NotMet(_)) => "✗",
        Some(Cell::Cannot(_)) | None => "–",
    }
}

/// One row as soon as it is known, with what is not met.
pub fn print_row(row: &Row) {
    let signs: Vec<String> = Feature::ALL.iter().map(|f| format!("{} {}", sign(row.cells.get(f)), head(*f))).collect();
    let mut text = format!("{} ({}): {}\n", row.name, row.sdk, signs.join("  "));
    for (feature, why) in unmet(row) {
        text += &format!("    not met: {}: {why}\n", head(feature));
    }
    print!("{text}");
}

/// The cells that are not met, and why.
pub fn unmet(row: &Row) -> impl Iterator<Item = (Feature, &str)> {
    row.cells.iter().filter_map(|(feature, cell)| match cell {
        Cell::NotMet(why) => Some((*feature, why.as_str())),
        _ => None,
    })
}

/// The table in Markdown, with the reasons below it.
pub fn markdown(rows: &[Row]) -> String {
    let heads: Vec<&str> = Feature::ALL.iter().map(|feature| head(*feature)).collect();
    let mut out = format!("| program | SDK | {} |\n|---|---|{}\n", heads.join(" | "), ":-:|".repeat(heads.len()));
    for row in rows {
        let signs: Vec<&str> = Feature::ALL.iter().map(|feature| sign(row.cells.get(feature))).collect();
        let _ = writeln!(out, "| {} | {} | {} |", row.name, row.sdk, signs.join(" | "));
    }
    out + "\n" + &reasons(rows)
}

/// Why a cell is "–", one line per feature and reason.
fn reasons(rows: &[Row]) -> String {
    let mut lines: Vec<(Feature, &str, Vec<&str>)> = Vec::new();
    for feature in Feature::ALL {
        for row in rows {
            let Some(Cell::Cannot(why)) = row.cells.get(&feature) else { continue };
            match lines.iter_mut().find(|(of, reason, _)| *of == feature && reason == why) {
                Some((_, _, names)) => names.push(&row.name),
                None => lines.push((feature, why, vec![&row.name])),
            }
        }
    }
    let mut out = String::new();
    for (feature, why, names) in lines {
        let _ = writeln!(out, "* **{}**, {}: {why}.", head(feature), names.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_met_not_met_or_has_its_reason_below() {
        let cells = [
            (Feature::Handled, Cell::Met),
            (Feature::Unhandled, Cell::NotMet("lost".into())),
            (Feature::Group, Cell::Cannot("the language has none".into())),
        ];
        let rows = [Row { name: "C".into(), sdk: "c 1".into(), cells: cells.into_iter().collect() }];
        let table = markdown(&rows);
        assert!(table.contains("| C | c 1 | ✓ | ✗ | – | – |"), "{table}");
        assert!(table.contains("* **group**, C: the language has none."), "{table}");
        assert_eq!(unmet(&rows[0]).collect::<Vec<_>>(), [(Feature::Unhandled, "lost")]);
    }
}
