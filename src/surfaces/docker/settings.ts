import type { Namespace } from "#core/call.ts";
import type { PodSettings } from "./pods/pod-settings.ts";

/** What the Docker surface is told once. */
export type DockerSettings = {
  /** Ferry's version, e.g. `0.1.0`. */
  readonly version: string;
  /** Of requests that name none. */
  readonly namespace: Namespace;
  /** Undefined: there are none. */
  readonly pods?: PodSettings;
  /** Where Ferry keeps things, for `info`. */
  readonly rootDirectory: string;
  /** Largest JSON body that is read. */
  readonly maxBodyBytes: number;
};
