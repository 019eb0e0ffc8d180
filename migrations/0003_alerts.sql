-- Whom to tell, and what was told. Rows of the outbox are written in the transaction of the event that causes them.

CREATE TABLE targets (
    id {id},
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,                       -- members (mail to everybody in the organization), mail, slack, webhook
    label TEXT NOT NULL,                      -- what a page may show: addresses, or the host of a URL
    address {blob} NOT NULL,                  -- sealed: mail addresses or the URL
    secret {blob} NOT NULL,                   -- sealed: what signs a webhook; empty otherwise
    is_active BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX targets_by_project ON targets (project);

CREATE TABLE outbox (
    id {id},
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    target BIGINT NOT NULL REFERENCES targets (id) ON DELETE CASCADE,
    issue BIGINT NOT NULL,                    -- 0: a test
    cause TEXT NOT NULL,                      -- new_issue, regression, test
    occurrence BIGINT NOT NULL,               -- which regression; at most one row each
    notice TEXT NOT NULL,                     -- JSON of alert::Notice
    state TEXT NOT NULL,                      -- waiting, sent, failed
    attempts BIGINT NOT NULL DEFAULT 0,
    created_ms BIGINT NOT NULL,
    next_ms BIGINT NOT NULL,                  -- when to try (again)
    done_ms BIGINT,
    answer TEXT NOT NULL DEFAULT '',
    UNIQUE (target, issue, cause, occurrence)
);
CREATE INDEX outbox_by_next ON outbox (state, next_ms);
INSERT INTO state (name, value) VALUES ('outbox_id', 0);
CREATE INDEX outbox_by_project ON outbox (project, created_ms);
