-- The old model, Moodle learners only. Kept for reference: a new base takes schema-multi-origin.sql,
-- a base made from this script takes schema-migration-multi-origin.sql.

\set ON_ERROR_STOP on
\set QUIET on
\encoding UTF8

-- Where are we? Said before and after, since an unset URL leads to whatever base psql thinks of.
SELECT format('base « %s », hôte %s:%s, schéma %s, rôle %s', current_database(), :'HOST', :'PORT',
              coalesce(current_schema(), '(aucun)'), current_user) AS lieu,
       current_database() IN ('postgres', 'template0', 'template1') AS base_du_serveur
\gset
\echo 'Avant :' :lieu
\if :{?base_systeme}
\elif :base_du_serveur
    DO $$
    BEGIN
        RAISE EXCEPTION 'la base % est celle du serveur : rien n''a été changé', current_database()
            USING HINT = 'L''adresse donnée à psql est-elle vide (DATABASE_URL) ? Pour y écrire '
                || 'quand même : psql -v base_systeme=oui ...';
    END
    $$;
\endif

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
\echo 'Après :' :lieu
