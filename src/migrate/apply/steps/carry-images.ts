import { EngineError } from "#base/errors.ts";
import { sizeText } from "#base/size-text.ts";
import { DockerClient } from "#clients/docker/docker-client.ts";
import { imageLabel } from "../../images/docker-store/docker-image.ts";
import { readDockerStore } from "../../images/docker-store/docker-store.ts";
import { ImagesJournal } from "../../images/journal.ts";
import { migrateImages } from "../../images/migrate-images.ts";
import { openTarget } from "../../images/open-target.ts";
import type { StepAction } from "../../plan/step.ts";
import { nothingToUndo, type StepContext, type StepRun } from "../step-run.ts";

/** Pods are what a node's images are for. */
const namespace = "k8s.io";
const ferrySocket = "/run/ferry/docker.sock";

/**
 * Carries the images of a stopped Docker into the new runtime, whose daemon runs already. A damaged one is told of and left
 * out: it can be pulled. Going back leaves what was carried: it costs disk, and a second try begins with it.
 */
export function carryImages(
  { files, tell, undoDirectory }: StepContext,
  { dataRoot, driver, to }: StepAction & { kind: "carry-images" },
): StepRun {
  return {
    ...nothingToUndo,
    check: async () => await Promise.resolve(false),
    do: async (call) => {
      const store = await readDockerStore(await files.locate(dataRoot), { dangling: false, driver });
      const socketPath = await files.locate(ferrySocket);
      const client = () =>
        new DockerClient({ endpoint: { type: "unix", path: socketPath }, headers: { "X-Ferry-Namespace": namespace } });
      await using target = await openTarget(call.signal, to, { client, namespace });
      const journal = await ImagesJournal.open(`${undoDirectory}.images`, { source: store.root, target: target.name });
      const { proofs, broken } = await migrateImages(call.signal, {
        store,
        target,
        journal,
        wanted: [],
        dryRun: false,
        onProgress: progress(tell),
      });
      for (const { id, tags, problem } of broken) tell(`left out ${tags[0] ?? id}: ${problem}`);
      tell(`${proofs.length} images are carried and verified`);
      if (proofs.length === 0 && broken.length > 0) {
        throw new EngineError("dataLoss", `images of ${dataRoot}: none could be carried: ${broken[0]?.problem ?? ""}`);
      }
    },
    verify: async () => await Promise.resolve(),
  };
}

/** One line for each image. */
function progress(tell: (text: string) => void): NonNullable<Parameters<typeof migrateImages>[1]["onProgress"]> {
  let shown = 0;
  return ({ image, number, count, doneBytes, totalBytes }) => {
    if (number === shown) return;
    shown = number;
    tell(`image ${number} of ${count}: ${imageLabel(image)} (${sizeText(doneBytes)} of ${sizeText(totalBytes)} done)`);
  };
}
