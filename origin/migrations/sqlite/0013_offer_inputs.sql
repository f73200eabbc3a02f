-- The profile by which an offer was decided, as JSON, so that the decision can be explained and made again. NULL in
-- offers that were made before this was kept.
ALTER TABLE offers ADD COLUMN decided_on TEXT;
