-- Several servers may share one database, each with a journal of its own. How far each has been filed.
CREATE TABLE journals (
    id {id},
    name TEXT NOT NULL UNIQUE,                -- lies in the journal; '': of the time when there was one
    filed BIGINT NOT NULL,                    -- the position up to which everything is filed
    idle_ms BIGINT NOT NULL                   -- when nothing was waiting in it: what waits now was received later
);
INSERT INTO journals (id, name, filed, idle_ms) SELECT 1, '', value, 0 FROM state WHERE name = 'filed_position';
DELETE FROM journals WHERE filed = 0;
DELETE FROM state WHERE name = 'filed_position';

-- Records that could not be filed and would fail again: kept, counted as `quarantined`, shown to the operator.
ALTER TABLE quarantine RENAME TO quarantine_before;
CREATE TABLE quarantine (
    journal BIGINT NOT NULL,
    position BIGINT NOT NULL,                 -- in that journal
    at_ms BIGINT NOT NULL,
    error TEXT NOT NULL,
    body {blob} NOT NULL,                     -- the record, as the journal had it
    project BIGINT NOT NULL,                  -- as far as the record says so; 0 and NULL: it does not
    event_id {blob},
    PRIMARY KEY (journal, position)
) {clustered};
INSERT INTO quarantine (journal, position, at_ms, error, body, project, event_id)
    SELECT 1, position, at_ms, error, body, project, event_id FROM quarantine_before;
DROP TABLE quarantine_before;
CREATE INDEX quarantine_by_event ON quarantine (project, event_id);

-- Something sealed, so that a server whose key differs from that of the others notices before it seals more.
CREATE TABLE seal_proof (id {id}, sealed {blob} NOT NULL);
