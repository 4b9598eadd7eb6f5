import { Signal } from "#gen/runtime/v1/containers_pb.ts";

/** `SIGTERM`, `SIGRTMIN+3`; undefined for the image's own. */
export function fromSignal(signal: Signal): string | undefined {
  const name = Object.entries(Signal).find(([, value]) => value === signal)?.[0];
  if (name === undefined || signal === Signal.RUNTIME_DEFAULT) return undefined;
  return name.replace("MINPLUS", "MIN+").replace("MAXMINUS", "MAX-");
}

/** The enum's value for `SIGTERM`, `SIGRTMIN+3`. */
export function toSignal(name: string): Signal {
  const key = name.replace("MIN+", "MINPLUS").replace("MAX-", "MAXMINUS");
  return Object.entries(Signal).find(([name]) => name === key)?.[1] ?? Signal.RUNTIME_DEFAULT;
}
