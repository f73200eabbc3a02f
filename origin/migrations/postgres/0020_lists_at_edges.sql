-- When a version of a recommender was put in service last; later than all that were before, so that edges know which of
-- two lists is the newer one.
ALTER TABLE recommenders ADD COLUMN served_at BIGINT NOT NULL DEFAULT 0;
