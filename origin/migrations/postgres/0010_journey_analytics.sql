-- Roll-ups of journeys, kept as events arrive: sums over visits, by the day on which a visit began (days since 1970, UTC).

-- A visit counts in each stage that it reached.
CREATE TABLE journey_days (
    shop_id    TEXT   NOT NULL,
    day        BIGINT NOT NULL,
    stage      BIGINT NOT NULL, -- 0 awareness, 1 consideration, 2 decision, 3 purchase
    persona    TEXT   NOT NULL, -- in small letters; empty where none was told
    device     TEXT   NOT NULL,
    source     TEXT   NOT NULL, -- in small letters; empty where none was told
    came_back  BIGINT NOT NULL,
    visitors   BIGINT NOT NULL,
    went_on    BIGINT NOT NULL, -- reached a later stage
    time_ms    BIGINT NOT NULL, -- spent in the stage
    slow       BIGINT NOT NULL, -- those with a slow page in the stage, and those of them that went on; likewise below
    slow_on    BIGINT NOT NULL,
    leaving    BIGINT NOT NULL,
    leaving_on BIGINT NOT NULL,
    price      BIGINT NOT NULL,
    price_on   BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    failed_on  BIGINT NOT NULL,
    visual     BIGINT NOT NULL, -- looked at pictures
    compared   BIGINT NOT NULL, -- compared products
    orders     BIGINT NOT NULL,
    revenue    BIGINT NOT NULL, -- minor units, in the shop's currency
    order_ms   BIGINT NOT NULL, -- from the visit's beginning to its first order
    PRIMARY KEY (shop_id, day, stage, persona, device, source, came_back)
);

-- What visitors of each first week came to later. Weeks are named by their Monday, in days since 1970.
CREATE TABLE journey_weeks (
    shop_id    TEXT   NOT NULL,
    first_week BIGINT NOT NULL,
    week       BIGINT NOT NULL,
    began      BIGINT NOT NULL, -- first visits
    visits     BIGINT NOT NULL,
    buyers     BIGINT NOT NULL,
    orders     BIGINT NOT NULL,
    revenue    BIGINT NOT NULL,
    PRIMARY KEY (shop_id, first_week, week)
);

-- What sales are credited to, by the day of the sale.
CREATE TABLE journey_credits (
    shop_id    TEXT   NOT NULL,
    day        BIGINT NOT NULL,
    model      TEXT   NOT NULL, -- first, last, linear, position, decay
    touchpoint TEXT   NOT NULL,
    sales      BIGINT NOT NULL, -- in millionths
    revenue    BIGINT NOT NULL, -- minor units, in the shop's currency
    PRIMARY KEY (shop_id, day, model, touchpoint)
);

-- Requests of a caller in a minute, where a contract bounds them.
CREATE TABLE request_counts (
    shop_id TEXT   NOT NULL,
    caller  TEXT   NOT NULL,
    minute  BIGINT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (shop_id, caller, minute)
);
