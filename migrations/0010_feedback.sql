-- What people said about errors. It may come before its event: then it has an event's id and no issue until that is filed.

CREATE TABLE feedback (
    id {id},
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    feedback_id {blob} NOT NULL,              -- its own, by which a repeat is known
    event_id {blob},                          -- of the error that it is about; NULL: of none
    issue BIGINT REFERENCES issues (id) ON DELETE SET NULL,
    received_ms BIGINT NOT NULL,
    name TEXT NOT NULL,                       -- empty where nothing was said, like all below
    email TEXT NOT NULL,
    message TEXT NOT NULL,
    url TEXT NOT NULL,                        -- the page that it was written on
    UNIQUE (project, feedback_id)
);
CREATE INDEX feedback_by_time ON feedback (project, received_ms);
CREATE INDEX feedback_by_event ON feedback (project, event_id);
CREATE INDEX feedback_by_issue ON feedback (issue);
