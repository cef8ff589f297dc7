-- Leaves one row of progress for a learner and a grain, and adds UNIQUE(apprenant_id, grain_id), as a
-- fresh base has it. For a base of either model. One transaction, safe to run twice.
--
-- The row that stays is the one the bridge would keep (Progress.precedes in bridge/model.py): the
-- earliest; at the same instant one that names its module and sequence, then the lesser ids.
-- The others move to progress_doublons, so that their owner can look at them; there too they go
-- when their learner is erased.
--
-- Locks: progress can be read until the end and not written; ACCESS EXCLUSIVE is held for an instant,
-- the time to make a constraint of the index that is built by then.

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

BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL client_min_messages = warning;
SET LOCAL row_security = off;
SET CONSTRAINTS ALL IMMEDIATE;

-- The tables, wherever the search_path finds them; what is made below goes beside them.
DO $$
DECLARE
    nom name;
    trouve record;
    place text;
    ailleurs text;
BEGIN
    FOREACH nom IN ARRAY ARRAY['apprenants', 'progress'] LOOP
        SELECT pg_class.oid, relkind, quote_ident(nspname) AS schema INTO trouve
          FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
         WHERE pg_class.oid = to_regclass(nom);
        IF trouve.oid IS NULL THEN
            SELECT string_agg(quote_ident(nspname), ', ' ORDER BY nspname) INTO ailleurs
              FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
             WHERE relname = nom AND relkind IN ('r', 'p', 'v', 'm', 'f');
            RAISE EXCEPTION 'pas de table % ici (search_path : %) : rien n''a été changé',
                    nom, current_setting('search_path')
                USING HINT = coalesce(
                    'Il y en a une dans : ' || ailleurs
                        || '. PGOPTIONS=''-c search_path=le_schema'' psql ...',
                    'Est-ce la bonne base (-d) ? Base neuve : schema-multi-origin.sql.');
        ELSIF trouve.relkind = 'p' AND NOT EXISTS (SELECT FROM pg_constraint
                WHERE conrelid = trouve.oid AND conname = 'progress_apprenant_id_grain_id_key') THEN
            RAISE EXCEPTION '%.% est une table partitionnée, par % : rien n''a été changé',
                    trouve.schema, nom, pg_get_partkeydef(trouve.oid)
                USING HINT = 'Ce script ne sait pas la changer : PostgreSQL n''y garde que des '
                    || 'contraintes UNIQUE qui contiennent la clé de partition.';
        ELSIF trouve.relkind NOT IN ('r', 'p') THEN
            RAISE EXCEPTION '%.% est une % : rien n''a été changé', trouve.schema, nom,
                    CASE trouve.relkind WHEN 'v' THEN 'vue' WHEN 'm' THEN 'vue matérialisée'
                        WHEN 'f' THEN 'table distante' ELSE 'relation d''une autre sorte' END
                USING HINT = 'Lancez ce script là où est la table elle-même : son schéma '
                    || '(search_path), ou sa base.';
        ELSIF EXISTS (SELECT FROM pg_inherits WHERE inhparent = trouve.oid)
              AND trouve.relkind = 'r' THEN
            RAISE EXCEPTION '%.% a des tables filles (INHERITS) : rien n''a été changé',
                    trouve.schema, nom
                USING HINT = 'Aucune contrainte UNIQUE ne vaut pour elles toutes : '
                    || 'réunissez d''abord leurs lignes dans une seule table.';
        END IF;
        place := trouve.schema;
    END LOOP;
    PERFORM set_config('search_path', place || ', ' || current_setting('search_path'), true);
    IF current_setting('lock_timeout') = '0' THEN
        SET LOCAL lock_timeout = '5s'; -- whoever comes while we wait has to wait behind us
    END IF;
END
$$;

SELECT format('base « %s », hôte %s:%s, schéma %s, rôle %s', current_database(), :'HOST', :'PORT',
              current_schema(), current_user) AS lieu
\gset

SELECT EXISTS (SELECT FROM pg_constraint
                WHERE conrelid = 'progress'::regclass
                  AND conname = 'progress_apprenant_id_grain_id_key'
                  AND pg_get_constraintdef(oid) = 'UNIQUE (apprenant_id, grain_id)') AS a_jour
\gset

\if :a_jour
    COMMIT;
    \echo 'Rien à faire : progress a déjà UNIQUE(apprenant_id, grain_id).'
    \echo 'Après :' :lieu
    \q
\endif

-- apprenants first, as in a writer's transaction: the foreign key of progress_doublons needs it
DO $$
BEGIN
    LOCK TABLE apprenants, progress IN SHARE ROW EXCLUSIVE MODE;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION 'progress ou apprenants est restée occupée plus de % : rien n''a été changé',
            current_setting('lock_timeout')
        USING ERRCODE = 'lock_not_available',
            HINT = 'Relancez à une heure calme, ou attendez plus longtemps : '
                || 'PGOPTIONS=''-c lock_timeout=60s'' psql ...';
