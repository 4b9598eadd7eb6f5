import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";

type Answer = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
};

/** One page of a headless Chromium, spoken to by its DevTools protocol. Disposing of it ends the browser. */
export class BrowserPage {
  /** Errors and warnings of the console, refused resources and uncaught exceptions, as they came. */
  readonly complaints: string[] = [];
  readonly #socket: WebSocket;
  readonly #end: () => Promise<void>;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #lastId = 0;
  #loaded: (() => void) | undefined;

  constructor(socket: WebSocket, end: () => Promise<void>) {
    this.#socket = socket;
    this.#end = end;
    socket.on("message", (data: Buffer) => this.#take(JSON.parse(data.toString()) as Answer));
  }

  async go(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => (this.#loaded = resolve));
    await this.send("Page.navigate", { url });
    await loaded;
  }

  /** Value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = (await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true })) as {
      result: { value: T };
      exceptionDetails?: { text: string };
    };
    if (answer.exceptionDetails !== undefined) throw new Error(`${expression}: ${answer.exceptionDetails.text}`);
    return answer.result.value;
  }

  /** Presses a key as a person does: `Tab`, `Enter`, `ArrowRight`, ` `. */
  async press(key: string): Promise<void> {
    const text = key === "Enter" ? "\r" : key === " " ? " " : undefined;
    const code = { Tab: 9, Enter: 13, " ": 32, ArrowRight: 39, ArrowDown: 40 }[key] ?? 0;
    const event = { key, windowsVirtualKeyCode: code, ...(text === undefined ? {} : { text }) };
    await this.send("Input.dispatchKeyEvent", { type: text === undefined ? "rawKeyDown" : "keyDown", ...event });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, windowsVirtualKeyCode: code });
  }

  async resize(width: number, height: number): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
  }

  async send(method: string, params: Record<string, unknown> = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#socket.send(JSON.stringify({ id, method, params }));
    return await answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await this.#end();
  }

  #take({ id, method, params, result, error }: Answer): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error.message));
    } else if (method === "Page.loadEventFired") this.#loaded?.();
    else if (
      method === "Log.entryAdded" ||
      method === "Runtime.exceptionThrown" ||
      method === "Runtime.consoleAPICalled"
    ) {
      this.complaints.push(JSON.stringify(params));
    }
  }
}

/** Starts `chromium` with an empty profile. */
export async function openBrowser(): Promise<BrowserPage> {
  await using undo = new AsyncDisposableStack();
  const profile = await mkdtemp(join(tmpdir(), "ferry-browser-"));
  undo.defer(() => rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  const options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
  const child = spawn(
    "chromium",
    [...options, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  undo.defer(async () => {
    const ended = child.exitCode === null ? once(child, "exit") : undefined;
    child.kill("SIGKILL");
    await ended;
  });
  const socket = new WebSocket(await pageAddress(child.stderr));
  await once(socket, "open");
  const owned = undo.move();
  const page = new BrowserPage(socket, () => owned.disposeAsync());
  for (const domain of ["Page", "Runtime", "Log"]) await page.send(`${domain}.enable`);
  return page;
}

/** The browser says on standard error where it listens; the page is asked for there. */
async function pageAddress(stderr: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stderr })) {
    const port = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(line)?.[1];
    if (port === undefined) continue;
    stderr.resume();
    const pages = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      type: string;
      webSocketDebuggerUrl: string;
    }[];
    const page = pages.find(({ type }) => type === "page");
    if (page !== undefined) return page.webSocketDebuggerUrl;
  }
  throw new Error("chromium ended before it listened");
}
