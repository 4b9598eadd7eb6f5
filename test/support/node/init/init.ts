import { mkdir, readdir, readlink, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { ListeningSocket } from "./listening-socket.ts";
import { Service } from "./service.ts";
import { loadUnit, type UnitDefinition } from "./unit-definition.ts";

const administrators = "/etc/systemd/system";

/** What a control command ends with. */
export class InitError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * What a node's systemd does with services and sockets: dependencies, activation, restarts, enablement. Units are read
 * when they are first asked for, and again after `daemon-reload`.
 */
export class Init {
  readonly #definitions = new Map<string, UnitDefinition | undefined>();
  readonly #services = new Map<string, Service>();
  /** Jobs under way, which whoever wants the same waits for. */
  readonly #starting = new Map<string, Promise<void>>();
  readonly #sockets = new Map<string, ListeningSocket>();

  /** Starts what is enabled. */
  async boot(): Promise<void> {
    for (const target of ["sockets.target.wants", "multi-user.target.wants"]) {
      for (const name of await readdir(join(administrators, target)).catch(() => [])) {
        await this.start(name).catch((error: unknown) => console.error(`${name}: ${String(error)}`));
      }
    }
  }

  reload(): void {
    this.#definitions.clear();
  }

  async start(name: string): Promise<void> {
    const unit = await this.#get(name);
    if (await this.#isMasked(name)) throw new InitError(1, `Failed to start ${name}: Unit ${name} is masked.`);
    for (const needed of unit.requires.filter(isOurs)) {
      await this.start(needed).catch(() => {
        throw new InitError(1, `A dependency job for ${name} failed. See 'journalctl -xe' for details.`);
      });
    }
    for (const wanted of unit.wants.filter(isOurs)) await this.start(wanted).catch(() => {});
    if (name.endsWith(".socket")) await this.#startSocket(unit);
    else await this.#startService(unit);
  }

  /** With what needs it; `stopping` are those that are being stopped already, which may need each other. */
  async stop(name: string, stopping: ReadonlySet<string> = new Set()): Promise<string> {
    await this.#get(name);
    const all = new Set([...stopping, name]);
    for (const other of this.#active()) {
      const unit = await this.#find(other);
      const depends = unit?.requires.includes(name) === true || unit?.partOf.includes(name) === true;
      if (depends && !all.has(other)) await this.stop(other, all);
    }
    await this.#services.get(name)?.stop();
    await this.#sockets.get(name)?.stop();
    const socket = name.replace(/\.service$/, ".socket");
    const wakes = socket !== name && this.#sockets.get(socket)?.isActive === true;
    return wakes ? `Warning: Stopping ${name}, but it can still be activated by:\n  ${socket}` : "";
  }

  async activeState(name: string): Promise<string> {
    if (name.endsWith(".socket")) return this.#sockets.get(name)?.isActive === true ? "active" : "inactive";
    return await Promise.resolve(this.#services.get(name)?.state ?? "inactive");
  }

  /** Lets a unit that failed be started anew as a transient one; false for one that it never had. */
  resetFailed(name: string): boolean {
    const service = this.#services.get(name);
    service?.resetFailed();
    return service !== undefined;
  }

  async subState(name: string): Promise<string> {
    if (this.#services.get(name)?.isAutoRestarting === true) return "auto-restart";
    const state = await this.activeState(name);
    return state === "active"
      ? name.endsWith(".socket")
        ? "listening"
        : "running"
      : state === "inactive"
        ? "dead"
        : state;
  }

  mainPid(name: string): number {
    return this.#services.get(name)?.pid ?? 0;
  }

  log(name: string): readonly string[] {
    return this.#services.get(name)?.log ?? [];
  }

  async find(name: string): Promise<UnitDefinition | undefined> {
    return await this.#find(name);
  }

  async enabledState(name: string): Promise<string | undefined> {
    if (await this.#isMasked(name)) return "masked";
    const unit = await this.#find(name);
    if (unit === undefined) return undefined;
    for (const [path] of linksOf(unit)) if ((await linkTarget(path)) !== undefined) return "enabled";
    return unit.wantedBy.length === 0 && unit.also.length === 0 && unit.alias.length === 0 ? "static" : "disabled";
  }

  async enable(name: string): Promise<void> {
    if (await this.#isMasked(name)) {
      throw new InitError(1, `Failed to enable unit: Unit file ${administrators}/${name} is masked.`);
    }
    const unit = await this.#get(name);
    for (const [path, target] of linksOf(unit)) {
      await mkdir(join(path, ".."), { recursive: true });
      await rm(path, { force: true });
      await symlink(target, path);
    }
    for (const other of unit.also) if ((await this.enabledState(other)) !== "enabled") await this.enable(other);
    this.reload();
  }

  async disable(name: string): Promise<void> {
    const unit = await this.#get(name);
    for (const [path] of linksOf(unit)) await rm(path, { force: true });
    this.reload();
  }

  async mask(name: string): Promise<void> {
    const path = join(administrators, name);
    if ((await linkTarget(path)) === "/dev/null") return;
    await symlink("/dev/null", path).catch(() => {
      throw new InitError(1, `Failed to mask unit: File ${path} already exists.`);
    });
    this.reload();
  }

  async unmask(name: string): Promise<void> {
    if (await this.#isMasked(name)) await rm(join(administrators, name));
    this.reload();
  }

  async #startService(unit: UnitDefinition): Promise<void> {
    const running = this.#starting.get(unit.name);
    if (running !== undefined) return await running;
    const starting = this.#bringUp(unit).finally(() => this.#starting.delete(unit.name));
    this.#starting.set(unit.name, starting);
    await starting;
  }

  async #bringUp(unit: UnitDefinition): Promise<void> {
    const known = this.#services.get(unit.name);
    if (known?.state === "active") return;
    const service = known ?? new Service(unit, () => void this.#serviceEnded(unit.name));
    this.#services.set(unit.name, service);
    const socket = this.#sockets.get(unit.name.replace(/\.service$/, ".socket"));
    if (await service.start(unit, socket?.isActive === true ? socket : undefined)) return;
    const hint = `See "systemctl status ${unit.name}" and "journalctl -xeu ${unit.name}" for details.`;
    throw new InitError(1, `Job for ${unit.name} failed because the control process exited with error code.\n${hint}`);
  }

  async #startSocket(unit: UnitDefinition): Promise<void> {
    const socket =
      this.#sockets.get(unit.name) ??
      new ListeningSocket(unit.listenStream, async () => await this.start(unit.service).catch(() => {}));
    this.#sockets.set(unit.name, socket);
    if (!socket.isActive) await socket.start();
  }

  async #serviceEnded(name: string): Promise<void> {
    const socket = this.#sockets.get(name.replace(/\.service$/, ".socket"));
    if (socket?.isActive === true) await socket.listen();
  }

  #active(): string[] {
    const services = [...this.#services].filter(([, { state }]) => state !== "inactive" && state !== "failed");
    return [
      ...services.map(([name]) => name),
      ...[...this.#sockets].filter(([, { isActive }]) => isActive).map(([name]) => name),
    ];
  }

  async #find(name: string): Promise<UnitDefinition | undefined> {
    if (!this.#definitions.has(name)) this.#definitions.set(name, await loadUnit(name));
    return this.#definitions.get(name);
  }

  async #get(name: string): Promise<UnitDefinition> {
    const unit = await this.#find(name);
    if (unit !== undefined) return unit;
    throw new InitError(5, `Failed to start ${name}: Unit ${name} not found.`);
  }

  async #isMasked(name: string): Promise<boolean> {
    return (await linkTarget(join(administrators, name))) === "/dev/null";
  }
}

/** Links that enable a unit, and what they lead to. */
function linksOf(unit: UnitDefinition): (readonly [string, string])[] {
  return [
    ...unit.wantedBy.map((target) => [join(administrators, `${target}.wants`, unit.name), unit.fragmentPath] as const),
    ...unit.alias.map((alias) => [join(administrators, basename(alias)), unit.fragmentPath] as const),
  ];
}

function isOurs(name: string): boolean {
  return name.endsWith(".service") || name.endsWith(".socket");
}

async function linkTarget(path: string): Promise<string | undefined> {
  return await readlink(path).catch(() => undefined);
}
