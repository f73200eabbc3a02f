-- Files of rows that a shop sent.
CREATE TABLE uploads (
    shop_id      TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    digest       TEXT   NOT NULL, -- SHA-256 of the file as it was sent, as hex; empty while it arrives
    asked        TEXT   NOT NULL, -- JSON: what the sender says of it
    name         TEXT   NOT NULL,
    bytes        BIGINT NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('arriving', 'processing', 'done', 'failed')),
    kind         TEXT,            -- once it is recognized
    layout       TEXT,            -- JSON: how it is read
    rows_read    BIGINT NOT NULL,
    rows_taken   BIGINT NOT NULL,
    rows_refused BIGINT NOT NULL,
    first_at     BIGINT,          -- of what the rows tell
    last_at      BIGINT,
    fault        TEXT,
    job_id       TEXT,
    created_at   BIGINT NOT NULL,
    touched_at   BIGINT NOT NULL, -- while it arrives: when it last did
    finished_at  BIGINT,
    PRIMARY KEY (shop_id, id)
);
-- The same file again is the same upload.
CREATE UNIQUE INDEX uploads_same ON uploads (shop_id, digest, asked) WHERE state IN ('processing', 'done');

-- The file, until its rows are read.
CREATE TABLE upload_chunks (
    shop_id   TEXT   NOT NULL,
    upload_id TEXT   NOT NULL,
    number    BIGINT NOT NULL,
    bytes     BYTEA  NOT NULL,
    PRIMARY KEY (shop_id, upload_id, number)
);

-- Its rows, by columns (docs/decisions/014).
CREATE TABLE upload_blocks (
    shop_id   TEXT   NOT NULL,
    upload_id TEXT   NOT NULL,
    number    BIGINT NOT NULL,
    bytes     BYTEA  NOT NULL,
    PRIMARY KEY (shop_id, upload_id, number)
);

-- What was wrong with rows that were left out.
CREATE TABLE upload_errors (
    shop_id     TEXT   NOT NULL,
    upload_id   TEXT   NOT NULL,
    row_number  BIGINT NOT NULL, -- the header is row 1
    column_name TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    PRIMARY KEY (shop_id, upload_id, row_number)
);
