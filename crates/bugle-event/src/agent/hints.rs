//! Client hints: headers in which Chromium's kin say plainly what their `User-Agent` does not say any more.

use super::{Device, Product};
use std::borrow::Cow;

/// The browser of `Sec-CH-UA-Full-Version-List` or `Sec-CH-UA`: `"Not A(Brand";v="24", "Google Chrome";v="110"`.
/// A made-up brand is among them on purpose, and `Chromium` stands for what the browser is made from.
pub fn browser(list: &str) -> Option<Product<'_>> {
    let mut made_from = None;
    for (brand, version) in brands(list) {
        let is_made_up = brand.contains("Brand") && brand.contains("Not");
        if is_made_up || brand.is_empty() {
            continue;
        }
        let name = match brand {
            "Google Chrome" => "Chrome",
            "Microsoft Edge" => "Edge",
            "Chromium" => {
                made_from = Some(Product { name: "Chromium".into(), version: version.into() });
                continue;
            }
            other => other,
        };
        return Some(Product { name: name.into(), version: version.into() });
    }
    made_from
}

fn brands(list: &str) -> impl Iterator<Item = (&str, &str)> {
    // More than these no browser sends. Quoted texts may hold commas and semicolons, so quotes lead.
    let mut quoted = list.split('"').skip(1).step_by(2).take(16);
    std::iter::from_fn(move || Some((quoted.next()?, quoted.next()?)))
}

/// The system of `Sec-CH-UA-Platform` and `Sec-CH-UA-Platform-Version`.
pub fn os<'a>(platform: &'a str, version: Option<&'a str>) -> Option<Product<'a>> {
    let (name, version) = (unquoted(platform), version.map(unquoted).unwrap_or_default());
    let (name, version): (&str, Cow<'a, str>) = match name {
        "" | "Unknown" => return None,
        "Windows" => ("Windows", windows(version).into()),
        "macOS" => ("Mac OS X", version.into()),
        "Chrome OS" | "Chromium OS" => ("Chrome OS", version.into()),
        name => (name, version.into()),
    };
    Some(Product { name: name.into(), version })
}

/// Windows counts otherwise here: 13 and above is what is sold as 11, and 0 is anything before 10.
fn windows(version: &str) -> &str {
    match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(13..) => "11",
        Some(1..) => "10",
        _ => "",
    }
}

/// The device of `Sec-CH-UA-Model`.
pub fn device(model: &str) -> Option<Device<'_>> {
    let model = unquoted(model);
    let named = || Device { family: model.into(), model: Some(model.into()), brand: super::brand(model) };
    (!model.is_empty()).then(named)
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"')
}
