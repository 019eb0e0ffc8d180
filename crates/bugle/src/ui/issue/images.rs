//! Debug images: what was loaded when it happened, as symbols and source maps are looked for by it.

use super::room::Room;
use super::value;
use crate::ui::number::counted;
use bugle_event::Event;
use bugle_event::json::{Json, Object};
use maud::{Markup, html};

/// Images that are shown. Those of frames come first.
const IMAGES_MAX: usize = 40;

/// The section, folded.
pub fn section(event: &Event<'_>, room: &mut Room) -> Markup {
    let Some(meta) = event.json.object("debug_meta") else { return html! {} };
    let images: Vec<&Object<'_>> = meta.array("images").iter().filter_map(Json::object).collect();
    if images.is_empty() || !room.take(10) {
        return html! {};
    }
    let shown: Vec<&&Object<'_>> = images.iter().take(IMAGES_MAX).take_while(|_| room.take(7)).collect();
    html! {
        section.part #images {
            header { h2 { "Debug images" } small { (images.len()) } }
            div {
                details {
                    summary.dim { (counted(images.len() as i64, "image was loaded", "images were loaded")) }
                    div.wide {
                        table.books {
                            thead { tr { th { "Kind" } th { "File" } th { "Debug id" } th { "At" } th { "Size" } } }
                            tbody {
                                @for image in &shown {
                                    tr {
                                        td { (value::cut(image.text("type").unwrap_or("–"), 20).0) }
                                        td { code title=[image.text("code_file")] { (file(image)) } @if let Some(arch) = image.text("arch") { " " (value::cut(arch, 20).0) } }
                                        td { code { (value::cut(debug_id(image).unwrap_or("–"), 80).0) } }
                                        td { code { (value::cut(image.text("image_addr").unwrap_or("–"), 20).0) } }
                                        td { (image.get("image_size").and_then(Json::int).map_or("–".into(), super::known::binary)) }
                                    }
                                }
                            }
                        }
                    }
                    @if images.len() > shown.len() { p.because { (images.len() - shown.len()) " more are in the JSON." } }
                }
            }
        }
    }
}

/// The last part of the path, which tells it from the others.
fn file<'i>(image: &'i Object<'_>) -> &'i str {
    let path = image.text("code_file").or_else(|| image.text("debug_file")).unwrap_or("–");
    value::cut(path.rsplit(['/', '\\']).next().unwrap_or(path), 60).0
}

fn debug_id<'i>(image: &'i Object<'_>) -> Option<&'i str> {
    image.text("debug_id").or_else(|| image.text("uuid")).or_else(|| image.text("code_id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_a_folded_table() {
        let text = r#"{"debug_meta":{"images":[{"type":"elf","code_file":"/usr/lib/libc.so.6","debug_id":"7b3a6f0c-1b2c-4d5e-8f90-a1b2c3d4e5f6",
            "image_addr":"0x1000","image_size":2097152},{"type":"<b>"}]}}"#;
        let page = section(&Event::stored(text), &mut Room::default()).into_string();
        for part in
            ["2 images were loaded", ">libc.so.6<", "7b3a6f0c-1b2c-4d5e-8f90-a1b2c3d4e5f6", "2.0 MiB", "&lt;b&gt;"]
        {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("open"), "{page}");
    }
}
