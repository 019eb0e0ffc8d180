-- What filters have dropped, per project, filter and day. Written with the ledger, whose `filtered` events are the same.

CREATE TABLE filter_drops (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    filter TEXT NOT NULL,                     -- the id of a built-in one, or rule:NUMBER
    day BIGINT NOT NULL,                      -- days since 1970, UTC, of receipt
    quantity BIGINT NOT NULL,                 -- events
    last_ms BIGINT NOT NULL,                  -- when the last one came
    PRIMARY KEY (project, filter, day)
) {clustered};
CREATE INDEX filter_drops_by_day ON filter_drops (day);
