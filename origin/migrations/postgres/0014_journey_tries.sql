-- A try for which the shop had too little is kept, too: it has figures that say so, and no model.
ALTER TABLE journey_models DROP CONSTRAINT journey_models_state_check;
ALTER TABLE journey_models ALTER COLUMN model DROP NOT NULL;
ALTER TABLE journey_models ADD CONSTRAINT journey_models_state_check
    CHECK (state IN ('published', 'beaten', 'too_few'));
ALTER TABLE journey_models ADD CONSTRAINT journey_models_model_check
    CHECK ((model IS NULL) = (state = 'too_few'));