END
$$;

-- A row somewhere else must not vanish, or lose its link, with the row of progress it points to.
DO $$
DECLARE
    tables text;
BEGIN
    SELECT string_agg(conrelid::regclass::text, ', ') INTO tables
      FROM pg_constraint
     WHERE confrelid = 'progress'::regclass AND contype = 'f' AND confdeltype IN ('c', 'n', 'd');
    IF tables IS NOT NULL AND EXISTS (SELECT FROM progress
            WHERE apprenant_id IS NOT NULL AND grain_id IS NOT NULL
            GROUP BY apprenant_id, grain_id HAVING count(*) > 1) THEN
        RAISE EXCEPTION 'progress a des doublons, et % les suivrait : rien n''a été changé', tables
            USING HINT = 'Rattachez d''abord ces lignes à la ligne la plus ancienne, '
                || 'ou retirez la clé étrangère ON DELETE CASCADE / SET NULL.';
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS progress_doublons (LIKE progress);
ALTER TABLE progress_doublons
    ADD COLUMN IF NOT EXISTS retire_le TIMESTAMPTZ,
    DROP CONSTRAINT IF EXISTS progress_doublons_apprenant_id_fkey;

-- COLLATE "C" is the bridge's order of texts (by code point), and the quickest to sort.
WITH rangee AS (
    SELECT ctid AS ligne, row_number() OVER (
               PARTITION BY apprenant_id, grain_id::text COLLATE "C"
               ORDER BY completed_at NULLS LAST, module_id::text COLLATE "C" NULLS LAST,
                        sequence_id::text COLLATE "C" NULLS LAST, id) AS rang
      FROM progress
     WHERE apprenant_id IS NOT NULL AND grain_id IS NOT NULL
), retiree AS (
    DELETE FROM progress
     WHERE ctid = ANY (ARRAY(SELECT ligne FROM rangee WHERE rang > 1))
    RETURNING *
)
INSERT INTO progress_doublons SELECT *, CURRENT_TIMESTAMP FROM retiree;
\set retirees :ROW_COUNT

SELECT NOT EXISTS (SELECT FROM progress_doublons) AS vide \gset
\if :vide
    DROP TABLE progress_doublons;
\else
    -- NOT VALID: an old base without foreign keys may hold progress of learners who are gone
    ALTER TABLE progress_doublons ADD CONSTRAINT progress_doublons_apprenant_id_fkey
        FOREIGN KEY (apprenant_id) REFERENCES apprenants (id) ON DELETE CASCADE NOT VALID;
\endif

-- The index may be there already, as somebody's unique index or constraint of another name.
DO $$
DECLARE
    indice regclass;
    nom name;
BEGIN
    SELECT indexrelid::regclass, conname INTO indice, nom
      FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid AND contype = 'u'
     WHERE indrelid = 'progress'::regclass AND indisunique AND indisvalid AND indimmediate
       AND NOT indisprimary AND indpred IS NULL AND indexprs IS NULL
       AND indkey::text = (
            SELECT min(attnum) FILTER (WHERE attname = 'apprenant_id') || ' '
                || min(attnum) FILTER (WHERE attname = 'grain_id')
              FROM pg_attribute WHERE attrelid = 'progress'::regclass)
     LIMIT 1;
    IF indice IS NULL THEN
        CREATE UNIQUE INDEX progress_apprenant_id_grain_id_key
            ON progress (apprenant_id, grain_id);
        indice := 'progress_apprenant_id_grain_id_key';
    END IF;
    LOCK TABLE progress IN ACCESS EXCLUSIVE MODE;
    IF nom IS NOT NULL THEN
        EXECUTE format('ALTER TABLE progress RENAME CONSTRAINT %I '
                       'TO progress_apprenant_id_grain_id_key', nom);
    ELSE
        EXECUTE format('ALTER TABLE progress ADD CONSTRAINT '
                       'progress_apprenant_id_grain_id_key UNIQUE USING INDEX %s', indice);
    END IF;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION 'progress est restée occupée plus de % : rien n''a été changé',
            current_setting('lock_timeout')
        USING ERRCODE = 'lock_not_available', HINT = 'Relancez à une heure calme.';
END
$$;

COMMIT;

\echo 'Fait : UNIQUE(apprenant_id, grain_id) est sur progress. Lignes en double retirées :' :retirees
\if :vide
\else
    \echo 'Elles sont gardées dans la table progress_doublons ; supprimez-la après examen.'
\endif
\echo 'Après :' :lieu
