//! Values between the portable dialect and PostgreSQL's types.
//!
//! The server says of which type a parameter is; an integer goes into whichever number that is. Text never holds NUL,
//! which PostgreSQL refuses.

use crate::value::without_nul;
use crate::{DbError, Param, Result, Row, Value};
use std::error::Error;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// A parameter as the client takes it.
#[derive(Debug)]
pub(super) struct Bound<'p>(Param<'p>);

impl<'p> Bound<'p> {
    pub(super) fn all(params: &[Param<'p>]) -> Vec<Bound<'p>> {
        params.iter().map(|&param| Bound(param)).collect()
    }
}

pub(super) fn references<'b>(bound: &'b [Bound<'_>]) -> Vec<&'b (dyn ToSql + Sync)> {
    bound.iter().map(|bound| bound as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Param::Null => Ok(IsNull::Yes),
            Param::Int(int) if *kind == Type::INT4 => i32::try_from(int)?.to_sql(kind, out),
            Param::Int(int) if *kind == Type::FLOAT8 => (int as f64).to_sql(kind, out),
            Param::Int(int) if *kind == Type::INT8 => int.to_sql(kind, out),
            Param::Real(real) if *kind == Type::FLOAT8 => real.to_sql(kind, out),
            Param::Bool(bool) if *kind == Type::BOOL => bool.to_sql(kind, out),
            Param::Text(text) if <&str>::accepts(kind) => without_nul(text).to_sql(kind, out),
            Param::Blob(bytes) if *kind == Type::BYTEA => bytes.to_sql(kind, out),
            _ => Err(format!("a parameter of type {kind} was given another value").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Column `at` of `rows` as an array.
pub(super) fn array<'p>(kind: &Type, at: usize, rows: &[&[Param<'p>]]) -> Result<Box<dyn ToSql + Sync + 'p>> {
    let wrong = || DbError::Failed(format!("column {at} of a row to insert is no {kind}"));
    macro_rules! column {
        ($($pattern:pat => $value:expr),*) => {{
            let mut values = Vec::with_capacity(rows.len());
            for row in rows {
                values.push(match row.get(at).copied().ok_or_else(wrong)? {
                    Param::Null => None,
                    $($pattern => Some($value),)*
                    _ => return Err(wrong()),
                });
            }
            Ok(Box::new(values))
        }};
    }
    match *kind {
        Type::INT8 => column!(Param::Int(int) => int),
        Type::FLOAT8 => column!(Param::Real(real) => real, Param::Int(int) => int as f64),
        Type::BOOL => column!(Param::Bool(bool) => bool),
        Type::TEXT => column!(Param::Text(text) => without_nul(text)),
        Type::BYTEA => column!(Param::Blob(bytes) => bytes),
        _ => Err(DbError::Failed(format!("column {at} is of type {kind}, which the dialect has not"))),
    }
}

/// A row of an answer.
pub(super) fn row(row: &tokio_postgres::Row) -> Result<Row> {
    let failed = |error: tokio_postgres::Error| DbError::Failed(super::error::text(&error));
    let mut values = Vec::with_capacity(row.len());
    for (at, column) in row.columns().iter().enumerate() {
        let value = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(at).map_err(failed)?.map(Value::Int),
            Type::INT4 => row.try_get::<_, Option<i32>>(at).map_err(failed)?.map(|int| Value::Int(int.into())),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(at).map_err(failed)?.map(Value::Real),
            Type::BOOL => row.try_get::<_, Option<bool>>(at).map_err(failed)?.map(Value::Bool),
            Type::TEXT | Type::VARCHAR | Type::NAME => {
                row.try_get::<_, Option<String>>(at).map_err(failed)?.map(Value::Text)
            }
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at).map_err(failed)?.map(Value::Blob),
            Type::VOID => None,
            ref kind => {
                return Err(DbError::Failed(format!("column {at} is of type {kind}: CAST it to one of the dialect")));
            }
        };
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(Row(values))
}
