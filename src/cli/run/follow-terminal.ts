import type { DockerClient } from "#clients/docker/docker-client.ts";
import { terminalSize } from "./terminal-size.ts";

/**
 * Keeps a remote terminal (`/containers/ID` or `/exec/ID`) as large as ours: now and whenever ours changes, until
 * disposed. A resize that comes too early or too late is no error.
 */
export function followTerminal(client: DockerClient, path: string): Disposable {
  const resize = async (triesLeft: number): Promise<void> => {
    const [h, w] = terminalSize() ?? [0, 0];
    if (h === 0 || w === 0) return;
    try {
      await client.text({ method: "POST", path: `${path}/resize`, query: { h, w } });
    } catch {
      if (triesLeft <= 0) return;
      await new Promise((wake) => setTimeout(wake, 20));
      await resize(triesLeft - 1);
    }
  };
  const onChange = () => void resize(0);
  void resize(5);
  process.on("SIGWINCH", onChange);
  return { [Symbol.dispose]: () => void process.off("SIGWINCH", onChange) };
}
