import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type Server } from "node:net";

/** One of 254 subnets, nobody else's until it is disposed or this process ends: `198.18.<number>`. */
export type SubnetClaim = AsyncDisposable & { readonly number: number };

/**
 * A name in the abstract namespace of sockets is the claim: tests of other processes see it, and the kernel takes it away.
 *
 * @param link of a number, which a test that was killed may have left behind
 */
export async function claimSubnet(link: (number: number) => string): Promise<SubnetClaim> {
  for (let tries = 0; tries < 254; tries++) {
    const number = 1 + ((process.pid + tries) % 254);
    if (existsSync(`/sys/class/net/${link(number)}`)) continue;
    const server = createServer().unref();
    if (await listens(server, `\0ferry-test-subnet-${number}`))
      return { number, [Symbol.asyncDispose]: async () => await closed(server) };
  }
  throw new Error("no subnet is free for another node");
}

async function listens(server: Server, path: string): Promise<boolean> {
  try {
    server.listen(path);
    await once(server, "listening");
    return true;
  } catch {
    return false;
  }
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => void server.close(() => resolve()));
}
