/** Calls back once when nothing was seen for a while. Disposing stops it. */
export class IdleTimer implements Disposable {
  #timer: NodeJS.Timeout | undefined;

  /** `timeoutMs` 0: never. */
  constructor(timeoutMs: number, onIdle: () => void) {
    if (timeoutMs > 0) this.#timer = setTimeout(onIdle, timeoutMs).unref();
  }

  touch(): void {
    this.#timer?.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
