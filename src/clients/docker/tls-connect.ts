import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import type { Socket } from "node:net";
import { errnoOf } from "#base/errors.ts";

/** Connects with the client certificate of a Docker certificate directory. Loaded only where TLS is asked for. */
export function connectTls(
  { host, port }: { host: string; port: number },
  { directory, verify }: { directory: string; verify: boolean },
): Socket {
  const read = (name: string) => readIfThere(join(directory, name));
  const ca = read("ca.pem");
  const cert = read("cert.pem");
  const key = read("key.pem");
  return connect({
    host,
    port,
    rejectUnauthorized: verify,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ALPNProtocols: ["http/1.1"],
  });
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
