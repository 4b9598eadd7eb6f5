import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { EngineError, errnoOf, isKind } from "#base/errors.ts";
import { KeyedLock } from "#base/keyed-lock.ts";
import type { Call } from "#core/call.ts";
import {
  chainsOf,
  type FirewalledNetwork,
  type Forwarding,
  formatForwarding,
  formatRules,
  jumpsOf,
} from "./firewall-rules.ts";

type Family = 4 | 6;
type FamilyState = {
  readonly networks: Map<string, FirewalledNetwork>;
  readonly forwardings: Map<string, readonly Forwarding[]>;
  /** Bumped by every change; what the kernel has is `applied`. */
  wanted: number;
  applied: number;
  jumps: boolean;
  /** Rules to append since `applied`, where appending is all there is to do; undefined: write everything. */
  additions: string[] | undefined;
};

/**
 * Our chains in iptables. New ports are appended (6 ms; replacing a chain waits for the kernel's grace period, 25 ms);
 * any other change writes the chains whole from what is known here, which also makes good what somebody's
 * `iptables -F` took. Changes that come while one is being written share the next write.
 *
 * The owner states everything that lives (`restore`) before the first change, otherwise the first change would drop
 * the rules that a former daemon left for running containers.
 */
export class Firewall {
  readonly #prefix: string;
  readonly #locks = new KeyedLock();
  readonly #families: Readonly<Record<Family, FamilyState>> = { 4: newState(), 6: newState() };

  /** @param prefix of chain names, 18 characters at most */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** States a network; no work when it is stated as it stands. */
  async setNetwork(call: Call, family: Family, id: string, network: FirewalledNetwork): Promise<void> {
    const state = this.#families[family];
    const had = state.networks.get(id);
    if (had?.bridge === network.bridge && had.subnet === network.subnet && had.internal === network.internal) {
      // It may be another call's write that is still under way.
      await this.#apply(call, family);
      return;
    }
    state.networks.set(id, network);
    state.additions = undefined;
    state.wanted++;
    await this.#apply(call, family);
  }

  /** Idempotent. With the last network our chains go too. */
  async deleteNetwork(call: Call, id: string): Promise<void> {
    for (const family of [4, 6] as const) {
      const state = this.#families[family];
      if (!state.networks.delete(id)) continue;
      state.additions = undefined;
      state.wanted++;
      await this.#apply(call, family);
    }
  }

