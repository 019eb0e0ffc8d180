//! A file that somebody sent, as an answer: harmless to whoever opens it.
//!
//! A browser is never told a type that it could run. It saves the file, unless it is an image by its first bytes and was
//! asked for as one; neither may load, run or frame anything.

use super::Attachment;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};

/// Nothing at all, in an origin of its own.
const POLICY: &str = "default-src 'none'; sandbox";

/// The type of an image that every browser shows and none runs, by its first bytes. SVG is not among them: it has scripts.
pub fn image(file: &[u8]) -> Option<&'static str> {
    match file {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// The headers of an answer that is this file: to be saved, or to be shown when `is_inline` and it is an image.
pub fn headers(attachment: &Attachment, file: &[u8], is_inline: bool) -> Vec<(HeaderName, HeaderValue)> {
    let shown = image(file).filter(|_| is_inline);
    let mut disposition = String::from(if shown.is_some() { "inline" } else { "attachment" });
    let plain: String = attachment.name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    disposition.push_str(&format!("; filename=\"{plain}\""));
    if plain != attachment.name {
        disposition.push_str(&format!("; filename*=UTF-8''{}", crate::ui::address::encode(&attachment.name)));
    }
    let disposition = HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment"));
    vec![
        (CONTENT_TYPE, HeaderValue::from_static(shown.unwrap_or("application/octet-stream"))),
        (CONTENT_DISPOSITION, disposition),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ]
}

/// What may stand in a quoted file name. No separators: the name is no path.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " ._-()+".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_event::EventId;

    #[test]
    fn a_name_is_no_path_and_no_header() {
        let attachment = Attachment {
            id: 1,
            project: 1,
            event_id: EventId([1; 16]),
            name: "../../etc/\"pass\r\nwd\" ü.html".into(),
            content_type: "text/html".into(),
            kind: "event.attachment".into(),
            received_ms: 0,
            bytes: 0,
            sha1: [0; 20],
        };
        let headers = headers(&attachment, b"<script>", true);
        let value = |name: HeaderName| {
            headers.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.to_str().expect("text"))
        };
        assert_eq!(value(CONTENT_TYPE), "application/octet-stream", "no image, so it is not shown");
        let disposition = value(CONTENT_DISPOSITION);
        assert!(disposition.starts_with("attachment; filename=\".._.._etc__pass__wd_ _.html\"; filename*=UTF-8''"));
        assert!(!disposition.contains(['/', '\r', '\n']), "{disposition}");
    }
}
