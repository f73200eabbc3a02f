-- A try for which the shop had too little is kept, too: it has figures that say so, and no model.
CREATE TABLE journey_tries (
    shop_id  TEXT   NOT NULL,
    number   BIGINT NOT NULL,
    tried_at BIGINT NOT NULL,
    state    TEXT   NOT NULL CHECK (state IN ('published', 'beaten', 'too_few')),
    model    TEXT, -- JSON
    figures  TEXT   NOT NULL, -- JSON: how good it is, and how good the one in service was; or how little there was
    CHECK ((model IS NULL) = (state = 'too_few')),
    PRIMARY KEY (shop_id, number)
) WITHOUT ROWID;

INSERT INTO journey_tries (shop_id, number, tried_at, state, model, figures)
    SELECT shop_id, number, tried_at, state, model, figures FROM journey_models;

DROP TABLE journey_models;

ALTER TABLE journey_tries RENAME TO journey_models;
