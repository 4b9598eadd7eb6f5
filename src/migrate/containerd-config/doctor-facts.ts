import type { Release } from "../assess/runtime-support.ts";
import type { HostText } from "../host/read-unit.ts";
import type { Fact, Source } from "../host/source.ts";
import type { ContainerdConfig } from "./parse-config.ts";

/** What the doctor looks at. What could not be read is left out, and what depends on it is not judged. */
export type DoctorFacts = {
  readonly path: string;
  /** As containerd sees it, imports and all; undefined where there is no file: containerd's defaults. */
  readonly config?: ContainerdConfig;
  /** The file and its imports, one by one. */
  readonly files: readonly ContainerdConfig[];
  /** Why it cannot be read at all. */
  readonly unreadable?: { readonly why: string; readonly source: Source };
  readonly release?: Fact<Release>;
  readonly kubelet: DoctorKubelet;
  readonly cni: DoctorCni;
  /** Of the programs and files that the configuration names by path, those that are there. */
  readonly present: ReadonlySet<string>;
  /** `docker.service`'s and containerd's environment by name. */
  readonly environment: Readonly<Record<string, Fact<string>>>;
};

export type DoctorKubelet = {
  /** Minor of its version: 29. */
  readonly minor?: Fact<number>;
  readonly cgroupDriver?: Fact<string>;
  readonly sandboxImage?: Fact<string>;
  readonly cniBinDir?: Fact<string>;
  readonly cniConfDir?: Fact<string>;
};

export type DoctorCni = {
  readonly directory: string;
  /** In the order in which containerd takes them. */
  readonly files: readonly HostText[];
  readonly binDirectories: readonly string[];
  /** Names of programs in those. */
  readonly plugins: ReadonlySet<string>;
};
