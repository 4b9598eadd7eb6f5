import type { Namespace } from "#core/call.ts";
import type { Engine } from "#engine/engine.ts";
import type { Lazy } from "./lazily.ts";
import type { StreamingServer } from "./streaming/streaming-server.ts";
import type { UsageCache } from "./usage-cache.ts";

export type CriSettings = {
  /** Ferry's version. */
  readonly version: string;
  /** Of pods. */
  readonly namespace: Namespace;
  /** Shown as pinned, so that the kubelet does not collect it. */
  readonly sandboxImage: string;
  readonly unprivilegedPorts: boolean;
  readonly unprivilegedIcmp: boolean;
  readonly streamAddress: string;
  readonly streamPort: number;
  /** 0: never. */
  readonly streamIdleTimeoutMs: number;
  readonly streamCreationTimeoutMs: number;
  /** Paths of PEM files; left out: streams are plain. */
  readonly streamTls?: { readonly certPath: string; readonly keyPath: string };
};

/** What every handler gets. */
export type Cri = {
  readonly engine: Engine;
  readonly settings: CriSettings;
  /** Made by the first exec, attach or port-forward. */
  readonly streams: Lazy<StreamingServer>;
  /** What statistics remember between two looks. */
  readonly usage: UsageCache;
};
