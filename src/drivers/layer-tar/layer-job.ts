import type { MessagePort } from "node:worker_threads";
import type { ErrorKind } from "#base/errors.ts";
import type { Compression } from "#core/content/descriptor.ts";
import type { LayerLimits } from "#core/layers/layer-applier.ts";
import type { ByteString } from "./tar-entry.ts";

/** One piece of work for a layer worker. Names inside of trees are {@link ByteString}s. */
export type LayerJob =
  | {
      readonly t: "apply";
      readonly blobPath: string;
      readonly compression: Compression;
      readonly directory: string;
      readonly whiteouts: "overlay" | "delete";
      readonly limits: LayerLimits;
    }
  | {
      readonly t: "adopt";
      readonly recipePath: string;
      readonly filesDirectory: string;
      readonly directory: string;
      readonly whiteouts: "overlay" | "delete";
      readonly limits: LayerLimits;
    }
  | { readonly t: "rebuild"; readonly recipePath: string; readonly filesDirectory: string }
  | {
      readonly t: "inherit";
      readonly directory: string;
      readonly directories: readonly string[];
      readonly parents: readonly string[];
    }
  | { readonly t: "stat"; readonly root: string; readonly path: ByteString }
  | { readonly t: "read"; readonly root: string; readonly path: ByteString }
  | {
      readonly t: "write";
      readonly root: string;
      readonly path: ByteString;
      readonly keepTypes: boolean;
      readonly keepOwners: boolean;
    }
  | { readonly t: "copy"; readonly root: string; readonly from: ByteString; readonly to: string };

export type ApplyResult = {
  readonly diffId: string;
  readonly archiveBytes: number;
  readonly sizeBytes: number;
  readonly inodes: number;
  readonly impliedDirectories: readonly string[];
};

export type StatResult = {
  readonly name: string;
  readonly sizeBytes: number;
  readonly mode: number;
  readonly mtimeNs: bigint;
  readonly linkTarget: string;
};

/** What each kind of job answers. */
export type LayerJobResult = {
  apply: ApplyResult;
  adopt: ApplyResult;
  rebuild: undefined;
  inherit: undefined;
  stat: StatResult;
  read: undefined;
  write: undefined;
  copy: undefined;
};

/** `cancel[0]` other than 0 ends the job; `stream` carries the archive of `read`, `write` and `rebuild`, and `adopt`'s where it is wanted. */
export type LayerJobMessage = {
  readonly job: LayerJob;
  readonly cancel: Int32Array;
  readonly stream?: MessagePort;
};

export type LayerJobAnswer =
  | { readonly t: "done"; readonly result: LayerJobResult[keyof LayerJobResult] }
  | { readonly t: "failed"; readonly kind: ErrorKind; readonly message: string };
