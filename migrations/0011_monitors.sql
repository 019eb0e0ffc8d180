-- Jobs that give signs of life, and the signs.

CREATE TABLE monitors (
    id {id},
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    config TEXT NOT NULL,                     -- JSON: monitor::Config
    is_muted BOOLEAN NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (project, slug)
);

-- A monitor in one environment: what is next, and how it is.
CREATE TABLE monitor_environments (
    monitor BIGINT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    environment TEXT NOT NULL,
    last_ms BIGINT NOT NULL,                  -- when the newest run was first heard of
    next_ms BIGINT,                           -- when one is expected; NULL without a schedule
    due_ms BIGINT,                            -- when it will have been missed: next_ms and the margin
    is_failing BOOLEAN NOT NULL,
    PRIMARY KEY (monitor, environment)
);
CREATE INDEX monitor_environments_by_due ON monitor_environments (due_ms);

CREATE TABLE check_ins (
    id {id},
    monitor BIGINT NOT NULL REFERENCES monitors (id) ON DELETE CASCADE,
    environment TEXT NOT NULL,
    check_in_id {blob} NOT NULL,              -- 16 bytes, the SDK's; random where it gave none
    status TEXT NOT NULL,                     -- in_progress, ok, error, missed, timeout
    began_ms BIGINT NOT NULL,                 -- of a missed one: when it was expected
    duration_ms BIGINT,
    deadline_ms BIGINT,                       -- in_progress: when it will have taken too long; missed: until when it was waited for
    trace_id {blob},                          -- 16 bytes
    UNIQUE (monitor, environment, check_in_id)
);
CREATE INDEX check_ins_by_began ON check_ins (monitor, environment, began_ms);
CREATE INDEX check_ins_by_deadline ON check_ins (status, deadline_ms);
INSERT INTO state (name, value) VALUES ('monitor_id', 0), ('check_in_row', 0);
