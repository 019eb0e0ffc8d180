-- Files that came with events. One may come before its event, or without it: they meet by (project, event_id).
CREATE TABLE attachments (
    id {id},
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    event_id {blob} NOT NULL,
    name TEXT NOT NULL,                       -- as it was sent; never a path
    content_type TEXT NOT NULL,               -- '' for none
    kind TEXT NOT NULL,                       -- Sentry's attachment_type
    received_ms BIGINT NOT NULL,
    bytes BIGINT NOT NULL,                    -- of the file
    sha1 {blob} NOT NULL,                     -- of the file
    is_packed BOOLEAN NOT NULL,               -- whether the body is a zstd frame
    stored_bytes BIGINT NOT NULL,             -- of the body
    body {blob} NOT NULL,                     -- last, so that a list need not read past it
    UNIQUE (project, event_id, name, sha1)
);
CREATE INDEX attachments_by_time ON attachments (project, received_ms, id);

-- Rows of `attachments`, per project.
CREATE TABLE project_attachments (
    project BIGINT NOT NULL PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    attachments BIGINT NOT NULL,
    bytes BIGINT NOT NULL                     -- of their bodies, as stored
) {clustered};

INSERT INTO state (name, value) VALUES ('attachment', 0);
