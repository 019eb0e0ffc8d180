//! People: the account of whoever asks, an assignee, an actor.

use super::date;
use crate::access::Person;
use crate::access::user::Member;
use serde_json::{Value, json};

/// The whole account.
pub fn account(person: &Person, created_ms: i64) -> Value {
    json!({
        "id": person.user.to_string(),
        "name": person.name,
        "username": person.email,
        "email": person.email,
        "emails": [{ "id": person.user.to_string(), "email": person.email, "is_verified": true }],
        "isActive": true,
        "isManaged": false,
        "hasPasswordAuth": true,
        "has2fa": false,
        "isSuperuser": false,
        "isStaff": false,
        "dateJoined": date(created_ms),
        "avatar": { "avatarType": "letter_avatar", "avatarUuid": null },
    })
}

/// Somebody who did something or is named by something; null when they are no member any more.
pub fn actor(people: &[Member], user: Option<i64>) -> Value {
    let Some(member) = people.iter().find(|member| Some(member.user) == user) else { return Value::Null };
    json!({
        "id": member.user.to_string(), "name": member.name, "email": member.email, "username": member.email,
        "avatar": { "avatarType": "letter_avatar", "avatarUuid": null },
    })
}

/// Whom an issue is assigned to; null for nobody.
pub fn assignee(people: &[Member], user: Option<i64>) -> Value {
    let Some(member) = people.iter().find(|member| Some(member.user) == user) else { return Value::Null };
    json!({ "type": "user", "id": member.user.to_string(), "name": member.name, "email": member.email })
}
