-- Release health: sessions by release, environment and hour, and the sets that keep them exact. See bugle/src/file/sessions.rs.
-- Releases have no foreign keys here: they would be looked up for every row; `bugle check` does.

CREATE TABLE session_hours (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,                     -- hours since 1970 in which they began
    release_id BIGINT NOT NULL,
    environment BIGINT NOT NULL,              -- 0: none
    by_id BOOLEAN NOT NULL,                   -- counted by their ids, or sums of an SDK and what was beyond the bound
    sessions BIGINT NOT NULL,
    errored BIGINT NOT NULL,                  -- each session stands in at most one of these four, the gravest
    unhandled BIGINT NOT NULL,
    abnormal BIGINT NOT NULL,
    crashed BIGINT NOT NULL,
    PRIMARY KEY (project, hour, release_id, environment, by_id)
) {clustered};

-- What is known of a session while updates of it may come.
CREATE TABLE session_ids (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    day BIGINT NOT NULL,                      -- days since 1970 on which it began
    sid BIGINT NOT NULL,                      -- a hash of its id
    hour BIGINT NOT NULL,
    release_id BIGINT NOT NULL,
    environment BIGINT NOT NULL,
    is_init BOOLEAN NOT NULL,                 -- its first update has come: it is counted
    severity BIGINT NOT NULL,                 -- 0 healthy, 1 errored, 2 unhandled, 3 abnormal, 4 crashed
    PRIMARY KEY (project, day, sid)
) {clustered};

-- Who used a release on a day, and in which hours: bit 0 is midnight to one, UTC.
CREATE TABLE session_people (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    day BIGINT NOT NULL,
    release_id BIGINT NOT NULL,
    environment BIGINT NOT NULL,
    person BIGINT NOT NULL,                   -- a hash
    hours BIGINT NOT NULL,                    -- of any session
    errored BIGINT NOT NULL,                  -- of sessions that were not healthy
    unhandled BIGINT NOT NULL,
    abnormal BIGINT NOT NULL,
    crashed BIGINT NOT NULL,
    PRIMARY KEY (project, day, release_id, environment, person)
) {clustered};

-- How many rows a project has in those two sets, by day, and what came beyond their bounds.
CREATE TABLE session_days (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    day BIGINT NOT NULL,
    ids BIGINT NOT NULL,                      -- 0 once they are being removed
    people BIGINT NOT NULL,
    ids_over BIGINT NOT NULL,
    people_over BIGINT NOT NULL,
    PRIMARY KEY (project, day)
) {clustered};

-- Events by release, environment and hour.
CREATE TABLE release_hours (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    release_id BIGINT NOT NULL,
    environment BIGINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (project, hour, release_id, environment)
) {clustered};
INSERT INTO release_hours (project, hour, release_id, environment, events)
    SELECT project, timestamp_ms / 3600000, release_id, environment, COUNT(*) FROM events
    WHERE release_id <> 0 AND project IN (SELECT id FROM projects)
    GROUP BY project, timestamp_ms / 3600000, release_id, environment;

-- What a person or a build says of a release.
ALTER TABLE releases ADD COLUMN ref TEXT;
ALTER TABLE releases ADD COLUMN url TEXT;
ALTER TABLE releases ADD COLUMN started_ms BIGINT;
ALTER TABLE releases ADD COLUMN released_ms BIGINT;

CREATE TABLE deploys (
    id {id},
    release_id BIGINT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    started_ms BIGINT,
    finished_ms BIGINT NOT NULL
);
CREATE INDEX deploys_by_release ON deploys (release_id, finished_ms);
CREATE INDEX issues_by_first_release ON issues (first_release);
