-- Recommenders that were trained, and the lists that they made.
CREATE TABLE recommenders (
    shop_id      TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('making', 'serving', 'retired', 'forgotten')),
    trained_at   BIGINT NOT NULL,
    data_version TEXT   NOT NULL, -- of the purchases that it was trained on
    recipe       TEXT   NOT NULL, -- JSON: the model, its settings, and what is mixed in
    report       TEXT   NOT NULL, -- JSON: its figures, and those of the others
    PRIMARY KEY (shop_id, version)
) WITHOUT ROWID;
CREATE UNIQUE INDEX recommenders_serving ON recommenders (shop_id) WHERE state = 'serving';

CREATE TABLE recommendations (
    shop_id           TEXT   NOT NULL,
    version           BIGINT NOT NULL,
    customer          TEXT   NOT NULL, -- the shop's own id, else the email; empty for who has no history
    list              TEXT   NOT NULL, -- JSON, the best first
    similar_customers TEXT   NOT NULL, -- JSON, the likest first
    PRIMARY KEY (shop_id, version, customer)
) WITHOUT ROWID;
