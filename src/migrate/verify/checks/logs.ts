import { setTimeout as sleep } from "node:timers/promises";
import { EngineError } from "#base/errors.ts";
import type { Call } from "../../call.ts";
import { readLog, waitForPod, withProbePod } from "../probe-pod.ts";
import type { Check, CheckBed } from "../check.ts";

const line = 'ferry migrate verify: one line, with a \\ and a " in it';
/** Runtimes write a longer line than 16 KiB in parts, which the kubelet joins. */
const longLength = 40_000;
const patienceMs = 20_000;

/** Lines come back through the kubelet as they were written, a long one whole. */
export function logsCheck({ client, node, namespace, image }: CheckBed): Check {
  const command = ["sh", "-c", `echo '${line}'; printf '%0${longLength}d\\n' 0; exec sleep 600`];
  const pod = { node, namespace, image, command, readyWhen: ["true"] };
  return {
    name: "logs",
    next: "on the node: crictl logs CONTAINER, and the files below /var/log/pods",
    prove: async (call) =>
      await withProbePod(call, client, pod, async (place) => {
        await waitForPod(call, client, place, ({ ready }) => ready);
        const missing = await waitForLines(call, async () => await readLog(call, client, place));
        if (missing === undefined) return "a line came back as it was written, a long one whole";
        throw new EngineError("internal", `pod ${place.namespace}/${place.name}: ${missing}`);
      }),
  };
}

/** Reads again for a while: what a container has written takes its way. Answers what is wrong in the end. */
async function waitForLines(call: Call, read: () => Promise<readonly string[]>): Promise<string | undefined> {
  for (const end = performance.now() + patienceMs; ;) {
    const missing = missingIn(await read());
    if (missing === undefined || performance.now() > end) return missing;
    await sleep(500, undefined, call);
  }
}

function missingIn(lines: readonly string[]): string | undefined {
  if (!lines.includes(line)) {
    const what = lines.map((one) => one.slice(0, 200)).join("\n");
    return `the line it wrote came back as: ${what.slice(0, 400)}`;
  }
  if (lines.some((one) => one.length === longLength)) return undefined;
  return `a line of ${longLength} bytes came back in lines of ${lines.map(({ length }) => length).join(", ")}`;
}
