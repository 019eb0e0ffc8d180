//! Forms: `multipart/form-data`, as crash reporters and attachments come (protocol reference, section 12).
//!
//! The body is bounded before it comes here; the number of parts is bounded here.

use bytes::Bytes;
use multer::Multipart;
use std::convert::Infallible;

/// Parts that are read.
const PARTS_MAX: usize = 500;

/// A form, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Names and values.
    pub fields: Vec<(String, String)>,
    /// Files.
    pub files: Vec<Upload>,
}

/// A file of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The name of its field.
    pub field: String,
    /// Its own name, if it has one.
    pub name: Option<String>,
    /// Its content type.
    pub content_type: Option<String>,
    /// Itself.
    pub body: Bytes,
}

/// The boundary that a content type names, if it is that of a form.
pub fn boundary(content_type: &str) -> Option<String> {
    multer::parse_boundary(content_type).ok()
}

/// Reads a form. `None`: it is not one, or has too many parts.
pub async fn read(body: Bytes, boundary: String) -> Option<Form> {
    let mut parts = Multipart::new(tokio_stream::once(Ok::<_, Infallible>(body)), boundary);
    let (mut form, mut count) = (Form::default(), 0);
    while let Some(part) = parts.next_field().await.ok()? {
        count += 1;
        if count > PARTS_MAX {
            return None;
        }
        let field = part.name().unwrap_or_default().to_string();
        let (name, content_type) = (part.file_name().map(String::from), part.content_type().map(ToString::to_string));
        let body = part.bytes().await.ok()?;
        let is_text = content_type.as_deref().is_none_or(|kind| kind.starts_with("text/"));
        match name.is_none() && is_text && !field.starts_with("__sentry-") && field != DUMP {
            true => form.fields.push((field, String::from_utf8_lossy(&body).into_owned())),
            false => form.files.push(Upload { field, name, content_type, body }),
        }
    }
    Some(form)
}

/// The field that holds a crash dump.
pub const DUMP: &str = "upload_file_minidump";

/// The form that an old Electron puts into the part of its dump: a body that begins with its own boundary.
pub async fn nested(body: &Bytes) -> Option<Form> {
    let line = body.strip_prefix(b"--")?.split(|byte| *byte == b'\r' || *byte == b'\n').next()?;
    let boundary = std::str::from_utf8(line).ok().filter(|line| !line.is_empty() && line.len() <= 200)?;
    read(body.clone(), boundary.to_string()).await
}
