-- The data model on SQLite: columns and rules as in sql/schema-multi-origin.sql, for a Directus over
-- SQLite. The column types are those that Directus reads as integer, string and timestamp.

CREATE TABLE apprenants (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    origin VARCHAR(50) NOT NULL
        CONSTRAINT apprenants_origin_check CHECK (origin IN ('moodle', 'funmooc', 'direct')),
    external_user_id VARCHAR(255) NOT NULL,
    email VARCHAR(255),
    date_creation TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT apprenants_origin_external_user_id_key UNIQUE (origin, external_user_id)
);

-- The foreign key has the name that Directus expects: it would double one with another name.
CREATE TABLE progress (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    apprenant_id INTEGER NOT NULL,
    grain_id VARCHAR(255) NOT NULL,
    module_id VARCHAR(255),
    sequence_id VARCHAR(255),
    completed_at TIMESTAMP NOT NULL,
    CONSTRAINT progress_apprenant_id_grain_id_key UNIQUE (apprenant_id, grain_id),
    CONSTRAINT progress_apprenant_id_foreign
        FOREIGN KEY (apprenant_id) REFERENCES apprenants (id) ON DELETE CASCADE
);
