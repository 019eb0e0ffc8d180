-- Who may come in, and where: organizations, people, sessions, tokens, invites, projects, keys.
-- Secrets are stored as SHA-256 (sessions, tokens, invites), argon2 (passwords) or sealed (targets' addresses).

CREATE TABLE organizations (id {id}, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created_ms BIGINT NOT NULL);

CREATE TABLE users (
    id {id},
    email TEXT NOT NULL UNIQUE,               -- lower case
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,              -- argon2id, PHC string
    created_ms BIGINT NOT NULL
);

CREATE TABLE members (
    organization BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT NOT NULL,                       -- owner, member
    PRIMARY KEY (organization, user_id)
) {clustered};

CREATE TABLE sessions (
    hash {blob} NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
) {clustered};
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE tokens (
    id {id},
    hash {blob} NOT NULL UNIQUE,
    organization BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hint TEXT NOT NULL,                       -- the last four characters
    scopes TEXT NOT NULL,                     -- separated by blanks
    created_ms BIGINT NOT NULL,
    used_ms BIGINT
);

CREATE TABLE invites (
    id {id},
    hash {blob} NOT NULL UNIQUE,
    organization BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    invited_by BIGINT REFERENCES users (id) ON DELETE SET NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);

CREATE TABLE projects (
    id {id},
    organization BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    platform TEXT NOT NULL,                   -- as the setup page names it; '' when not chosen
    created_ms BIGINT NOT NULL,
    first_event_ms BIGINT,
    last_number BIGINT NOT NULL DEFAULT 0,    -- of the newest short id
    UNIQUE (organization, slug)
);

CREATE TABLE keys (
    id {id},
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    public TEXT NOT NULL UNIQUE,              -- 32 lowercase hex digits; stands in every client, so it is no secret
    label TEXT NOT NULL,
    is_active BOOLEAN NOT NULL,
    rate_window_s BIGINT,                     -- both or none
    rate_count BIGINT,
    created_ms BIGINT NOT NULL
);
CREATE INDEX keys_by_project ON keys (project);

-- Single numbers: `filed_position` (how far the journal has been filed), `revision` (rises with every change of
-- accounts, projects, keys or targets; a running server reads its snapshot again when it has risen), and the last id
-- taken of things whose ids are never used twice: a record in the journal or a notice must not find a namesake.
CREATE TABLE state (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO state (name, value) VALUES ('filed_position', 0), ('revision', 0), ('project_id', 0), ('key_id', 0);
