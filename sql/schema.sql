-- The old model, Moodle learners only. Kept for reference: a new base takes schema-multi-origin.sql,
-- a base made from this script takes schema-migration-multi-origin.sql.

\set ON_ERROR_STOP on
\set QUIET on
\encoding UTF8

BEGIN;

CREATE TABLE apprenants (
    id             SERIAL PRIMARY KEY,
    moodle_user_id INTEGER NOT NULL UNIQUE,
    email          VARCHAR(255),
    date_creation  TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE progress (
    id           SERIAL PRIMARY KEY,
    apprenant_id INTEGER NOT NULL REFERENCES apprenants (id) ON DELETE CASCADE,
    grain_id     VARCHAR(255) NOT NULL,
    module_id    VARCHAR(255),
    sequence_id  VARCHAR(255),
    completed_at TIMESTAMPTZ NOT NULL
);

COMMIT;

\echo 'Ancien modèle créé : apprenants (Moodle seul) et progress.'
