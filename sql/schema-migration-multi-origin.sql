-- Takes a live Moodle-only base to the multi-origin model: apprenants gets origin and
-- external_user_id, keeps moodle_user_id for old readers and writers; progress is not touched.
--
-- One transaction, safe to run twice, also on a base that somebody began to migrate by hand. A base
-- that cannot be migrated is left as it was, and the message names the rows.
--
-- Locks: the rows are checked under a reader's lock, which stops nobody. Then one ACCESS EXCLUSIVE on
-- apprenants, in one step (two could deadlock with the applications), held until the end: adding
-- columns takes it, and in one transaction nothing gives it back. So apprenants cannot be read
-- while its rows are filled (seconds; see the README); progress can, and waits only to insert. The
-- rows are filled by UPDATE although a rewrite by ALTER TYPE is quicker: a backup that began before
-- a rewrite would find apprenants empty (PostgreSQL manual, "Caveats" of MVCC).
--
-- Texts are kept to Latin-1 characters, so that bases in that encoding take them.

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
SET LOCAL row_security = off;  -- a row hidden from the check would be an error, not a surprise
SET CONSTRAINTS ALL IMMEDIATE; -- a table with pending triggers cannot be altered

-- The tables, wherever the search_path finds them; what is made below goes beside them.
DO $$
DECLARE
    nom name;
    trouve record;
    place text;
    ailleurs text;
BEGIN
    FOREACH nom IN ARRAY ARRAY['apprenants'] LOOP
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

-- What is there already? NOT NULL is what a fresh base has. Where old writers remain it is a CHECK:
-- Directus refuses a row that lacks a NOT NULL column before the trigger below can fill it
-- (processPayload in directus/api, 10 to 12).
WITH colonne AS (
    SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull, atthasdef
      FROM pg_attribute
     WHERE attrelid = 'apprenants'::regclass AND attnum > 0 AND NOT attisdropped
), ancienne AS (
    SELECT count(*) = 1 AS la, coalesce(bool_or(attnotnull OR atthasdef), false) AS stricte
      FROM colonne WHERE attname = 'moodle_user_id'
), contrainte AS (
    SELECT conname, pg_get_constraintdef(oid) AS texte
      FROM pg_constraint WHERE conrelid = 'apprenants'::regclass AND convalidated
)
SELECT ancienne.la AS ancien_modele,
       NOT EXISTS (SELECT FROM colonne WHERE attname = 'date_creation' AND atthasdef) AS sans_date,
       NOT ancienne.stricte
       AND (SELECT count(*) = 2 FROM colonne
             WHERE (attname, type) IN (('origin', 'character varying(50)'),
                                       ('external_user_id', 'character varying(255)'))
               AND NOT atthasdef AND attnotnull <> ancienne.la)
       AND (SELECT count(*) = 2 FROM colonne
             WHERE attname = 'email' OR attname = 'date_creation' AND atthasdef)
       AND (SELECT count(*) = 2 + ancienne.la::int FROM contrainte
             WHERE conname = 'apprenants_origin_external_user_id_key'
                   AND texte = 'UNIQUE (origin, external_user_id)'
                OR conname = 'apprenants_origin_check'
                   AND texte LIKE ALL (ARRAY['%''moodle''%', '%''funmooc''%', '%''direct''%'])
                OR conname = 'apprenants_identite_check')
       AND ancienne.la = EXISTS (SELECT FROM pg_trigger
             WHERE tgrelid = 'apprenants'::regclass AND tgname = 'apprenants_identite'
               AND tgenabled IN ('O', 'A')) AS a_jour
  FROM ancienne
\gset

\if :a_jour
    COMMIT;
    \echo 'Rien à faire : apprenants est déjà au modèle multi-origine.'
    \echo 'Après :' :lieu
    \q
\endif

