-- Version 3: imports under way, and steps of the journal that have several parts.
-- Kept short: with this all tables are listed on the first page of the file, which a rescue can replace.

CREATE INDEX image_path ON image (path);

-- What a long step changes after the row of edit that names it, each part by a transaction of its own.
CREATE TABLE edit_part (
    id INTEGER PRIMARY KEY,
    edit_id INTEGER NOT NULL REFERENCES edit (id) ON DELETE CASCADE,
    changes BLOB NOT NULL
) STRICT;

CREATE INDEX edit_part_edit ON edit_part (edit_id);

-- What an import has still to do, an image a row, as incoming.py writes it. The import that was decided on is in
-- meta; without it these images go.
CREATE TABLE incoming (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    content TEXT NOT NULL
) STRICT;
