import type { TaskStats } from "./task-stats.ts";

/** /proc/<pid>/net/dev without the loopback, two heading lines first. Source: Linux net/core/net-procfs.c. */
export function parseNetDev(text: string): TaskStats["networks"] {
  const networks: Record<string, TaskStats["networks"][string]> = {};
  for (const line of text.split("\n").slice(2)) {
    const [name = "", counters] = line.split(/:(.*)/s);
    if (counters === undefined || name.trim() === "lo") continue;
    const values = counters.trim().split(/\s+/).map(Number);
    const at = (index: number) => values[index] ?? 0;
    networks[name.trim()] = {
      rxBytes: at(0),
      rxPackets: at(1),
      rxErrors: at(2),
      rxDropped: at(3),
      txBytes: at(8),
      txPackets: at(9),
      txErrors: at(10),
      txDropped: at(11),
    };
  }
  return networks;
}
