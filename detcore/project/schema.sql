-- Version 1 of a Reticle project. Later versions: migrations.py.
-- Foreign keys are checked at commit, so that an edit may list its rows in any order.
-- AUTOINCREMENT: an id is never used again, so undo and redo always mean the row that they name.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE image (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    path        TEXT NOT NULL CHECK (path <> ''),
    width       INTEGER CHECK (width > 0),
    height      INTEGER CHECK (height > 0),
    status      TEXT NOT NULL DEFAULT 'unseen' CHECK (status IN ('unseen', 'in_progress', 'verified')),
    split       TEXT CHECK (split <> ''),
    image_group TEXT,
    extra       TEXT NOT NULL DEFAULT '{}',
    CHECK ((width IS NULL) = (height IS NULL))
) STRICT;

CREATE TABLE class (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL UNIQUE CHECK (name <> ''),
    color     TEXT NOT NULL CHECK (length(color) = 7 AND substr(color, 1, 1) = '#'),
    key       INTEGER CHECK (key BETWEEN 1 AND 9),
    position  INTEGER NOT NULL,
    source_id INTEGER,
    extra     TEXT NOT NULL DEFAULT '{}'
) STRICT;

-- area: square pixels of the mask where the source had one, else NULL.
CREATE TABLE box (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id  INTEGER NOT NULL REFERENCES image (id) DEFERRABLE INITIALLY DEFERRED,
    class_id  INTEGER NOT NULL REFERENCES class (id) DEFERRABLE INITIALLY DEFERRED,
    x1        REAL NOT NULL,
    y1        REAL NOT NULL,
    x2        REAL NOT NULL,
    y2        REAL NOT NULL,
    difficult INTEGER NOT NULL CHECK (difficult IN (0, 1)),
    truncated INTEGER NOT NULL CHECK (truncated IN (0, 1)),
    occluded  INTEGER NOT NULL CHECK (occluded IN (0, 1)),
    crowd     INTEGER NOT NULL CHECK (crowd IN (0, 1)),
    origin    TEXT NOT NULL CHECK (origin IN ('human', 'import', 'model')),
    run       TEXT,
    score     REAL CHECK (score BETWEEN 0 AND 1),
    created   REAL NOT NULL,
    updated   REAL NOT NULL,
    area      REAL CHECK (area >= 0),
    extra     TEXT NOT NULL DEFAULT '{}',
    CHECK (0 <= x1 AND x1 < x2 AND x2 < 1e9),
    CHECK (0 <= y1 AND y1 < y2 AND y2 < 1e9)
) STRICT;

CREATE INDEX box_image ON box (image_id);

-- What a person decided about a disagreement. The box, the class and the run may be gone later on.
CREATE TABLE verdict (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    image_id      INTEGER NOT NULL REFERENCES image (id) DEFERRABLE INITIALLY DEFERRED,
    run           TEXT NOT NULL,
    kind          TEXT NOT NULL,
    box_id        INTEGER,
    detection_row INTEGER,
    class_id      INTEGER,
    x1            REAL NOT NULL,
    y1            REAL NOT NULL,
    x2            REAL NOT NULL,
    y2            REAL NOT NULL,
    threshold     REAL,
    time          REAL NOT NULL,
    note          TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX verdict_image ON verdict (image_id);

-- The journal: rows before and after, as row_change.py packs them.
CREATE TABLE edit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    text    TEXT NOT NULL,
    time    REAL NOT NULL,
    changes BLOB NOT NULL
) STRICT;

-- The latest edit that is in force; 0 before the first. Edits above it can be redone.
CREATE TABLE journal (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;

INSERT INTO journal (id, position) VALUES (1, 0);
