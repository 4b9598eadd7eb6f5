import { readFile } from "node:fs/promises";
import { errnoOf } from "#base/errors.ts";
import { isLoopback, parseResolvConf } from "#core/networks/resolv-conf.ts";

/** Where systemd-resolved lists the servers behind its own stub on 127.0.0.53. */
const behindTheStub = "/run/systemd/resolve/resolv.conf";

/** Text of the host's resolv.conf; of the one behind systemd's stub where the host's own names that only. */
export async function readHostResolvConf(): Promise<string> {
  const own = await readOrEmpty("/etc/resolv.conf");
  const { servers } = parseResolvConf(own);
  if (servers.length === 0 || !servers.every(isLoopback)) return own;
  const behind = await readOrEmpty(behindTheStub);
  return parseResolvConf(behind).servers.length > 0 ? behind : own;
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "";
    throw error;
  }
}
