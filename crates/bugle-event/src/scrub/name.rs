//! Which names name a secret: keys of objects, headers, variables, parameters.
//!
//! Names are *folded* first (lower case, letters and digits only), so that `API_KEY`, `apiKey` and `x-api-key` are
//! one. The words are those of the protocol reference (§14.1), and a few more that no application names anything
//! harmless by. Like Sentry we look for most of them anywhere in a name, but more exactly for two:
//! * `auth` is not `author`: a book shop's authors and git's are data, and losing them makes events unreadable.
//! * `token` is not a number of tokens: `max_tokens` and `token_count` are what one debugs in these years.

/// `name` in lower case without anything but letters and digits.
pub(super) fn fold(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether what stands under `name` is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    // The working directory of a shell.
    if matches!(name, "PWD" | "OLDPWD" | "INIT_CWD") {
        return false;
    }
    let mut buffer = [0u8; 64];
    let mut length = 0;
    for byte in name.bytes().filter(u8::is_ascii_alphanumeric) {
        if length == buffer.len() {
            return is_secret_folded(fold(name).as_bytes());
        }
        buffer[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    is_secret_folded(&buffer[..length])
}

/// Whether `name` is that of a cookie which stands for a session or protects a form.
pub(super) fn is_session_cookie(name: &str) -> bool {
    // Big cookies are cut into `session__0`, `session__1`.
    let name =
        name.rsplit_once("__").filter(|(name, part)| !name.is_empty() && is_number(part)).map_or(name, |cut| cut.0);
    let folded = fold(name);
    is_secret(name)
        || folded.contains("sess")
        || folded.ends_with("sid")
        || matches!(folded.as_str(), "sudo" | "su" | "symfony" | "verceljwt" | "remember" | "rememberme")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_secret_folded(name: &[u8]) -> bool {
    const EXACT: [&[u8]; 16] = [
        b"otp",
        b"totp",
        b"twofactor",
        b"pass",
        b"ssn",
        b"cvv",
        b"cvv2",
        b"cvc",
        b"sid",
        b"sessionid",
        b"sessionkey",
        b"phpsessid",
        b"jsessionid",
        b"connectsid",
        b"cookies",
        b"sshkey",
    ];
    if EXACT.contains(&name) || name.ends_with(b"cookie") {
        return true;
    }
    (0..name.len()).any(|at| begins_with_secret(&name[..at], &name[at..]))
}

/// Whether a word that names a secret stands at the start of `rest`; `before` is what comes before it.
fn begins_with_secret(before: &[u8], rest: &[u8]) -> bool {
    let any = |words: &[&[u8]]| words.iter().any(|word| rest.starts_with(word));
    match rest[0] {
        b'a' if rest.starts_with(b"auth") => is_auth(&rest[4..]),
        b'a' => any(&[b"apikey", b"accesskey"]),
        b'b' => any(&[b"bearer"]),
        b'c' => any(&[b"credential", b"csrf"]),
        b'e' => any(&[b"encryptionkey"]),
        b'j' => any(&[b"jwt"]),
        b'p' => any(&[b"password", b"passwort", b"passwd", b"passphrase", b"passcode", b"privatekey", b"pwd"]),
        b's' => any(&[b"setcookie", b"signingkey"]) || rest.starts_with(b"secret") && !rest.starts_with(b"secretar"),
        b't' if rest.starts_with(b"token") => is_token(before, &rest[5..]),
        b'x' => any(&[b"xsrf"]),
        _ => false,
    }
}

/// `auth`, `oauth2`, `authorization`, `authenticated`; not `author`, `authors`, `authority`.
fn is_auth(behind: &[u8]) -> bool {
    !behind.starts_with(b"or") || behind.starts_with(b"oriz") || behind.starts_with(b"oris")
}

/// Not how many tokens, of what type, or what makes them.
fn is_token(before: &[u8], behind: &[u8]) -> bool {
    const AMOUNTS: [&[u8]; 12] = [
        b"max",
        b"min",
        b"total",
        b"prompt",
        b"completion",
        b"input",
        b"output",
        b"num",
        b"used",
        b"cached",
        b"reasoning",
        b"usage",
    ];
    const MEASURES: [&[u8]; 12] =
        [b"count", b"limit", b"usage", b"used", b"type", b"budget", b"length", b"size", b"per", b"iz", b"is", b"left"];
    let behind_plural = behind.strip_prefix(b"s");
    let is_amount = behind_plural.is_some() && AMOUNTS.iter().any(|word| before.ends_with(word));
    let measured = behind_plural.unwrap_or(behind);
    !is_amount && !MEASURES.iter().any(|word| measured.starts_with(word) || behind.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in [
            "password",
            "Password",
            "user_password_hash",
            "DB_PASSWD",
            "pwd",
            "mysql_pwd",
            "MYSQL_PWD",
            "secret",
            "client-secret",
            "api_key",
            "api-key",
            "apiKey",
            "X-Api-Key",
            "auth",
            "Authorization",
            "HTTP_AUTHORIZATION",
            "oauth",
            "authToken",
            "authenticated_as",
            "credentials",
            "private_key",
            "privateKey",
            "token",
            "refresh_token",
            "tokens",
            "csrf",
            "X-CSRFToken",
            "set-cookie",
            "HTTP_COOKIE",
            "cookies",
            "otp",
            "two_factor",
            "two-factor",
            "AWS_ACCESS_KEY_ID",
            "jwt",
            "sessionid",
            "a.b.password",
            "token_id",
            "authorised",
            &"x".repeat(90),
            "spring.datasource.password",
        ] {
            let name = if name.starts_with("xxx") { format!("{name}_password") } else { name.to_string() };
            assert!(is_secret(&name), "{name}");
        }
    }

    #[test]
    fn names_of_other_things_are_left_alone() {
        for name in [
            "author",
            "authors",
            "author_id",
            "co-author",
            "authority",
            "token_count",
            "max_tokens",
            "totalTokens",
            "tokens_used",
            "tokenizer",
            "token_type",
            "token_limit",
            "PWD",
            "OLDPWD",
            "secretary",
            "cookie_consent",
            "passenger",
            "compass",
            "pass_rate",
            "hotpot",
            "two_factors",
            "key",
            "primary_key",
            "public_key",
            "sku",
            "description",
            "",
            "è",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn session_cookies_are_known() {
        for name in [
            "sessionid",
            "PHPSESSID",
            "JSESSIONID",
            "connect.sid",
            "_shop_session",
            "__session",
            "session__0",
            "sentrysid",
            "sudo",
            "su",
            "_vercel_jwt",
            "csrftoken",
            "_xsrf",
            "XSRF-TOKEN",
            "ASP.NET_SessionId",
        ] {
            assert!(is_session_cookie(name), "{name}");
        }
        for name in ["theme", "lang", "_ga", "consent", "__0"] {
            assert!(!is_session_cookie(name), "{name}");
        }
    }
}
