import { EngineError } from "#base/errors.ts";
import { shareImages as share } from "../../images/share/share-images.ts";
import type { StepAction } from "../../plan/step.ts";
import { socketOf } from "../socket-of.ts";
import { nothingToUndo, type StepContext, type StepRun } from "../step-run.ts";

/** Pods are what a node's images are for. */
const namespace = "k8s.io";

/**
 * Names the images that Docker keeps in containerd for the kubelet. One that is not whole is told of and left out: it can be
 * pulled. Going back leaves the names: a second try finds them.
 */
export function shareImages(
  { files, tell }: StepContext,
  { endpoint, from }: StepAction & { kind: "share-images" },
): StepRun {
  return {
    ...nothingToUndo,
    check: async () => await Promise.resolve(false),
    do: async (call) => {
      const socketPath = await socketOf(files, endpoint);
      const onImage = (name: string) => tell(`image ${name}`);
      const { proofs, broken } = await share(call.signal, { socketPath, from, to: namespace, onImage });
      for (const { id, tags, problem } of broken) tell(`left out ${tags[0] ?? id}: ${problem}`);
      tell(`${proofs.length} images are the kubelet's`);
      if (proofs.length === 0 && broken.length > 0) {
        throw new EngineError("dataLoss", `images of ${from}: none could be shared: ${broken[0]?.problem ?? ""}`);
      }
    },
    verify: async () => await Promise.resolve(),
  };
}
