-- Visits and what they come to. `run` is one making of all this from the log and the files: readers see the live one, while
-- the next is made beside it.
CREATE TABLE analytics_runs (
    shop_id    TEXT   NOT NULL,
    run        BIGINT NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('building', 'live', 'old')),
    rules      TEXT   NOT NULL, -- JSON: the settings that it is made by
    read_until BIGINT NOT NULL, -- place in the log up to which a run that is being made has read it
    events     BIGINT NOT NULL, -- events of the log and rows of files that it was made from
    made_at    BIGINT NOT NULL, -- when it began
    live_at    BIGINT,
    PRIMARY KEY (shop_id, run)
);
CREATE UNIQUE INDEX analytics_runs_live ON analytics_runs (shop_id) WHERE state = 'live';

CREATE TABLE visits (
    shop_id         TEXT    NOT NULL,
    run             BIGINT  NOT NULL,
    key             TEXT    NOT NULL, -- the session, or the browser where there is none
    first_at        BIGINT  NOT NULL,
    last_at         BIGINT  NOT NULL,
    visitor         TEXT    NOT NULL,
    on_home         BOOLEAN NOT NULL, -- whether it has a step there; likewise below
    on_search       BOOLEAN NOT NULL,
    on_payment      BOOLEAN NOT NULL,
    on_confirmation BOOLEAN NOT NULL,
    body            TEXT    NOT NULL, -- the shared Visit as JSON
    PRIMARY KEY (shop_id, run, key, first_at)
);
CREATE INDEX visits_by_time ON visits (shop_id, run, first_at, key);
CREATE INDEX visits_by_visitor ON visits (shop_id, run, visitor, first_at, key);
CREATE INDEX visits_by_end ON visits (shop_id, run, last_at);
CREATE INDEX visits_on_home ON visits (shop_id, run, first_at, key) WHERE on_home;
CREATE INDEX visits_on_search ON visits (shop_id, run, first_at, key) WHERE on_search;
CREATE INDEX visits_on_payment ON visits (shop_id, run, first_at, key) WHERE on_payment;
CREATE INDEX visits_on_confirmation ON visits (shop_id, run, first_at, key) WHERE on_confirmation;

-- Sums over visits, by the shop's day on which they began (days since 1970).
CREATE TABLE visit_days (
    shop_id TEXT   NOT NULL,
    run     BIGINT NOT NULL,
    day     BIGINT NOT NULL,
    device  TEXT   NOT NULL,
    counted BIGINT NOT NULL, -- 0 all, 1 to 4 those that reached the step of the funnel, 5 those that bought
    visits  BIGINT NOT NULL,
    took_ms BIGINT NOT NULL, -- of all: their length; of a step: from the one before; of a purchase: from the beginning
    views   BIGINT NOT NULL, -- pages, of all
    PRIMARY KEY (shop_id, run, day, device, counted)
);

-- What marks the visits that reached a step, and how many of them went on.
CREATE TABLE visit_facets (
    shop_id TEXT   NOT NULL,
    run     BIGINT NOT NULL,
    day     BIGINT NOT NULL,
    step    BIGINT NOT NULL, -- from 0
    facet   TEXT   NOT NULL,
    value   TEXT   NOT NULL,
    visits  BIGINT NOT NULL,
    went_on BIGINT NOT NULL,
    PRIMARY KEY (shop_id, run, day, step, facet, value)
);

-- What a visitor's visits came to on a day with a kind of device; the columns are the counts of visit_days.
CREATE TABLE visitor_days (
    shop_id TEXT   NOT NULL,
    run     BIGINT NOT NULL,
    visitor TEXT   NOT NULL,
    day     BIGINT NOT NULL,
    device  TEXT   NOT NULL,
    counts  TEXT   NOT NULL, -- JSON: visits by count
    PRIMARY KEY (shop_id, run, visitor, day, device)
);

-- Visitors by day and the day on which they were there before: of these distinct visitors of any span are summed.
CREATE TABLE visitor_gaps (
    shop_id  TEXT   NOT NULL,
    run      BIGINT NOT NULL,
    counted  BIGINT NOT NULL,
    device   TEXT   NOT NULL, -- empty for all
    day      BIGINT NOT NULL,
    day_before BIGINT NOT NULL, -- -1000000 where there is none
    visitors BIGINT NOT NULL,
    PRIMARY KEY (shop_id, run, counted, device, day, day_before)
);

-- What people said of pages.
CREATE TABLE feedback (
    shop_id TEXT   NOT NULL,
    run     BIGINT NOT NULL,
    id      TEXT   NOT NULL, -- the event's
    at      BIGINT NOT NULL,
    page    TEXT   NOT NULL,
    score   BIGINT NOT NULL, -- -1000 to 1000
    topic   TEXT   NOT NULL,
    rating  BIGINT,          -- stars in hundredths
    said    TEXT,
    PRIMARY KEY (shop_id, run, id)
);
CREATE INDEX feedback_by_page ON feedback (shop_id, run, page, at);

CREATE TABLE feedback_days (
    shop_id TEXT   NOT NULL,
    run     BIGINT NOT NULL,
    day     BIGINT NOT NULL, -- -1000000 where a file does not tell it
    page    TEXT   NOT NULL,
    class   TEXT   NOT NULL, -- positive, neutral, negative
    topic   TEXT   NOT NULL,
    said    BIGINT NOT NULL,
    score   BIGINT NOT NULL, -- their sum
    PRIMARY KEY (shop_id, run, day, page, class, topic)
);

-- Orders of files that the shop's own orders do not have.
CREATE TABLE sales_days (
    shop_id TEXT             NOT NULL,
    run     BIGINT           NOT NULL,
    day     BIGINT           NOT NULL,
    orders  BIGINT           NOT NULL,
    revenue BIGINT           NOT NULL, -- minor units
    squares DOUBLE PRECISION NOT NULL, -- the sum of the squares of what orders came to
    PRIMARY KEY (shop_id, run, day)
);

-- What a job found in the figures.
CREATE TABLE analytics_results (
    shop_id     TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    computed_at BIGINT NOT NULL,
    body        TEXT   NOT NULL, -- JSON
    PRIMARY KEY (shop_id, kind)
);

CREATE INDEX orders_by_time ON orders (shop_id, ordered_at, currency, status, total_minor);
