/**
 * Steps from one version of the schema to the next; `user_version` counts those done. A step that was released is never
 * changed. Times are nanoseconds since the Unix epoch; labels and records are JSON.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE content (
    namespace TEXT NOT NULL, digest TEXT NOT NULL, size_bytes INTEGER NOT NULL, labels TEXT NOT NULL,
    created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,
    PRIMARY KEY (namespace, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX content_by_digest ON content (digest);

  -- AUTOINCREMENT: a tree id is never given twice, so a tree left by a crash is never taken for a new snapshot's.
  CREATE TABLE snapshots (
    tree_id INTEGER PRIMARY KEY AUTOINCREMENT,
    snapshotter TEXT NOT NULL, namespace TEXT NOT NULL, key TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('active', 'view', 'committed')),
    parent_id INTEGER REFERENCES snapshots (tree_id) ON DELETE NO ACTION,
    labels TEXT NOT NULL, size_bytes INTEGER, inodes INTEGER,
    created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,
    UNIQUE (snapshotter, namespace, key)
  ) STRICT;
  CREATE INDEX snapshots_by_parent ON snapshots (parent_id);

  CREATE TABLE images (
    namespace TEXT NOT NULL, name TEXT NOT NULL, target TEXT NOT NULL, labels TEXT NOT NULL,
    created_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL,
    PRIMARY KEY (namespace, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    namespace TEXT NOT NULL, id TEXT NOT NULL, labels TEXT NOT NULL, created_ns INTEGER NOT NULL,
    PRIMARY KEY (namespace, id)
  ) STRICT, WITHOUT ROWID;

  -- key: a digest, <snapshotter>/<key>, or an ingest's ref.
  CREATE TABLE lease_resources (
    namespace TEXT NOT NULL, lease_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('content', 'snapshot', 'ingest')), key TEXT NOT NULL,
    PRIMARY KEY (namespace, lease_id, kind, key),
    FOREIGN KEY (namespace, lease_id) REFERENCES leases (namespace, id) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE containers (
    namespace TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (namespace, id), UNIQUE (namespace, name)
  ) STRICT;

  CREATE TABLE networks (
    namespace TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (namespace, id), UNIQUE (namespace, name)
  ) STRICT;

  CREATE TABLE volumes (
    namespace TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (namespace, name)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE sandboxes (
    namespace TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (namespace, id), UNIQUE (namespace, name)
  ) STRICT;
  `,
];
