import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { join } from "node:path";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { testCall } from "#test/support/call.ts";
import { FsContentStore } from "./fs-content-store.ts";

/** Ingests, commits, deletes and purges until it is killed; says each thing when it is done. */
const [directory = "", seed = ""] = process.argv.slice(2);
const metadata = SqliteMetadata.open(join(directory, "meta.db"));
const store = await FsContentStore.open(join(directory, "content"), metadata.content);
const call = testCall();
await store.recover(call);

const said = (line: string) => writeSync(1, `${line}\n`);
said("open");
let deletable: string | undefined;
for (let round = 0; ; round++) {
  const block = createHash("sha512").update(`${seed} ${round}`).digest();
  await using writer = await store.openWriter(call, `ref ${round}`);
  for (let piece = 0; piece < 40; piece++) await writer.write(Buffer.alloc(20_000, block));
  const { digest } = await writer.commit();
  said(`has ${digest}`);
  if (round % 3 === 0) deletable = digest;
  if (round % 3 === 2 && deletable !== undefined) {
    said(`may lack ${deletable}`);
    await store.delete(call, deletable as typeof digest);
    said(`lacks ${deletable}`);
    await store.purge(call, 60_000);
  }
}
