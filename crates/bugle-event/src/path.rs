//! Where in an event one is: `exception.values.0.stacktrace.frames.3.lineno`.
//!
//! Readers walk thousands of places of which next to none is odd, so a path is a chain of steps on the stack that
//! costs nothing until a [`crate::Problem`] spells it.

use std::fmt;

/// A place in an event: a step, and the way to it.
#[derive(Clone, Copy)]
pub struct Path<'p> {
    up: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// The attribute `key` of the event itself.
    pub fn root(key: &'p str) -> Path<'p> {
        Path { up: None, step: Step::Key(key) }
    }

    /// The value of `key` in the object here.
    pub fn key(&'p self, key: &'p str) -> Path<'p> {
        Path { up: Some(self), step: Step::Key(key) }
    }

    /// The element at `index`, from 0, of the array here.
    pub fn index(&'p self, index: usize) -> Path<'p> {
        Path { up: Some(self), step: Step::Index(index) }
    }

    /// The key that leads here; none for an element of an array.
    pub fn last(&self) -> Option<&'p str> {
        match self.step {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        }
    }

    /// The keys and indices that lead here, whole.
    pub fn steps(&self) -> Vec<String> {
        let mut steps = self.up.map(Path::steps).unwrap_or_default();
        steps.push(match self.step {
            Step::Key(key) => key.to_string(),
            Step::Index(index) => index.to_string(),
        });
        steps
    }
}

impl Path<'_> {
    /// The keys and indices that lead here, for a mark in `_meta`. None if a key is empty, which is where marks stand
    /// themselves, or so long that a mark would only repeat the event.
    pub fn marked_steps(&self) -> Vec<String> {
        const KEY_BYTES_MAX: usize = 200;
        let is_plain = |path: &Path<'_>| match path.step {
            Step::Key(key) => (1..=KEY_BYTES_MAX).contains(&key.len()),
            Step::Index(_) => true,
        };
        let mut next = Some(self);
        while let Some(path) = next {
            if !is_plain(path) {
                return Vec::new();
            }
            next = path.up;
        }
        self.steps()
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Keys come from outside; a path need not repeat a long one.
        const KEY_CHARS_MAX: usize = 60;
        if let Some(up) = self.up {
            write!(f, "{up}.")?;
        }
        match self.step {
            Step::Key(key) => write!(f, "{key:.KEY_CHARS_MAX$}"),
            Step::Index(index) => write!(f, "{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_spelled_from_the_root() {
        let root = Path::root("exception");
        assert_eq!(root.key("values").index(2).key("type").to_string(), "exception.values.2.type");
        assert_eq!(root.key(&"k".repeat(100)).to_string().len(), 70);
        assert_eq!(root.key("a.b").index(2).steps(), ["exception", "a.b", "2"]);
    }
}
