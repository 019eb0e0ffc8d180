-- Issues, events and the rollups that pages read. Nothing on a page scans events.

CREATE TABLE environments (
    id {id}, project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE, name TEXT NOT NULL,
    UNIQUE (project, name)
);

CREATE TABLE releases (
    id {id}, project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE, version TEXT NOT NULL,
    first_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL,
    UNIQUE (project, version)
);

CREATE TABLE issues (
    id {id},
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,                   -- short id: SHOP-{number in base 32}
    kind TEXT NOT NULL,                       -- the exception's type; '' for a message
    title TEXT NOT NULL,                      -- the first line of its value, or the message
    culprit TEXT NOT NULL,
    level TEXT NOT NULL,
    platform TEXT NOT NULL,
    logger TEXT NOT NULL,
    is_unhandled BOOLEAN NOT NULL,
    status TEXT NOT NULL,                     -- unresolved, resolved, archived
    regressions BIGINT NOT NULL DEFAULT 0,    -- how often it came back
    regressed_ms BIGINT,                      -- when it last came back, while it is unresolved since then
    status_ms BIGINT NOT NULL,                -- when the status last changed
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    events BIGINT NOT NULL,                   -- rows + capped + expired
    capped BIGINT NOT NULL DEFAULT 0,         -- counted everywhere, payload not kept
    expired BIGINT NOT NULL DEFAULT 0,        -- rows that retention removed
    people BIGINT NOT NULL,
    comments BIGINT NOT NULL DEFAULT 0,
    first_release BIGINT REFERENCES releases (id),
    last_release BIGINT REFERENCES releases (id),
    assignee BIGINT REFERENCES users (id) ON DELETE SET NULL,
    UNIQUE (project, number)
);
CREATE INDEX issues_by_last ON issues (project, status, last_ms);

-- Any key that is known joins. Released keys are kept for ever.
CREATE TABLE issue_keys (
    project BIGINT NOT NULL,
    hash {blob} NOT NULL,
    kind TEXT NOT NULL,                       -- custom, full, site, message
    issue BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    PRIMARY KEY (project, hash)
) {clustered};
CREATE INDEX issue_keys_by_issue ON issue_keys (issue);

-- The distinct sets of keys that events came with.
CREATE TABLE groupings (
    id {id},
    version BIGINT NOT NULL,
    keys {blob} NOT NULL UNIQUE               -- for each key: one byte of kind, 16 of hash; the version before them
);

-- What payloads are compressed against: one whole event per family and day. See bugle/src/payload.rs.
CREATE TABLE exemplars (
    id BIGINT NOT NULL PRIMARY KEY,
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    family BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    body {blob} NOT NULL
);

CREATE TABLE events (
    id {id},
    project BIGINT NOT NULL,                  -- no foreign keys: they would be looked up for every event; `bugle check` does
    event_id {blob} NOT NULL,
    issue BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    timestamp_ms BIGINT NOT NULL,
    environment BIGINT NOT NULL,              -- 0: none
    release_id BIGINT NOT NULL,               -- 0: none
    person BIGINT NOT NULL,                   -- hash of the user's identity; 0: none
    grouping_id BIGINT NOT NULL,
    tag_set BIGINT NOT NULL,                  -- the tags whose values are few
    exemplar BIGINT NOT NULL,
    payload_bytes BIGINT NOT NULL,            -- of the JSON, before compression
    payload {blob} NOT NULL,
    UNIQUE (project, event_id)
);
CREATE INDEX events_by_issue ON events (issue, timestamp_ms);
-- Rows are numbered in the order of filing, so the oldest are found by their id; no index by time is needed.

-- Payloads kept of an issue in one hour: beyond the cap, events are counted and not kept.
CREATE TABLE issue_hours (
    issue BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,                     -- hours since 1970, of receipt
    kept BIGINT NOT NULL,
    rare BIGINT NOT NULL,                     -- kept beyond the cap, because of a tag value not seen before
    PRIMARY KEY (issue, hour)
) {clustered};

