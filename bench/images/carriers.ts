import { join } from "node:path";
import { openContainerdBed } from "#test/support/containerd-bed.ts";
import { openDockerEngine } from "#test/support/docker-engine.ts";
import { FerryBed } from "#test/support/ferry-bed.ts";

/** The data root of a Docker engine that is stopped, and the image in it. */
export type Source = { readonly root: string; readonly image: string };

/** A way from Docker's data root to somewhere else: `open` readies a target that keeps all it has in `directory`. */
export type Carrier = {
  readonly name: string;
  readonly version: string;
  open(source: Source, directory: string): Promise<OpenCarrier>;
};

export type OpenCarrier = AsyncDisposable & { readonly argv: readonly string[] };

const ferry = new URL("../../bin/ferry", import.meta.url).pathname;

function migrate({ root, image }: Source, directory: string, ...to: string[]): string[] {
  const journal = join(directory, "journal");
  return [ferry, "migrate", "images", "--quiet", "--from", root, "--journal", journal, "--to", ...to, image];
}

/** What people do without `ferry migrate images`. */
export const peer = "save|import";

/** Ours, by target, then what people do without. */
export const carriers: readonly Carrier[] = [
  {
    name: "ferry",
    version: "to Ferry",
    async open(source, directory) {
      const bed = await FerryBed.open({ root: join(directory, "root") });
      const argv = migrate(source, directory, "ferry", "--host", `unix://${bed.socket}`);
      return { argv, [Symbol.asyncDispose]: async () => await bed[Symbol.asyncDispose]() };
    },
  },
  {
    name: "ferry-containerd",
    version: "to containerd",
    async open(source, directory) {
      const bed = await openContainerdBed({ sandboxImage: "none.test/none:1", root: join(directory, "root") });
      const argv = migrate(source, directory, `containerd:${bed.socket}`);
      return { argv, [Symbol.asyncDispose]: async () => await bed[Symbol.asyncDispose]() };
    },
  },
  {
    name: "ferry-oci",
    version: "to a layout",
    async open(source, directory) {
      const argv = migrate(source, directory, `oci:${join(directory, "layout")}`);
      return await Promise.resolve({ argv, [Symbol.asyncDispose]: async () => {} });
    },
  },
  {
    name: peer,
    version: "docker, ctr",
    async open({ root, image }, directory) {
      await using undo = new AsyncDisposableStack();
      const docker = await openDockerEngine({ root });
      if (docker.host === undefined) throw new Error(`dockerd: ${docker.why}`);
      undo.use(docker);
      const settings = { sandboxImage: "none.test/none:1", root: join(directory, "root") };
      const bed = undo.use(await openContainerdBed(settings));
      const save = `docker --host ${docker.host} save ${image} | ctr -a ${bed.socket} -n k8s.io images import -`;
      const owned = undo.move();
      return { argv: ["sh", "-ec", save], [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
    },
  },
];
