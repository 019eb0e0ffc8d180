-- What the ledger page explains beyond its sums: who dropped what before it came, which issues were capped when, and
-- what became of one event. Everything here but `client_discards` is for as long as a page looks back (`retention`).

-- What SDKs report that they have dropped themselves. Beside the books, never part of them.
CREATE TABLE client_discards (
    project BIGINT NOT NULL,
    key_id BIGINT NOT NULL,
    hour BIGINT NOT NULL,                     -- hours since 1970, of the report's receipt
    category TEXT NOT NULL,
    reason TEXT NOT NULL,                     -- the SDK's own word, bounded; see bugle/src/client_report.rs
    quantity BIGINT NOT NULL,
    PRIMARY KEY (project, hour, category, reason, key_id)
) {clustered};

-- Events of an issue that were counted and not kept, by the hour of receipt.
CREATE TABLE capped_hours (
    project BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    issue BIGINT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
    events BIGINT NOT NULL,
    PRIMARY KEY (project, hour, issue)
) {clustered};
CREATE INDEX capped_hours_by_issue ON capped_hours (issue);

-- Ids that came again after they were stored or counted, for 24 hours.
CREATE TABLE repeats (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    event_id {blob} NOT NULL,
    times BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (project, event_id)
) {clustered};
CREATE INDEX repeats_by_time ON repeats (last_ms);

-- Where a capped event was counted; 0: it was capped before this was written down.
ALTER TABLE capped_events ADD COLUMN issue BIGINT NOT NULL DEFAULT 0;

-- Whose a quarantined record is, as far as it says so; 0 and NULL: it does not.
ALTER TABLE quarantine ADD COLUMN project BIGINT NOT NULL DEFAULT 0;
ALTER TABLE quarantine ADD COLUMN event_id {blob};
CREATE INDEX quarantine_by_event ON quarantine (project, event_id);
