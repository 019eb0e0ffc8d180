-- What a project or an organization says of its own, one row per setting: a JSON value under a name.

CREATE TABLE project_options (
    project BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,                      -- JSON
    PRIMARY KEY (project, name)
) {clustered};

CREATE TABLE organization_options (
    organization BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,                      -- JSON
    PRIMARY KEY (organization, name)
) {clustered};
