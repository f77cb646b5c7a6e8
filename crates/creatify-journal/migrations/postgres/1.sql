CREATE TABLE creatify_entries (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    operation TEXT NOT NULL,
    "key" TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    label TEXT,
    state TEXT NOT NULL,
    job_id TEXT,
    created_at BIGINT NOT NULL, -- microseconds since 1970
    entry TEXT NOT NULL, -- JSON
    record TEXT -- JSON; the request, until it is settled
);

CREATE UNIQUE INDEX creatify_entries_key ON creatify_entries (account, operation, "key", attempt);
CREATE INDEX creatify_entries_job ON creatify_entries (account, job_id);
CREATE INDEX creatify_entries_state ON creatify_entries (account, state);
CREATE INDEX creatify_entries_created ON creatify_entries (account, created_at);

CREATE TABLE creatify_budgets (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL, -- JSON
    PRIMARY KEY (account, name)
);

CREATE TABLE creatify_budget_usage (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    period_start BIGINT NOT NULL, -- microseconds since 1970
    reserved TEXT NOT NULL, -- decimal
    spent TEXT NOT NULL, -- decimal
    PRIMARY KEY (account, name, period_start)
);
