import { mkdir, rename, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A socket unit: listens, and starts its service when somebody connects; the service gets the listening socket itself. */
export class ListeningSocket {
  readonly #path: string;
  readonly #startService: () => Promise<void>;
  #server: Server | undefined;
  isActive = false;

  constructor(path: string, startService: () => Promise<void>) {
    this.#path = path;
    this.#startService = startService;
  }

  async start(): Promise<void> {
    this.isActive = true;
    await this.listen();
  }

  /** Listens, anew after its service has ended; a stop meanwhile has the last word. */
  async listen(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    await rm(this.#path, { force: true });
    const server = createServer((socket) => void this.#connected(socket));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject).listen(this.#path, resolve);
    await promise;
    this.#server = server;
    if (!this.isActive) await this.stop();
  }

  /** The descriptor for a service that is about to start, which is the only one to accept from then on. */
  async take(): Promise<number | undefined> {
    if (this.#server === undefined) await this.listen();
    const handle: unknown = Reflect.get(this.#server ?? {}, "_handle");
    const fd: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : undefined;
    return typeof fd === "number" ? fd : undefined;
  }

  /** After the service has its copy: the name stays, but nobody accepts here any more. */
  async letGo(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    // Closing takes the name away with it: it is moved out of the way meanwhile.
    await rename(this.#path, `${this.#path}.kept`);
    server.close();
    await sleep(5);
    await rename(`${this.#path}.kept`, this.#path);
  }

  async stop(): Promise<void> {
    this.isActive = false;
    const server = this.#server;
    this.#server = undefined;
    server?.close();
    await sleep(5);
    await rm(this.#path, { force: true });
  }

  async #connected(socket: Socket): Promise<void> {
    socket.pause().on("error", () => {});
    await this.#startService();
    const through = connect(this.#path);
    through.on("error", () => socket.destroy()).on("close", () => socket.destroy());
    socket.on("close", () => through.destroy());
    socket.pipe(through).pipe(socket);
  }
}
