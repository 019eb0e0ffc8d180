-- What events take on the disk, and what each project may keep.

-- Rows of `events`, per issue and exemplar: the size of an issue, and whether anything still needs an exemplar.
CREATE TABLE issue_storage (
    issue BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    exemplar BIGINT NOT NULL,
    events BIGINT NOT NULL,
    bytes BIGINT NOT NULL,                    -- of their payloads, as stored
    PRIMARY KEY (issue, exemplar)
) {clustered};
CREATE INDEX issue_storage_by_exemplar ON issue_storage (exemplar);
INSERT INTO issue_storage (issue, exemplar, events, bytes)
    SELECT issue, exemplar, COUNT(*), CAST(SUM(LENGTH(payload)) AS BIGINT) FROM events GROUP BY issue, exemplar;

-- Rows of `exemplars`, per project.
CREATE TABLE project_exemplars (
    project BIGINT NOT NULL PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    exemplars BIGINT NOT NULL,
    bytes BIGINT NOT NULL                     -- of their bodies, as stored
) {clustered};
INSERT INTO project_exemplars (project, exemplars, bytes)
    SELECT project, COUNT(*), CAST(SUM(LENGTH(body)) AS BIGINT) FROM exemplars GROUP BY project;
CREATE INDEX exemplars_by_time ON exemplars (created_ms, id);

-- What a project says of its own; NULL: as the server.
CREATE TABLE project_bounds (
    project BIGINT NOT NULL PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    retention_days BIGINT,
    issue_cap_per_hour BIGINT,
    issue_events_max BIGINT,                  -- 0: any number
    bytes_max BIGINT                          -- 0: any number
) {clustered};

-- Up to when retention has reckoned time: it does not follow a clock that jumps ahead.
INSERT INTO state (name, value) VALUES ('reckoned_ms', 0);
