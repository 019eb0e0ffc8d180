//! Values on their way in ([`Param`]) and out ([`Value`], [`Row`]).

use crate::{DbError, Result};
use std::borrow::Cow;

/// A parameter of a statement, borrowed.
#[derive(Debug, Clone, Copy)]
pub enum Param<'p> {
    /// NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// DOUBLE PRECISION.
    Real(f64),
    /// BOOLEAN.
    Bool(bool),
    /// TEXT.
    Text(&'p str),
    /// `{blob}`.
    Blob(&'p [u8]),
}

/// Text as every engine takes it.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// BIGINT and, on SQLite, BOOLEAN.
    Int(i64),
    /// DOUBLE PRECISION.
    Real(f64),
    /// BOOLEAN, where the engine has it.
    Bool(bool),
    /// TEXT.
    Text(String),
    /// `{blob}`.
    Blob(Vec<u8>),
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub(crate) Vec<Value>);

impl Row {
    /// The value of column `at`, counted from 0.
    pub fn get<T: FromValue>(&self, at: usize) -> Result<T> {
        let value = self.0.get(at).ok_or_else(|| DbError::Failed(format!("the row has no column {at}")))?;
        T::from_value(value).ok_or_else(|| DbError::Failed(format!("column {at} is {value:?}")))
    }
}

/// What can be taken out of a row.
pub trait FromValue: Sized {
    /// The value, if it is of this type.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Real(real) => Some(*real),
            Value::Int(int) => Some(*int as f64),
            _ => None,
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(bool) => Some(*bool),
            Value::Int(int) => Some(*int != 0),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => bytes.as_slice().try_into().ok(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Param::Int(value)
    }
}

impl From<f64> for Param<'_> {
    fn from(value: f64) -> Self {
        Param::Real(value)
    }
}

impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Param::Bool(value)
    }
}

impl<'p> From<&'p str> for Param<'p> {
    fn from(value: &'p str) -> Self {
        Param::Text(value)
    }
}

impl<'p> From<&'p String> for Param<'p> {
    fn from(value: &'p String) -> Self {
        Param::Text(value)
    }
}

impl<'p> From<&'p [u8]> for Param<'p> {
    fn from(value: &'p [u8]) -> Self {
        Param::Blob(value)
    }
}

impl<'p> From<&'p Vec<u8>> for Param<'p> {
    fn from(value: &'p Vec<u8>) -> Self {
        Param::Blob(value)
    }
}

impl<'p, const N: usize> From<&'p [u8; N]> for Param<'p> {
    fn from(value: &'p [u8; N]) -> Self {
        Param::Blob(value)
    }
}

impl<'p, T: Into<Param<'p>>> From<Option<T>> for Param<'p> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Param::Null, Into::into)
    }
}
