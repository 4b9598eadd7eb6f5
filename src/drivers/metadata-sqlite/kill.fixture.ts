import { writeSync } from "node:fs";
import { sampleContainer } from "#core/containers/container.fixture.ts";
import type { SnapshotKey, SnapshotName } from "#core/snapshots/snapshotter.ts";
import { testCall } from "#test/support/call.ts";
import { SqliteMetadata } from "./sqlite-metadata.ts";

/** Makes containers on snapshots, renames and deletes them until it is killed; says each change when it is done. */
const [path = "", seed = ""] = process.argv.slice(2);
const metadata = SqliteMetadata.open(path);
const snapshots = metadata.snapshots("overlayfs");
const call = testCall();
const said = (line: string) => writeSync(1, `${line}\n`);

for (let round = 0; ; round++) {
  const name = `${seed}${(4096 + round).toString(16)}`;
  const container = sampleContainer(name, { name });
  await snapshots.insert(call, name as SnapshotKey, "active", {});
  await snapshots.commit(call, `done ${name}` as SnapshotName, name as SnapshotKey, { sizeBytes: round, inodes: 1 });
  await metadata.containers.create(call, container);
  said(`create ${name}`);
  await metadata.containers.update(call, container.id, (before) => ({ ...before, name: `${name}-renamed` }));
  said(`rename ${name}`);
  if (round % 2 === 0) continue;
  await metadata.containers.delete(call, container.id);
  said(`delete ${name}`);
  if (round % 10 === 9) await metadata.graph.collect(call);
}
