import assert from "node:assert/strict";
import test from "node:test";
import { eventuallyEqual, settled } from "#test/support/eventually.ts";
import { openPodBed, type PodBed } from "#test/support/pod-bed.ts";
import { requireBinary, requireRoot } from "#test/support/require.ts";
import { containers } from "./containers.ts";
import { images } from "./images.ts";
import { Kubelet, type Case } from "./kubelet.ts";
import { mounts } from "./mounts.ts";
import { namespaces } from "./namespaces.ts";
import { network } from "./network.ts";
import { observation } from "./observation.ts";
import { pods } from "./pods.ts";
import { securityContexts } from "./security.ts";
import { streams } from "./streams.ts";

const subjects: Readonly<Record<string, readonly Case[]>> = {
  pod: pods,
  container: containers,
  namespace: namespaces,
  "security context": securityContexts,
  mount: mounts,
  network,
  stream: streams,
  image: images,
  observation,
};

/** Each runtime by another version of the API. */
const rounds = [
  { runtime: "crun", needs: "crun", version: "v1" },
  { runtime: "runc", needs: "runc", version: "v1alpha2" },
  { runtime: "io.containerd.runc.v2", needs: "containerd-shim-runc-v2", version: "v1" },
] as const;

for (const { runtime, needs, version } of rounds)
  test(`what a kubelet relies on, with ${runtime} over ${version}`, { concurrency: 3 }, async (t) => {
    if (!requireRoot(t) || !requireBinary(t, needs, "conmon", "docker-registry", "skopeo", "umoci")) return;
    await using bed = await openPodBed({ bridge: "frcrisuite0", subnet: "10.231.88.0/24", runtime });
    await warmUp(bed);
    const before = await settled(() => bed.state());
    const running = Object.entries(subjects).flatMap(([subject, cases]) =>
      cases.map(({ title, run }, index) =>
        t.test(`${subject}: ${title}`, async () => {
          await using kubelet = new Kubelet(bed, version, `${subject.replaceAll(" ", "-")}-${index}`);
          await run(kubelet);
        }),
      ),
    );
    await Promise.all(running);
    // Content is collected a while after its image is removed.
    await eventuallyEqual(() => bed.state(), before);
    const errors = (await bed.ferry.log()).split("\n").filter((line) => line.includes('"level":"error"'));
    assert.deepEqual(errors, []);
  });

/** The first pod of a network leaves what stays: the bridge, the plugins' chains. */
async function warmUp(bed: PodBed): Promise<void> {
  await using kubelet = new Kubelet(bed, "v1", "first");
  await kubelet.networkedPod();
}