  /** Opens an endpoint's ports, replacing what it had. */
  async publish(call: Call, family: Family, endpointId: string, forwardings: readonly Forwarding[]): Promise<void> {
    const state = this.#families[family];
    if (state.forwardings.has(endpointId)) state.additions = undefined;
    state.additions?.push(...forwardings.map((forwarding) => formatForwarding(this.#prefix, family, forwarding)));
    state.forwardings.set(endpointId, forwardings);
    state.wanted++;
    await this.#apply(call, family);
  }

  /** Idempotent. */
  async unpublish(call: Call, endpointId: string): Promise<void> {
    for (const family of [4, 6] as const) {
      const state = this.#families[family];
      if (!state.forwardings.delete(endpointId)) continue;
      state.additions = undefined;
      state.wanted++;
      await this.#apply(call, family);
    }
  }

  /** Forgets everything and writes what is given; also where the kernel has lost it. */
  async restore(
    call: Call,
    family: Family,
    all: { networks: ReadonlyMap<string, FirewalledNetwork>; forwardings: ReadonlyMap<string, readonly Forwarding[]> },
  ): Promise<void> {
    const state = this.#families[family];
    state.networks.clear();
    state.forwardings.clear();
    for (const [id, network] of all.networks) state.networks.set(id, network);
    for (const [id, forwardings] of all.forwardings) state.forwardings.set(id, forwardings);
    state.jumps = false;
    state.additions = undefined;
    state.wanted++;
    if (state.networks.size > 0) await this.#apply(call, family);
    else await this.#clearWhereInstalled(call, family);
  }

  async #apply(call: Call, family: Family): Promise<void> {
    const state = this.#families[family];
    if (state.applied >= state.wanted) return;
    using _turn = await this.#locks.acquire(`family/${family}`, call.signal);
    if (state.applied >= state.wanted) return;
    const version = state.wanted;
    const { additions } = state;
    state.additions = [];
    try {
      if (additions === undefined || !(await this.#append(call, family, additions))) await this.#writeAll(call, family);
    } catch (error) {
      state.additions = undefined;
      throw error;
    }
    state.applied = version;
  }

  /** Answers false when the kernel has lost our chains. */
  async #append(call: Call, family: Family, rules: readonly string[]): Promise<boolean> {
    const input = `*nat\n${rules.join("\n")}\nCOMMIT\n`;
    const { code } = await run(call, `${command(family)}-restore`, ["-w", "5", "--noflush"], input);
    if (code !== 0) this.#families[family].jumps = false;
    return code === 0;
  }

  async #writeAll(call: Call, family: Family): Promise<void> {
    const state = this.#families[family];
    if (state.networks.size === 0) {
      await this.#clear(call, family);
      return;
    }
    const networks = [...state.networks.values()];
    const forwardings = [...state.forwardings.values()].flat();
    await this.#restoreText(call, family, formatRules(this.#prefix, family, { networks, forwardings }));
    if (!state.jumps) await this.#ensureJumps(call, family);
    state.jumps = true;
  }

  async #ensureJumps(call: Call, family: Family): Promise<void> {
    for (const { table, chain, rule } of jumpsOf(this.#prefix, family)) {
      const there = await run(call, command(family), ["-w", "5", "-t", table, "-C", chain, ...rule]);
      if (there.code !== 0) await must(call, command(family), ["-w", "5", "-t", table, "-I", chain, ...rule]);
    }
  }

  /** A machine without networks needs no iptables. */
  async #clearWhereInstalled(call: Call, family: Family): Promise<void> {
    try {
      await this.#clear(call, family);
    } catch (error) {
      if (!isKind(error, "unavailable")) throw error;
    }
  }

  /** Takes our chains away; where there are none, nothing is there to do. */
  async #clear(call: Call, family: Family): Promise<void> {
    const state = this.#families[family];
    state.jumps = false;
    const { nat, filter } = chainsOf(this.#prefix);
    const probe = await run(call, command(family), ["-w", "5", "-t", "nat", "-S", nat[0] ?? ""]);
    if (probe.code !== 0) return;
    for (const { table, chain, rule } of jumpsOf(this.#prefix, family)) {
      await run(call, command(family), ["-w", "5", "-t", table, "-D", chain, ...rule]);
    }
    const drop = (table: string, chains: string[]) =>
      [
        `*${table}`,
        ...chains.map((chain) => `:${chain} - [0:0]`),
        ...chains.map((chain) => `-X ${chain}`),
        "COMMIT",
      ].join("\n");
    await this.#restoreText(call, family, `${drop("nat", nat)}\n${drop("filter", filter)}\n`);
  }

  async #restoreText(call: Call, family: Family, rules: string): Promise<void> {
    await must(call, `${command(family)}-restore`, ["-w", "5", "--noflush"], rules);
  }
}

function newState(): FamilyState {
  return { networks: new Map(), forwardings: new Map(), wanted: 0, applied: 0, jumps: false, additions: undefined };
}

function command(family: Family): string {
  return family === 4 ? "iptables" : "ip6tables";
}

async function must(call: Call, name: string, args: string[], input?: string): Promise<void> {
  const { code, stderr } = await run(call, name, args, input);
  if (code === 0) return;
  throw new EngineError("internal", `firewall: ${name} ${args.join(" ")}: exit code ${code}: ${stderr.trim()}`);
}

async function run(call: Call, name: string, args: string[], input = ""): Promise<{ code: number; stderr: string }> {
  call.signal.throwIfAborted();
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const child = spawn(name, args, { env: { PATH: path }, stdio: ["pipe", "ignore", "pipe"] });
  const ended = Promise.withResolvers<number>();
  child.once("error", ended.reject);
  child.once("close", (code) => ended.resolve(code ?? -1));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    const [code, stderr] = await Promise.all([ended.promise, text(child.stderr)]);
    return { code, stderr };
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    throw new EngineError("unavailable", `firewall: ${name} is not installed (Debian: apt-get install iptables)`, {
      cause: error,
    });
  }
}
