-- Work that is longer than a request.
CREATE TABLE jobs (
    shop_id     TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    subject     TEXT   NOT NULL, -- the upload that it is about; empty for all of the shop's data
    options     TEXT   NOT NULL, -- JSON, as the kind reads it
    state       TEXT   NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    attempt     BIGINT NOT NULL, -- the number of the try; who writes for an earlier one has lost the job
    due_at      BIGINT NOT NULL, -- queued: not before then. Running: when another node may take it over
    done        BIGINT NOT NULL, -- units of work that are done
    total       BIGINT,          -- and that there are
    cancelling  BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    started_at  BIGINT,
    finished_at BIGINT,
    fault       TEXT,
    result      TEXT,            -- JSON
    PRIMARY KEY (shop_id, id)
) WITHOUT ROWID;
-- One at a time of a kind, and no more than one that waits for the same.
CREATE UNIQUE INDEX jobs_running ON jobs (shop_id, kind) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_queued ON jobs (shop_id, kind, subject) WHERE state = 'queued';
CREATE INDEX jobs_of_kind ON jobs (shop_id, kind, finished_at) WHERE state = 'done';
-- Workers look for all shops at once, so this index starts with the time.
CREATE INDEX jobs_due ON jobs (due_at) WHERE state IN ('queued', 'running');