-- Stops with the rows that have no valid, unique identity. Dropped before the end; called twice:
-- before the lock, so that a base to be mended is not disturbed, and under it, for rows that came
-- meanwhile.
-- The rule for a Moodle id is the bridge's: digits, 1 to 2^63-1, no leading zero; spaces around it
-- are not part of it.
CREATE FUNCTION apprenants_migration_controle() RETURNS void LANGUAGE plpgsql AS $controle$
DECLARE
    nombre bigint;
    premieres text;
BEGIN
    -- A column that apprenants does not have (yet) is found in "absente", as NULL.
    WITH lue AS (
        SELECT ligne.*
          FROM (SELECT NULL::text AS moodle_user_id, NULL::text AS origin,
                       NULL::text AS external_user_id) AS absente,
               LATERAL (SELECT id, moodle_user_id::text AS ecrit,
                               btrim(moodle_user_id::text, E' \t\n\r\f\x0B') AS moodle,
                               origin::text AS origin, external_user_id::text AS externe
                          FROM apprenants) AS ligne
    ), identite AS (
        SELECT *, coalesce(origin, CASE WHEN moodle IS NOT NULL THEN 'moodle' END) AS origine,
               coalesce(externe, moodle) COLLATE "C" AS identifiant
          FROM lue
    ), jugee AS (
        SELECT *, CASE
            WHEN origine IS NULL OR coalesce(identifiant, '') = '' THEN 'aucun identifiant'
            WHEN origine NOT IN ('moodle', 'funmooc', 'direct') THEN 'origine inconnue'
            WHEN moodle IS NOT NULL AND (origine <> 'moodle' OR identifiant <> moodle)
                THEN 'moodle_user_id contredit origin et external_user_id'
            WHEN origine = 'moodle' AND (identifiant !~ '^[1-9][0-9]*$'
                 OR length(identifiant) > 19
                 OR length(identifiant) = 19 AND identifiant > '9223372036854775807')
                THEN 'pas un identifiant Moodle (1 à 2^63-1, sans zéro devant)'
            WHEN count(*) OVER (PARTITION BY origine COLLATE "C", identifiant) > 1 THEN 'en double'
            END AS faute
          FROM identite
    ), fautive AS (
        SELECT *, row_number() OVER (ORDER BY faute, identifiant, id) AS rang
          FROM jugee WHERE faute IS NOT NULL
    )
    SELECT count(*), string_agg(concat_ws(', ', 'id ' || id,
               'moodle_user_id ' || quote_nullable(left(ecrit, 80)),
               'origin ' || quote_literal(left(origin, 80)),
               'external_user_id ' || quote_literal(left(externe, 80))) || ' : ' || faute,
               E'\n' ORDER BY rang) FILTER (WHERE rang <= 20)
      INTO nombre, premieres
      FROM fautive;
    IF nombre > 0 THEN
        RAISE EXCEPTION 'lignes de apprenants à corriger d''abord : % ; rien n''a été changé', nombre
            USING DETAIL = premieres
                || CASE WHEN nombre > 20 THEN format(E'\n(et %s autres)', nombre - 20) ELSE '' END,
            HINT = 'Corrigez ces lignes, puis relancez ce script. '
                || 'Deux lignes d''un même apprenant : voir sql/README.md.';
    END IF;
END
$controle$;

SELECT apprenants_migration_controle() AS controle \gset

DO $$
BEGIN
    LOCK TABLE apprenants IN ACCESS EXCLUSIVE MODE;
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    RAISE EXCEPTION 'apprenants est restée occupée plus de % : rien n''a été changé',
            current_setting('lock_timeout')
        USING ERRCODE = 'lock_not_available',
            DETAIL = (SELECT 'Processus PostgreSQL qui la tiennent : ' || string_agg(pid::text, ', ')
                        FROM pg_locks
                       WHERE relation = 'apprenants'::regclass AND granted
                         AND pid <> pg_backend_pid()),
            HINT = 'Relancez à une heure calme, ou attendez plus longtemps : '
                || 'PGOPTIONS=''-c lock_timeout=60s'' psql ...';
END
$$;

