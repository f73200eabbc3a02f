-- What shoppers are shown: the shop's catalogue of content, the kits that were published of it, and what came of
-- each variant.

-- How many of a product are left, as the shop told; NULL is not known.
ALTER TABLE products ADD COLUMN stock BIGINT;

CREATE TABLE content (
    shop_id    TEXT   NOT NULL PRIMARY KEY REFERENCES shops (id),
    body       TEXT   NOT NULL, -- the catalogue as JSON
    updated_at BIGINT NOT NULL
);

-- Every version stays: a decision is explained and made again with the kit that it was made with.
CREATE TABLE kits (
    shop_id      TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    body         TEXT   NOT NULL, -- the kit as JSON
    PRIMARY KEY (shop_id, version)
);

-- What a visit was shown first in each slot; the slot '' stands for all slots together.
CREATE TABLE exposures (
    shop_id    TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    visit      BIGINT NOT NULL,
    slot       TEXT   NOT NULL,
    on_seq     BIGINT NOT NULL, -- the last happening that the decision knew
    held_out   BIGINT NOT NULL, -- 1 where the visit is left alone
    variants   TEXT   NOT NULL, -- JSON: the one that was shown, or those that would have been possible
    sold       BIGINT NOT NULL, -- 1 where the visit bought afterwards
    PRIMARY KEY (shop_id, session_id, visit, slot)
);

-- The sums of the exposures.
CREATE TABLE exposure_counts (
    shop_id     TEXT   NOT NULL,
    slot        TEXT   NOT NULL,
    variant     TEXT   NOT NULL, -- '' in the slot ''
    held_out    BIGINT NOT NULL, -- 1 counts the visits that were left alone and could have had it
    sessions    BIGINT NOT NULL,
    conversions BIGINT NOT NULL,
    PRIMARY KEY (shop_id, slot, variant, held_out)
);
