import { parentPort } from "node:worker_threads";
import { EngineError, errnoOf, kindOf, messageOf } from "#base/errors.ts";
import { applyLayer } from "./apply-layer.ts";
import { inheritDirectories } from "./inherit-directories.ts";
import type { LayerJobAnswer, LayerJobMessage, LayerJobResult } from "./layer-job.ts";
import { ThreadRoot } from "./thread-root.ts";

const root = new ThreadRoot();

parentPort?.on("message", (message: LayerJobMessage) => {
  void answer(message).then((reply) => parentPort?.postMessage(reply));
});

async function answer(message: LayerJobMessage): Promise<LayerJobAnswer> {
  try {
    return { t: "done", result: await run(message) };
  } catch (error) {
    if (errnoOf(error) === "ENOSPC") {
      return { t: "failed", kind: "resourceExhausted", message: "layer: no space left on the disk" };
    }
    return { t: "failed", kind: kindOf(error), message: messageOf(error) };
  }
}

async function run({ job, cancel }: LayerJobMessage): Promise<LayerJobResult[keyof LayerJobResult]> {
  const check = () => {
    if (Atomics.load(cancel, 0) !== 0) throw new EngineError("canceled", "layer: canceled");
  };
  switch (job.t) {
    case "apply":
      return await applyLayer(root, job, check);
    case "inherit":
      inheritDirectories(root, job);
      return undefined;
    case "stat":
    case "read":
    case "write":
    case "copy":
      throw new EngineError("notImplemented", `layer worker: ${job.t}`);
  }
}