DROP TRIGGER IF EXISTS apprenants_identite ON apprenants;
ALTER TABLE apprenants
    ADD COLUMN IF NOT EXISTS origin VARCHAR(50),
    ADD COLUMN IF NOT EXISTS external_user_id VARCHAR(255),
    ADD COLUMN IF NOT EXISTS email VARCHAR(255),
    ADD COLUMN IF NOT EXISTS date_creation TIMESTAMPTZ;
SELECT apprenants_migration_controle() AS controle \gset
DROP FUNCTION apprenants_migration_controle();

-- What was made by hand is brought to the names and types of a fresh base.
DO $$
DECLARE
    o smallint;
    e smallint;
    nom name;
    indice regclass;
BEGIN
    SELECT min(attnum) FILTER (WHERE attname = 'origin'),
           min(attnum) FILTER (WHERE attname = 'external_user_id') INTO o, e
      FROM pg_attribute WHERE attrelid = 'apprenants'::regclass;
    FOR nom IN SELECT conname FROM pg_constraint WHERE conrelid = 'apprenants'::regclass
                AND contype = 'c' AND (conkey = ARRAY[o]
                     OR conname IN ('apprenants_origin_check', 'apprenants_identite_check')) LOOP
        EXECUTE format('ALTER TABLE apprenants DROP CONSTRAINT %I', nom);
    END LOOP;
    ALTER TABLE apprenants ALTER COLUMN origin DROP DEFAULT,
        ALTER COLUMN external_user_id DROP DEFAULT;
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'apprenants'::regclass
                AND (attnum = o AND format_type(atttypid, atttypmod) <> 'character varying(50)'
                  OR attnum = e AND format_type(atttypid, atttypmod) <> 'character varying(255)'))
    THEN
        ALTER TABLE apprenants ALTER COLUMN origin TYPE VARCHAR(50),
            ALTER COLUMN external_user_id TYPE VARCHAR(255);
    END IF;

    SELECT indexrelid::regclass, conname INTO indice, nom
      FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid AND contype = 'u'
     WHERE indrelid = 'apprenants'::regclass AND indkey::text = o || ' ' || e
       AND indisunique AND indisvalid AND indimmediate AND NOT indisprimary
       AND indpred IS NULL AND indexprs IS NULL
     ORDER BY conname = 'apprenants_origin_external_user_id_key' DESC NULLS LAST LIMIT 1;
    IF nom <> 'apprenants_origin_external_user_id_key' THEN
        EXECUTE format('ALTER TABLE apprenants RENAME CONSTRAINT %I '
                       'TO apprenants_origin_external_user_id_key', nom);
    ELSIF nom IS NULL AND indice IS NOT NULL THEN
        EXECUTE format('ALTER TABLE apprenants ADD CONSTRAINT '
                       'apprenants_origin_external_user_id_key UNIQUE USING INDEX %s', indice);
    END IF;
END
$$;

\set remplies 0
\if :ancien_modele
    UPDATE apprenants
       SET origin = 'moodle',
           external_user_id = btrim(moodle_user_id::text, E' \t\n\r\f\x0B')
     WHERE moodle_user_id IS NOT NULL AND (origin IS NULL OR external_user_id IS NULL);
    \set remplies :ROW_COUNT
\endif

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'apprenants'::regclass
                    AND conname = 'apprenants_origin_external_user_id_key') THEN
        ALTER TABLE apprenants ADD CONSTRAINT apprenants_origin_external_user_id_key
            UNIQUE (origin, external_user_id);
    END IF;
END
$$;
ALTER TABLE apprenants ADD CONSTRAINT apprenants_origin_check
    CHECK (origin IN ('moodle', 'funmooc', 'direct'));
\if :sans_date
    ALTER TABLE apprenants ALTER COLUMN date_creation SET DEFAULT CURRENT_TIMESTAMP;
\endif

