-- The model for the three origins, on a fresh base. One transaction, safe to run twice; touches no
-- table that exists already. The names of constraints are those PostgreSQL gives of itself, written
-- out because the migration and progress-unique.sql must give the same ones.

\set ON_ERROR_STOP on
\set QUIET on
\set SHOW_CONTEXT never
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

SELECT to_regclass('apprenants') IS NOT NULL OR to_regclass('progress') IS NOT NULL AS existe,
       (SELECT count(*) = 3 FROM pg_constraint
         WHERE (conrelid, conname) IN (
             (to_regclass('apprenants'), 'apprenants_origin_check'),
             (to_regclass('apprenants'), 'apprenants_origin_external_user_id_key'),
             (to_regclass('progress'), 'progress_apprenant_id_grain_id_key'))) AS a_jour
\gset

\if :a_jour
    COMMIT;
    \echo 'Rien à faire : apprenants et progress sont déjà au modèle multi-origine.'
\elif :existe
    DO $$
    BEGIN
        RAISE EXCEPTION 'apprenants ou progress existe déjà : rien n''a été changé'
            USING HINT = 'Ce script est pour une base neuve. Base existante : '
                || 'schema-migration-multi-origin.sql, puis progress-unique.sql.';
    END
    $$;
\else
    CREATE TABLE apprenants (
        id               SERIAL PRIMARY KEY,
        origin           VARCHAR(50) NOT NULL
            CONSTRAINT apprenants_origin_check
            CHECK (origin IN ('moodle', 'funmooc', 'direct')),
        external_user_id VARCHAR(255) NOT NULL,
        email            VARCHAR(255),
        date_creation    TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
        CONSTRAINT apprenants_origin_external_user_id_key UNIQUE (origin, external_user_id)
    );

    -- A learner who is erased leaves no progress behind, whoever erases them.
    -- The unique constraint's index serves the look-ups by learner, and by learner and grain.
    CREATE TABLE progress (
        id           SERIAL PRIMARY KEY,
        apprenant_id INTEGER NOT NULL
            CONSTRAINT progress_apprenant_id_fkey REFERENCES apprenants (id) ON DELETE CASCADE,
        grain_id     VARCHAR(255) NOT NULL,
        module_id    VARCHAR(255),
        sequence_id  VARCHAR(255),
        completed_at TIMESTAMPTZ NOT NULL,
        CONSTRAINT progress_apprenant_id_grain_id_key UNIQUE (apprenant_id, grain_id)
    );

    COMMIT;
    \echo 'Base créée : apprenants (moodle, funmooc, direct) et progress.'
\endif
\echo 'Après :' :lieu
