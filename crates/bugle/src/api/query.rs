//! The small search language of lists that know a few keys: `release:shop@1.2 !environment:staging release:[a, b]`.

use super::reply::Refusal;

/// Terms of one query.
const TERMS_MAX: usize = 50;

/// Every term: key, values, whether it must not hold. Text without a key has the key `""`.
pub fn terms(query: &str) -> Result<Vec<(String, Vec<String>, bool)>, Refusal> {
    let mut terms = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        if terms.len() == TERMS_MAX {
            return Err(Refusal::Invalid(format!("The query has more than {TERMS_MAX} terms.")));
        }
        let (is_not, body) = rest.strip_prefix('!').map_or((false, rest), |body| (true, body));
        let end = body.find(|c: char| c == ':' || c == '"' || c.is_whitespace()).unwrap_or(body.len());
        let (key, values) = match body[end..].strip_prefix(':') {
            Some(values) => (&body[..end], values),
            None => ("", body),
        };
        let (values, behind) = match values.strip_prefix('[') {
            Some(list) => {
                let end = list.find(']').ok_or_else(|| Refusal::Invalid("A [ in the query has no ].".into()))?;
                let each = list[..end].split(',').map(|one| one.trim().trim_matches('"').to_string()).collect();
                (each, &list[end + 1..])
            }
            None => {
                let (value, behind) = value(values)?;
                (vec![value], behind)
            }
        };
        if !key.is_empty() || values.iter().any(|value| !value.is_empty()) {
            terms.push((key.to_string(), values, is_not));
        }
        rest = behind.trim_start();
    }
    Ok(terms)
}

/// One value, in quotes or up to the next blank, and what follows.
fn value(text: &str) -> Result<(String, &str), Refusal> {
    match text.strip_prefix('"') {
        Some(quoted) => {
            let end = quoted.find('"').ok_or_else(|| Refusal::Invalid("A quote in the query is not closed.".into()))?;
            Ok((quoted[..end].to_string(), &quoted[end + 1..]))
        }
        None => {
            let end = text.find(char::is_whitespace).unwrap_or(text.len());
            Ok((text[..end].to_string(), &text[end..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn terms_are_read() {
        let term = |key: &str, values: &[&str], is_not| {
            (key.to_string(), values.iter().map(|value| value.to_string()).collect::<Vec<_>>(), is_not)
        };
        let query = r#" release:shop@1.2+3 !environment:"a b" x:[1, "2 3"] word "two words" y: "#;
        let expected = [
            term("release", &["shop@1.2+3"], false),
            term("environment", &["a b"], true),
            term("x", &["1", "2 3"], false),
            term("", &["word"], false),
            term("", &["two words"], false),
            term("y", &[""], false),
        ];
        assert_eq!(terms(query).expect("reads"), expected);
        for bad in ["a:[1", "a:\"1", &"x ".repeat(60)] {
            assert!(terms(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_answered(query in "\\PC{0,40}|[a:!\"\\[\\], ]{0,40}") {
            let _ = terms(&query);
        }
    }
}
