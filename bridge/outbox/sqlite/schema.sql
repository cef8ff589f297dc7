-- The outbox's file. Safe to run twice, and by two processes at once; so it also brings a file of
-- an older version up to date. 1: all but erasures. 2: erasures. 3: store.
BEGIN IMMEDIATE;

-- Items nobody has leased yet, first put first. No index but the key: a put writes one page of it.
CREATE TABLE IF NOT EXISTS waiting (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    external_user_id TEXT NOT NULL,
    grain_id TEXT NOT NULL,
    module_id TEXT,
    sequence_id TEXT,
    completed_at TEXT NOT NULL,
    email TEXT,
    put_at REAL NOT NULL
);

-- Items that were leased at least once: by a worker (leased = 1), or given back since (leased = 0).
-- An item is held back only while since <= now < until, so a clock that jumps, either way, holds
-- nothing for longer than was meant.
CREATE TABLE IF NOT EXISTS held (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    external_user_id TEXT NOT NULL,
    grain_id TEXT NOT NULL,
    module_id TEXT,
    sequence_id TEXT,
    completed_at TEXT NOT NULL,
    email TEXT,
    put_at REAL NOT NULL,
    attempts INTEGER NOT NULL,
    leased INTEGER NOT NULL,
    since REAL NOT NULL,
    until REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS held_until ON held (until);
CREATE INDEX IF NOT EXISTS held_since ON held (since);
CREATE INDEX IF NOT EXISTS held_leased ON held (until, since) WHERE leased = 1;

-- Dead letters. AUTOINCREMENT: an id that an operator was told never means another letter.
CREATE TABLE IF NOT EXISTS dead (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    origin TEXT NOT NULL,
    external_user_id TEXT NOT NULL,
    grain_id TEXT NOT NULL,
    module_id TEXT,
    sequence_id TEXT,
    completed_at TEXT NOT NULL,
    email TEXT,
    reason TEXT NOT NULL,
    died_at REAL NOT NULL
);

-- One row: what would have to be counted row by row. Ids of waiting are given out one after the
-- other from 1, and each is either still waiting or gone; so a put need not touch this row.
CREATE TABLE IF NOT EXISTS tally (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    gone INTEGER NOT NULL DEFAULT 0,
    last_gone INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    dead INTEGER NOT NULL DEFAULT 0
);
INSERT OR IGNORE INTO tally (one) VALUES (1);

CREATE TRIGGER IF NOT EXISTS waiting_less AFTER DELETE ON waiting BEGIN
    UPDATE tally SET gone = gone + 1, last_gone = max(last_gone, old.id);
END;
CREATE TRIGGER IF NOT EXISTS held_more AFTER INSERT ON held BEGIN
    UPDATE tally SET held = held + 1;
END;
CREATE TRIGGER IF NOT EXISTS held_less AFTER DELETE ON held BEGIN
    UPDATE tally SET held = held - 1;
END;
CREATE TRIGGER IF NOT EXISTS dead_more AFTER INSERT ON dead BEGIN
    UPDATE tally SET dead = dead + 1;
END;
CREATE TRIGGER IF NOT EXISTS dead_less AFTER DELETE ON dead BEGIN
    UPDATE tally SET dead = dead - 1;
END;

-- Learners who are to be erased from the store. Held back as in held; the token is its worker's.
CREATE TABLE IF NOT EXISTS erasures (
    origin TEXT NOT NULL,
    external_user_id TEXT NOT NULL,
    asked_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    erased INTEGER NOT NULL DEFAULT 0,
    token TEXT NOT NULL DEFAULT '',
    since REAL NOT NULL DEFAULT 0,
    until REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (origin, external_user_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS erasures_asked_at ON erasures (asked_at);

-- What each worker told last, for whoever asks how delivery is doing.
CREATE TABLE IF NOT EXISTS notes (
    worker TEXT PRIMARY KEY,
    note TEXT NOT NULL,
    told_at REAL NOT NULL
) WITHOUT ROWID;

-- One row, once a deliverer has run: the store that the completions are delivered to.
CREATE TABLE IF NOT EXISTS store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    mark TEXT NOT NULL
);

PRAGMA user_version = 3;
COMMIT;
