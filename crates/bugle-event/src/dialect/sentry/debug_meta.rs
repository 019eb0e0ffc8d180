//! Debug images: the files of machine code, or of what was made from source, that were loaded when it happened.
//!
//! Ids are what symbols and source maps are found by, so they are brought to one spelling here: a debug id is
//! `8-4-4-4-12` lowercase hex digits and, for files of Windows, `-` and its age in hex. An id that is none stays as it is:
//! nothing will be found by it, but a person can see why. Kinds that nobody knows stay too.

use crate::dialect::lenient;
use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::Problem;

/// The most images an event keeps. A large app on a phone loads about a thousand.
const IMAGES_MAX: usize = 2_000;

/// Reads the images and the system they were loaded by.
pub(super) fn read(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    lenient::object(value, at, problems, |meta, at, problems| {
        meta.retain(|key, value| {
            let at = &at.key(key);
            match key {
                "images" => images(value, at, problems),
                "sdk_info" => lenient::bag(value, at, problems),
                _ => true,
            }
        });
        !meta.is_empty()
    })
}

fn images(value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    let kept =
        lenient::list(value, at, problems, |element, at, problems| lenient::object(element, at, problems, image));
    if let Json::Array(images) = value
        && images.len() > IMAGES_MAX
    {
        let detail = format!("Only the first {IMAGES_MAX} of {} images were kept.", images.len());
        images.truncate(IMAGES_MAX);
        Problem::note(problems, "value_too_long", at, detail);
    }
    kept
}

fn image(image: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) -> bool {
    if image.text("type") == Some("apple") {
        image.set("type", "macho");
    }
    let is_proguard = image.text("type") == Some("proguard");
    for (alias, name) in [("name", "code_file"), ("id", "debug_id"), ("uuid", "debug_id")] {
        let is_own = is_proguard && alias == "uuid";
        if !is_own
            && image.has(alias)
            && !image.has(name)
            && let Some(value) = image.remove(alias)
        {
            image.set(name, value);
        }
    }
    image.retain(|key, value| {
        let at = &at.key(key);
        match key {
            "type" | "code_file" | "debug_file" | "debug_checksum" | "arch" => lenient::text(value, at, problems),
            "debug_id" | "uuid" => lenient::text(value, at, problems) && spell_debug_id(value),
            "code_id" => lenient::text(value, at, problems) && spell_code_id(value),
            "image_addr" | "image_vmaddr" => lenient::address(value, at, problems),
            "image_size" => lenient::whole(value, at, problems),
            _ => !value.is_null(),
        }
    });
    !image.is_empty()
}

/// Spells a debug id as all others are. Always true: what is none stays.
fn spell_debug_id(value: &mut Json<'_>) -> bool {
    let Some(text) = value.text() else { return true };
    if let Some(id) = debug_id(text)
        && id != text
    {
        *value = Json::from(id);
    }
    true
}

/// `7B3A…F6` and `7b3a…-…f6-1` as `7b3a6f0c-1b2c-4d5e-8f90-a1b2c3d4e5f6` and `…-1`. None for what is no debug id.
pub fn debug_id(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('{').trim_end_matches('}');
    if text.len() > 64 || !text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return None;
    }
    // The age stands behind the 32nd digit, with a dash before it or without.
    let digits: String = text.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    let (id, age) = (digits.get(..32)?, &digits[32..]);
    let age = if age.is_empty() { 0 } else { u32::from_str_radix(age, 16).ok()? };
    let id = format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]);
    Some(if age == 0 { id } else { format!("{id}-{age:x}") })
}

/// Code ids are lowercase hex digits without dashes.
fn spell_code_id(value: &mut Json<'_>) -> bool {
    if let Some(text) = value.text()
        && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        && text.bytes().any(|b| b.is_ascii_uppercase() || b == b'-')
    {
        *value = Json::from(text.replace('-', "").to_ascii_lowercase());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> String {
        let mut problems = Vec::new();
        let mut value = crate::json::read(json, &mut problems);
        let kept = read(&mut value, &Path::root("debug_meta"), &mut problems);
        (if kept { value.to_string() } else { "-".into() }) + &"!".repeat(problems.len())
    }

    #[test]
    fn images_of_every_kind_are_brought_to_one_form() {
        const ID: &str = "7b3a6f0c-1b2c-4d5e-8f90-a1b2c3d4e5f6";
        for (image, expected) in [
            (
                r#"{"type":"apple","name":"/usr/lib/x.dylib","uuid":"7B3A6F0C1B2C4D5E8F90A1B2C3D4E5F6","image_addr":4096,"image_size":"8192"}"#,
                format!(
                    r#"{{"type":"macho","image_addr":"0x1000","image_size":8192,"code_file":"/usr/lib/x.dylib","debug_id":"{ID}"}}"#
                ),
            ),
            (
                r#"{"type":"pe","code_id":"5AB380779000","debug_id":"7B3A6F0C1B2C4D5E8F90A1B2C3D4E5F6a","debug_file":"x.pdb"}"#,
                format!(r#"{{"type":"pe","code_id":"5ab380779000","debug_id":"{ID}-a","debug_file":"x.pdb"}}"#),
            ),
            (
                r#"{"type":"proguard","uuid":"7B3A6F0C-1B2C-4D5E-8F90-A1B2C3D4E5F6"}"#,
                format!(r#"{{"type":"proguard","uuid":"{ID}"}}"#),
            ),
            (
                r#"{"type":"sourcemap","code_file":"https://x.example/a.js","debug_id":"7b3a6f0c-1b2c-4d5e-8f90-a1b2c3d4e5f6"}"#,
                format!(r#"{{"type":"sourcemap","code_file":"https://x.example/a.js","debug_id":"{ID}"}}"#),
            ),
            (
                r#"{"type":"jvm","debug_id":"none of ours","own":[1]}"#,
                r#"{"type":"jvm","debug_id":"none of ours","own":[1]}"#.to_string(),
            ),
            (r#"{"type":"later","x":null,"y":1}"#, r#"{"type":"later","y":1}"#.to_string()),
        ] {
            assert_eq!(
                of(&format!(r#"{{"images":[{image},null]}}"#)),
                format!(r#"{{"images":[{expected}]}}"#),
                "{image}"
            );
        }
    }

    #[test]
    fn what_is_no_image_goes_and_too_many_do() {
        assert_eq!(of(r#"{"images":[3]}"#), "-!");
        let many = vec![r#"{"type":"elf"}"#; IMAGES_MAX + 1].join(",");
        let kept = of(&format!(r#"{{"images":[{many}]}}"#));
        assert_eq!((kept.matches("elf").count(), kept.ends_with('!')), (IMAGES_MAX, true));
    }

    #[test]
    fn an_age_of_zero_is_none() {
        assert_eq!(
            debug_id("7B3A6F0C1B2C4D5E8F90A1B2C3D4E5F60").as_deref(),
            Some("7b3a6f0c-1b2c-4d5e-8f90-a1b2c3d4e5f6")
        );
        assert_eq!(debug_id("7b3a"), None);
    }
}
