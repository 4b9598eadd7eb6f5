import { join } from "node:path";
import { contentStoreContract } from "#core/content/content-store.contract.ts";
import { SqliteMetadata } from "#drivers/metadata-sqlite/sqlite-metadata.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { FsContentStore } from "./fs-content-store.ts";

contentStoreContract("content-fs", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("content"));
  const metadata = stack.use(SqliteMetadata.open(join(directory.path, "meta.db")));
  const store = await FsContentStore.open(join(directory.path, "content"), metadata.content);
  const owned = stack.move();
  return { store, leases: metadata.leases, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
});
