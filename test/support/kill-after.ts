import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/**
 * Runs a fixture script in a process of its own and kills it with SIGKILL `delayMs` after its line number `lines`.
 * Answers every line it had finished to say. A fixture that ends by itself is an error.
 */
export async function killAfter(
  script: string,
  args: string[],
  at: { lines: number; delayMs: number },
): Promise<string[]> {
  const flags = ["--conditions=source", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    if (said.length === at.lines) setTimeout(() => child.kill("SIGKILL"), at.delayMs);
  }
  const [code, signal] = (await closed) as [number | null, string | null];
  if (signal !== "SIGKILL") throw new Error(`${script} ended by itself (${code ?? signal}) after ${said.length} lines`);
  return said;
}
