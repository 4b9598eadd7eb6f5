import type { HostRoot } from "../host/host-root.ts";
import type { RunningHost } from "../host/running-host.ts";
import type { Fact } from "../host/source.ts";
import { knownErrors } from "./known-errors.ts";

const units = ["kubelet", "containerd", "docker", "cri-docker", "ferryd"];
const logFiles = ["/var/log/syslog", "/var/log/messages", "/var/log/kubelet.log"];
const maxLogBytes = 32 << 20;
const maxPerError = 1;

/** The newest line for each known error, from the journal of a running host or from the log files of a copy. */
export async function readJournal(root: HostRoot, running: RunningHost | undefined): Promise<Fact<string>[]> {
  const found: Fact<string>[] = [];
  const said = await running?.ask([
    "journalctl",
    "--no-pager",
    "-q",
    "-o",
    "short",
    "-n",
    "5000",
    ...units.flatMap((unit) => ["-u", unit]),
  ] as [string, ...string[]]);
  if (said !== undefined) collect(said, (excerpt) => ({ t: "system", what: "journalctl", excerpt }), found);
  for (const path of logFiles) {
    const text = (await root.find(path))?.sizeBytes ?? 0;
    if (text === 0 || text > maxLogBytes) continue;
    collect(
      (await root.findText(path, maxLogBytes)) ?? "",
      (excerpt, line) => ({ t: "file", path, line, excerpt }),
      found,
    );
  }
  return found;
}

function collect(
  text: string,
  toSource: (excerpt: string, line: number) => Fact<string>["source"],
  found: Fact<string>[],
): void {
  const counts = new Map<string, number>();
  const lines = text.split("\n");
  for (const [at, line] of lines.entries().toArray().reverse()) {
    const known = knownErrors.find(({ pattern }) => pattern.test(line));
    if (known === undefined) continue;
    const count = (counts.get(known.id) ?? 0) + 1;
    counts.set(known.id, count);
    if (count <= maxPerError) found.push({ value: line, source: toSource(line.trim().slice(0, 200), at + 1) });
  }
}