-- Ids of events that were counted and not kept, for 24 hours, so that a repeat is known.
CREATE TABLE capped_events (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    event_id {blob} NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (project, event_id)
) {clustered};
CREATE INDEX capped_events_by_time ON capped_events (at_ms);

CREATE TABLE issue_buckets (
    issue BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    bucket BIGINT NOT NULL,                   -- half hours since 1970
    environment BIGINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (issue, bucket, environment)
) {clustered};

-- Who was affected, in which environment, and in which half hours first and last. How many ever is on the issue.
CREATE TABLE issue_people (
    issue BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    person BIGINT NOT NULL,
    environment BIGINT NOT NULL,
    first_bucket BIGINT NOT NULL,
    last_bucket BIGINT NOT NULL,
    PRIMARY KEY (issue, person, environment)
) {clustered};

-- The distinct sets of tags that a project's events come with. Most events share a few, so an event points to its set and
-- one row counts a set in an issue. Tags with many values are not in sets (`wide_tags`): every event would have its own.
-- See bugle/src/file/tags.rs.
CREATE TABLE tag_sets (
    id {id},
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    hash {blob} NOT NULL,                     -- of its tags in the order of keys
    UNIQUE (project, hash)
);
CREATE TABLE tag_set_values (
    tag_set BIGINT NOT NULL REFERENCES tag_sets (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tag_set, tag)
) {clustered};

-- The values that a tag has had in sets, while they are few; and the tags for which they no longer are.
CREATE TABLE tag_values (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (project, tag, value)
) {clustered};
CREATE TABLE wide_tags (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (project, tag)
) {clustered};

-- Events per issue and set, and, for wide tags and issues with very many sets, per value. Every tag of an event is in
-- one of the two; pages read both as one.
CREATE TABLE issue_tag_sets (
    issue BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    tag_set BIGINT NOT NULL,
    environment BIGINT NOT NULL,
    events BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (issue, tag_set, environment)
) {clustered};
CREATE TABLE issue_tag_values (
    issue BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    value TEXT NOT NULL,
    environment BIGINT NOT NULL,
    events BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (issue, tag, value, environment)
) {clustered};
CREATE VIEW issue_tags (issue, tag, value, environment, events, first_ms, last_ms) AS
    SELECT s.issue, v.tag, v.value, s.environment, s.events, s.first_ms, s.last_ms
    FROM issue_tag_sets s JOIN tag_set_values v ON v.tag_set = s.tag_set
    UNION ALL
    SELECT issue, tag, value, environment, events, first_ms, last_ms FROM issue_tag_values;

-- What happened to an issue, comments among it.
CREATE TABLE activity (
    id {id},
    issue BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    at_ms BIGINT NOT NULL,
    actor BIGINT REFERENCES users (id) ON DELETE SET NULL,   -- NULL: Bugle itself
    kind TEXT NOT NULL,                       -- first_seen, regressed, resolved, reopened, archived, assigned, unassigned, comment
    detail TEXT NOT NULL
);
CREATE INDEX activity_by_issue ON activity (issue, at_ms);

-- The fate of every item: `received` beside the outcomes. Hours since 1970.
CREATE TABLE ledger (
    project BIGINT NOT NULL,                  -- 0: no project (no valid key)
    key_id BIGINT NOT NULL,                   -- 0: no key
    hour BIGINT NOT NULL,
    category TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    PRIMARY KEY (project, hour, category, outcome, reason, key_id)
) {clustered};

-- Records that could not be filed and would fail again: kept, counted as `quarantined`, shown to the operator.
CREATE TABLE quarantine (
    position BIGINT NOT NULL PRIMARY KEY,     -- in the journal
    at_ms BIGINT NOT NULL,
    error TEXT NOT NULL,
    body {blob} NOT NULL                      -- the record, as the journal had it
);

-- Ids of issues and events are never used twice, also not after a deletion; `removals` rises with each of those,
-- so that filing forgets what it remembers of issues.
INSERT INTO state (name, value) VALUES ('issue_id', 0), ('event_row', 0), ('removals', 0);
