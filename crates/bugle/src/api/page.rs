//! Pages of lists, by `Link` headers (protocol reference, section 18.1).
//!
//! A cursor reads `value:offset:is_prev`; clients take it as it is. Ours count lines: `0:100:0` begins after the
//! first hundred. Both links are always there, and say with `results` whether following them is worth it.

use super::ask::Ask;
use super::reply::{Refusal, Reply};

/// Further than anybody pages; bounds what an offset may cost.
const OFFSET_MAX: i64 = 1_000_000;

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The first line, from 0.
    pub offset: i64,
    /// The most lines.
    pub limit: i64,
}

impl Cursor {
    /// Reads the cursor (empty is the first page) and the wished number of lines, which is brought within
    /// 1 and `limit_max`: some clients ask for 10,000.
    ///
    /// # Errors
    /// 400 for what is no cursor; clients take that for the end of the list.
    pub fn read(cursor: Option<&str>, limit: Option<&str>, limit_max: i64) -> Result<Cursor, Refusal> {
        let limit = match limit.map(str::trim).filter(|text| !text.is_empty()) {
            None => limit_max,
            Some(text) => text
                .parse::<i64>()
                .map_err(|_| Refusal::Invalid(format!("The number of lines must be a number, not {text:?}.")))?
                .clamp(1, limit_max),
        };
        let cursor = cursor.map(str::trim).unwrap_or_default();
        if cursor.is_empty() {
            return Ok(Cursor { offset: 0, limit });
        }
        let offset = offset(cursor).ok_or_else(|| Refusal::Invalid("Invalid cursor parameter.".into()))?;
        Ok(Cursor { offset, limit })
    }

    /// Adds the `Link` header. `has_more`: whether there are lines behind this page.
    pub fn link(&self, reply: Reply, ask: &Ask, has_more: bool) -> Reply {
        let address = ask.address_for_cursor();
        let link = |offset: i64, is_prev: u8, rel: &str, results: bool| {
            let cursor = format!("0:{offset}:{is_prev}");
            format!("<{address}cursor={cursor}>; rel=\"{rel}\"; results=\"{results}\"; cursor=\"{cursor}\"")
        };
        let before = link((self.offset - self.limit).max(0), 1, "previous", self.offset > 0);
        let after = link(self.offset + self.limit, 0, "next", has_more);
        reply.with("link", &format!("{before}, {after}"))
    }

    /// One page of lines that are all at hand, and whether there are more.
    pub fn cut<T>(&self, lines: Vec<T>) -> (Vec<T>, bool) {
        let has_more = lines.len() as i64 > self.offset + self.limit;
        (lines.into_iter().skip(self.offset as usize).take(self.limit as usize).collect(), has_more)
    }
}

fn offset(cursor: &str) -> Option<i64> {
    let mut parts = cursor.split(':');
    let (value, offset, is_prev) = (parts.next()?, parts.next()?, parts.next()?);
    value.parse::<i64>().ok()?;
    let offset = offset.parse::<i64>().ok().filter(|offset| (0..=OFFSET_MAX).contains(offset))?;
    (matches!(is_prev, "0" | "1") && parts.next().is_none()).then_some(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_and_limits_are_brought_into_bounds() {
        let read = |cursor, limit| Cursor::read(cursor, limit, 100).ok();
        assert_eq!(read(None, None), Some(Cursor { offset: 0, limit: 100 }));
        assert_eq!(read(Some(""), Some("10000")), Some(Cursor { offset: 0, limit: 100 }));
        assert_eq!(read(Some("0:100:0"), Some("25")), Some(Cursor { offset: 100, limit: 25 }));
        assert_eq!(read(Some("0:0:1"), Some("0")), Some(Cursor { offset: 0, limit: 1 }));
        for bad in ["x", "0", "0:1", "0:-1:0", "0:1:2", "0:1:0:0", "a:1:0", "0:99999999:0"] {
            assert_eq!(read(Some(bad), None), None, "{bad}");
        }
        assert_eq!(read(None, Some("ten")), None);
    }

    #[test]
    fn a_page_is_cut_from_what_is_at_hand() {
        let cursor = Cursor { offset: 2, limit: 2 };
        assert_eq!(cursor.cut(vec![1, 2, 3, 4]), (vec![3, 4], false));
        assert_eq!(cursor.cut(vec![1, 2, 3, 4, 5]), (vec![3, 4], true));
        assert_eq!(cursor.cut(vec![1]), (vec![], false));
    }
}
