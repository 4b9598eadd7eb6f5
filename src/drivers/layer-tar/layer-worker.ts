import { parentPort, type MessagePort } from "node:worker_threads";
import { EngineError, errnoOf, kindOf, messageOf } from "#base/errors.ts";
import { rebuildTar } from "#base/tar-split/rebuild-tar.ts";
import { RootedFiles } from "#base/tar-split/rooted-files.ts";
import { adoptLayer } from "./adopt-layer.ts";
import { applyLayer } from "./apply-layer.ts";
import { copyTree } from "./copy-tree.ts";
import { inheritDirectories } from "./inherit-directories.ts";
import type { LayerJob, LayerJobAnswer, LayerJobMessage, LayerJobResult, StatResult } from "./layer-job.ts";
import { receiveChunks, sendChunks } from "./port-stream.ts";
import { readTree } from "./read-tree.ts";
import { statPath } from "./stat-path.ts";
import { ThreadRoot } from "./thread-root.ts";
import { writeTree } from "./write-tree.ts";

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

async function run({ job, cancel, stream }: LayerJobMessage): Promise<LayerJobResult[keyof LayerJobResult]> {
  const check = () => {
    if (Atomics.load(cancel, 0) !== 0) throw new EngineError("canceled", "layer: canceled");
  };
  switch (job.t) {
    case "apply":
      return await applyLayer(root, job, check);
    case "adopt":
      return await adoptLayer(root, job, check, stream);
    case "rebuild":
      await rebuildInto(job, required(stream));
      return undefined;
    case "inherit":
      inheritDirectories(root, job);
      return undefined;
    case "stat":
      return statIn(job);
    case "read":
      await readIn(job, required(stream), check);
      return undefined;
    case "write":
      await writeTree(root, job, receiveChunks(required(stream)), check);
      return undefined;
    case "copy":
      copyTree(root, job, check);
      return undefined;
    default:
      return job satisfies never;
  }
}

function statIn({ root: directory, path }: LayerJob & { t: "stat" }): StatResult {
  using _root = root.enter(directory);
  return statPath(path);
}

async function readIn(job: LayerJob & { t: "read" }, stream: MessagePort, check: () => void): Promise<void> {
  using _root = root.enter(job.root);
  try {
    await sendChunks(stream, readTree(job.path, check));
  } finally {
    stream.close();
  }
}

async function rebuildInto(job: LayerJob & { t: "rebuild" }, stream: MessagePort): Promise<void> {
  try {
    await sendChunks(stream, rebuildTar(job.recipePath, new RootedFiles(job.filesDirectory)));
  } finally {
    stream.close();
  }
}

function required(stream: MessagePort | undefined): MessagePort {
  if (stream === undefined) throw new EngineError("internal", "layer worker: no stream came with the job");
  return stream;
}
