import { join } from "node:path";
import { containerStoreContract } from "#core/containers/container-store.contract.ts";
import { referenceGraphContract } from "#core/garbage/reference-graph.contract.ts";
import { imageStoreContract } from "#core/images/image-store.contract.ts";
import { leaseStoreContract } from "#core/leases/lease-store.contract.ts";
import { networkStoreContract } from "#core/networks/network-store.contract.ts";
import { sandboxStoreContract } from "#core/sandboxes/sandbox-store.contract.ts";
import { snapshotIndexContract } from "#core/snapshots/snapshot-index.contract.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { SqliteMetadata } from "./sqlite-metadata.ts";

/** A fresh file with what `pick` takes from it. */
async function fixture<T extends object>(pick: (metadata: SqliteMetadata) => T): Promise<AsyncDisposable & T> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory("metadata"));
  const metadata = stack.use(SqliteMetadata.open(join(directory.path, "meta.db")));
  const owned = stack.move();
  return { ...pick(metadata), [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

imageStoreContract("metadata-sqlite images", async () => await fixture(({ images }) => ({ store: images })));
leaseStoreContract("metadata-sqlite leases", async () => await fixture(({ leases }) => ({ store: leases })));
networkStoreContract("metadata-sqlite networks", async () => await fixture(({ networks }) => ({ store: networks })));
snapshotIndexContract(
  "metadata-sqlite snapshots",
  async () =>
    await fixture((metadata) => ({
      index: metadata.snapshots("overlayfs"),
      otherIndex: metadata.snapshots("native"),
      leases: metadata.leases,
    })),
);
referenceGraphContract(
  "metadata-sqlite graph",
  async () =>
    await fixture((metadata) => {
      const { graph, content, images, leases, containers } = metadata;
      return { graph, content, images, leases, containers, snapshots: metadata.snapshots("overlayfs") };
    }),
);
containerStoreContract("metadata-sqlite containers", async () => {
  await using stack = new AsyncDisposableStack();
  const path = join(stack.use(await temporaryDirectory("containers")).path, "meta.db");
  let metadata = SqliteMetadata.open(path);
  stack.defer(() => metadata.close());
  const owned = stack.move();
  return {
    store: metadata.containers,
    reopen: async () => {
      metadata.close();
      metadata = SqliteMetadata.open(path);
      return metadata.containers;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
});
sandboxStoreContract("metadata-sqlite sandboxes", async () => {
  await using stack = new AsyncDisposableStack();
  const path = join(stack.use(await temporaryDirectory("sandboxes")).path, "meta.db");
  let metadata = SqliteMetadata.open(path);
  stack.defer(() => metadata.close());
  const owned = stack.move();
  return {
    store: metadata.sandboxes,
    reopen: async () => {
      metadata.close();
      metadata = SqliteMetadata.open(path);
      return metadata.sandboxes;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
});
