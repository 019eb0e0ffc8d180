//! Room on the page: how much of an event is drawn before the rest is left to its JSON.
//!
//! An event may be huge, and a browser pays for every element. A page has a fixed number of them to give; each part
//! takes what it needs before it draws, the parts that matter most first, and folds what does not fit. A part that
//! may want everything, as a stack does, gets no more than its share: the others come after it.

use maud::Markup;

/// Elements that one event may take. With everything around it (the chart, bars of tags, the activity) a page stays
/// under 3,000.
const ELEMENTS_MAX: usize = 1_800;

/// What is left.
#[derive(Debug)]
pub struct Room {
    left: usize,
    is_short: bool,
}

impl Default for Room {
    fn default() -> Room {
        Room { left: ELEMENTS_MAX, is_short: false }
    }
}

impl Room {
    /// Runs `part` with at most so many elements.
    pub fn share<T>(&mut self, elements: usize, part: impl FnOnce(&mut Room) -> T) -> T {
        let mut share = Room { left: self.left.min(elements), is_short: false };
        let given = share.left;
        let result = part(&mut share);
        self.left -= given - share.left;
        self.is_short |= share.is_short;
        result
    }

    /// Takes what `markup` needs and gives it back, or says that there is no room for it.
    pub fn fit(&mut self, markup: Markup) -> Option<Markup> {
        let bytes = markup.0.as_bytes();
        let elements = bytes.windows(2).filter(|pair| pair[0] == b'<' && pair[1] != b'/').count();
        self.take(elements).then_some(markup)
    }

    /// Takes so many elements, or says that there is no room for them.
    pub fn take(&mut self, elements: usize) -> bool {
        match self.left.checked_sub(elements) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.is_short = true;
                false
            }
        }
    }

    /// Whether something was left out.
    pub fn is_short(&self) -> bool {
        self.is_short
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maud::html;

    #[test]
    fn a_share_is_what_one_part_may_take() {
        let mut room = Room::default();
        let taken = room.share(100, |share| (0..).take_while(|_| share.take(7)).count());
        assert_eq!((taken, room.left, room.is_short()), (14, ELEMENTS_MAX - 98, true));
    }

    #[test]
    fn markup_takes_one_for_each_element() {
        let mut room = Room { left: 4, is_short: false };
        assert!(room.fit(html! { p { b { "a < b" } br; } }).is_some() && !room.is_short());
        assert!(room.fit(html! { p { b { "c" } } }).is_none() && room.is_short());
        assert_eq!(room.left, 1);
    }
}
