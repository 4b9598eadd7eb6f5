import { sendUnixDatagram } from "./libc.ts";

/**
 * Tells systemd how the daemon fares (`READY=1`, `STOPPING=1`); nothing happens when it was not started by systemd.
 *
 * Source: sd_notify(3).
 */
export function notifySystemd(socketPath: string | undefined, state: string): boolean {
  return socketPath === undefined || socketPath === "" ? false : sendUnixDatagram(socketPath, state);
}