\if :ancien_modele
    ALTER TABLE apprenants
        ALTER COLUMN moodle_user_id DROP NOT NULL,
        ALTER COLUMN moodle_user_id DROP DEFAULT,
        ALTER COLUMN origin DROP NOT NULL,
        ALTER COLUMN external_user_id DROP NOT NULL,
        ADD CONSTRAINT apprenants_identite_check
            CHECK (origin IS NOT NULL AND external_user_id IS NOT NULL);

    -- Keeps moodle_user_id and (origin, external_user_id) in step: what a statement sets, the other
    -- side follows; setting both so that they disagree is an error. A Moodle id that the column's
    -- type cannot hold (over 2^31 in an INTEGER) leaves it NULL: a new writer must not fail for
    -- the sake of old readers, who cannot ask for such an id anyway.
    CREATE OR REPLACE FUNCTION apprenants_identite() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp AS $identite$
    DECLARE
        moodle CONSTANT text := btrim(NEW.moodle_user_id::text, E' \t\n\r\f\x0B');
        identifiant text COLLATE "C" := coalesce(moodle, NEW.external_user_id);
        valide boolean;
        manque text;
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            IF NEW.moodle_user_id IS NOT DISTINCT FROM OLD.moodle_user_id THEN
                IF (NEW.origin, NEW.external_user_id)
                   IS DISTINCT FROM (OLD.origin, OLD.external_user_id) THEN
                    NEW.moodle_user_id := NULL;
                    identifiant := NEW.external_user_id;
                END IF;
            ELSIF NEW.origin = 'moodle' AND OLD.origin = 'moodle'
                  AND NEW.external_user_id = OLD.external_user_id THEN
                NEW.external_user_id := NULL;
                identifiant := moodle;
            END IF;
        END IF;

        valide := identifiant ~ '^[1-9][0-9]{0,18}$'
                  AND (length(identifiant) < 19 OR identifiant <= '9223372036854775807');
        IF NEW.moodle_user_id IS NOT NULL THEN
            IF NOT valide THEN
                RAISE EXCEPTION 'moodle_user_id % : pas un identifiant Moodle',
                    quote_literal(left(moodle, 80)) USING ERRCODE = 'check_violation';
            END IF;
            NEW.origin := coalesce(NEW.origin, 'moodle');
            NEW.external_user_id := coalesce(NEW.external_user_id, moodle);
            IF NEW.origin <> 'moodle' OR NEW.external_user_id <> moodle THEN
                RAISE EXCEPTION 'moodle_user_id contredit origin et external_user_id'
                    USING ERRCODE = 'check_violation';
            END IF;
        ELSIF NEW.origin = 'moodle' AND valide THEN
            BEGIN
                NEW.moodle_user_id := identifiant;
            EXCEPTION WHEN data_exception THEN
                NULL; -- the column's type cannot hold it
            END;
        END IF;

        manque := CASE WHEN NEW.origin IS NULL THEN 'origin'
                       WHEN NEW.external_user_id IS NULL THEN 'external_user_id' END;
        IF manque IS NOT NULL THEN
            -- worded as for a NOT NULL column, so that Directus answers as for one
            RAISE EXCEPTION 'null value in column "%" violates not-null constraint', manque
                USING ERRCODE = 'not_null_violation', TABLE = 'apprenants', COLUMN = manque;
        END IF;
        RETURN NEW;
    END
    $identite$;
    CREATE TRIGGER apprenants_identite
        BEFORE INSERT OR UPDATE ON apprenants
        FOR EACH ROW EXECUTE FUNCTION apprenants_identite();

    -- rows that somebody inserted the new way before the trigger was there
    UPDATE apprenants SET external_user_id = external_user_id
     WHERE origin = 'moodle' AND moodle_user_id IS NULL;
\else
    ALTER TABLE apprenants
        ALTER COLUMN origin SET NOT NULL,
        ALTER COLUMN external_user_id SET NOT NULL;
\endif

COMMIT;

\echo 'Migration faite : origin et external_user_id remplis pour' :remplies 'apprenants Moodle.'
\echo 'Ensuite : progress-unique.sql, puis progress-bridge setup (Directus relit alors les tables).'
\echo 'Après :' :lieu
