-- Customers as salespeople keep them, and what was done with them.
CREATE TABLE customer_records (
    number            INTEGER PRIMARY KEY AUTOINCREMENT, -- the sequence of lists, and the row of the search
    shop_id           TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    state             TEXT   NOT NULL CHECK (state IN ('kept', 'anonymous')), -- an anonymous one is only counted and learned from
    name              TEXT   NOT NULL,
    email_hash        TEXT,            -- keyed, as of customers
    duplicate_key     TEXT,            -- of name and demographics
    personality_type  TEXT,
    budget_range      TEXT,
    sales_stage       TEXT   NOT NULL,
    last_interaction  BIGINT,
    interaction_count BIGINT NOT NULL,
    current_interest  TEXT,
    completeness      BIGINT NOT NULL, -- hundredths
    body              TEXT   NOT NULL, -- JSON
    version           BIGINT NOT NULL, -- grows with each change; the ETag
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    UNIQUE (shop_id, id)
);
CREATE UNIQUE INDEX customer_records_by_email ON customer_records (shop_id, email_hash) WHERE email_hash IS NOT NULL;
CREATE UNIQUE INDEX customer_records_by_person ON customer_records (shop_id, duplicate_key) WHERE duplicate_key IS NOT NULL;
CREATE INDEX customer_records_listed ON customer_records (shop_id, number) WHERE state = 'kept';
CREATE INDEX customer_records_by_type ON customer_records (shop_id, personality_type, number) WHERE state = 'kept';
CREATE INDEX customer_records_by_budget ON customer_records (shop_id, budget_range, number) WHERE state = 'kept';
CREATE INDEX customer_records_by_stage ON customer_records (shop_id, sales_stage, number); -- the model learns from anonymous ones, too

-- How many records there are of a kind, in parts that several writers can count in at once.
CREATE TABLE customer_record_counts (
    shop_id          TEXT   NOT NULL,
    personality_type TEXT   NOT NULL, -- empty where it is not known
    budget_range     TEXT   NOT NULL, -- likewise
    sales_stage      TEXT   NOT NULL,
    part             BIGINT NOT NULL,
    count            BIGINT NOT NULL,
    PRIMARY KEY (shop_id, personality_type, budget_range, sales_stage, part)
);

CREATE TABLE customer_interactions (
    shop_id     TEXT   NOT NULL,
    customer_id TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    type        TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    body        TEXT   NOT NULL, -- JSON
    PRIMARY KEY (shop_id, customer_id, id),
    UNIQUE (shop_id, customer_id, type, at)
);

-- How probably sales succeed, fitted on a shop's own.
CREATE TABLE customer_success_models (
    shop_id   TEXT   NOT NULL PRIMARY KEY,
    closed    BIGINT NOT NULL, -- closed sales when it was looked at last
    body      TEXT,            -- JSON; null where they prove no model
    fitted_at BIGINT NOT NULL
);

-- The words of each record, and what lists filter by as words that begin with =. Rows are the records' numbers.
CREATE VIRTUAL TABLE customer_record_search USING fts5 (words, detail = 'none', tokenize = 'ascii tokenchars ''=_''');
-- What is taken out is gone at once, not only with the next merge.
INSERT INTO customer_record_search (customer_record_search, rank) VALUES ('secure-delete', 1);
