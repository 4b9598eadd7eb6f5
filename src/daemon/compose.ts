import { EngineError } from "#base/errors.ts";
import type { Logger } from "#base/logger.ts";
import type { Engine } from "#engine/engine.ts";
import type { Config } from "./config.ts";

/** Wraps a noun as it is composed; crash tests stop it at named points. */
export type Decorate = <K extends keyof Engine>(noun: K, implementation: Engine[K]) => Engine[K];

export type DaemonOptions = { readonly config: Config; readonly log: Logger; readonly decorate?: Decorate };

/** A daemon at work. Disposing it closes surfaces, then drivers; containers run on. */
export interface Daemon extends AsyncDisposable {
  readonly engine: Engine;
}

/** Builds every driver, recovers, opens the surfaces; ready when it settles. The caller holds the root's lock. */
export async function openDaemon(_options: DaemonOptions): Promise<Daemon> {
  throw new EngineError("notImplemented", "daemon: drivers are not composed yet");
}
