-- What projects and organizations may send, and what was said about it. No row: no limit.

CREATE TABLE project_limits (
    project BIGINT NOT NULL PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
    rate_window_s BIGINT,                     -- both or none
    rate_count BIGINT,
    month_events_max BIGINT,                  -- events kept or counted in one calendar month, UTC
    is_spike_protected BOOLEAN NOT NULL
) {clustered};

CREATE TABLE organization_limits (
    organization BIGINT NOT NULL PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    month_events_max BIGINT
) {clustered};

-- Warnings that were given: each at most once, so that a restart does not repeat it. Pages show those that still hold.
CREATE TABLE limit_warnings (
    organization BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    project BIGINT NOT NULL,                  -- 0: the organization's own
    cause TEXT NOT NULL,                      -- quota_near, quota_reached, spike
    period BIGINT NOT NULL,                   -- months since January 1970 for a quota, days since 1970 for a spike
    limited_to BIGINT NOT NULL,               -- the quota that it was about; 0 for a spike. Another quota is another warning
    at_ms BIGINT NOT NULL,                    -- when it last held
    PRIMARY KEY (organization, project, cause, period, limited_to)
) {clustered};
