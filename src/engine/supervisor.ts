/** Watches running containers: exits, restart policies, health checks, and those who wait for them. */
export class Supervisor {
  readonly #controller = new AbortController();

  /** Ends every watch; the containers run on. */
  [Symbol.dispose](): void {
    this.#controller.abort();
  }
}
