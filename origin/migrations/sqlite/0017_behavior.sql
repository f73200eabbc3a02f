-- What jobs computed of customers' behaviour. `scope` is the upload that it was computed from; empty for all of the
-- shop's data.
CREATE TABLE behavior_results (
    shop_id     TEXT   NOT NULL,
    scope       TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    version     TEXT   NOT NULL, -- of the data that it was computed from
    job_id      TEXT   NOT NULL,
    computed_at BIGINT NOT NULL,
    body        TEXT   NOT NULL, -- JSON
    PRIMARY KEY (shop_id, scope, kind)
) WITHOUT ROWID;

-- The customers of the segments. A run's rows are complete or not there: the result names the run that counts.
CREATE TABLE segment_members (
    shop_id       TEXT   NOT NULL,
    scope         TEXT   NOT NULL,
    run           TEXT   NOT NULL, -- the job's id and try
    segment_id    BIGINT NOT NULL,
    customer_id   TEXT   NOT NULL, -- the shop's own id, else the email
    email         TEXT,
    recency_days  DOUBLE PRECISION,
    frequency     BIGINT NOT NULL,
    spend_minor   BIGINT NOT NULL,
    score_r       BIGINT,
    score_f       BIGINT NOT NULL,
    score_m       BIGINT NOT NULL,
    age           BIGINT,
    gender        TEXT,
    location      TEXT,
    PRIMARY KEY (shop_id, scope, run, customer_id)
) WITHOUT ROWID;
CREATE INDEX segment_members_by_spend ON segment_members (shop_id, scope, run, segment_id, spend_minor, customer_id);
CREATE INDEX segment_members_by_email ON segment_members (shop_id, email) WHERE email IS NOT NULL;

-- What people made of recommendations: done or dismissed ones are not shown again.
CREATE TABLE recommendation_marks (
    shop_id    TEXT   NOT NULL,
    id         TEXT   NOT NULL, -- as MERCH-001
    subject    TEXT   NOT NULL, -- what it is about: the same finding keeps its id
    state      TEXT   NOT NULL CHECK (state IN ('open', 'done', 'dismissed')),
    marked_at  BIGINT NOT NULL,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, subject)
) WITHOUT ROWID;
