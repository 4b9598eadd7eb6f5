import { EngineError } from "#base/errors.ts";
import { echoFromPod, execInPod } from "#clients/kubernetes/pod-streams.ts";
import { waitForPod, withProbePod } from "../probe-pod.ts";
import type { Check, CheckBed } from "../check.ts";

const port = 8080;
/** The same in `/proc/net/tcp`, for a socket that listens. */
const listens = "grep -q ':1F90 .* 0A ' /proc/net/tcp /proc/net/tcp6";

const next =
  "the kubelet reaches the runtime's streaming server on its loopback: journalctl -u kubelet and of the runtime";

/** A command's output, both streams, and its exit code by the API: kubelet, runtime and its streaming server take part. */
export function execCheck({ client, node, namespace, image }: CheckBed): Check {
  const pod = { node, namespace, image, command: ["sleep", "600"], readyWhen: ["sh", "-c", "test -e /proc/1"] };
  return {
    name: "exec",
    next,
    prove: async (call) =>
      await withProbePod(call, client, pod, async (place) => {
        await waitForPod(call, client, place, ({ ready }) => ready);
        const seen = await execInPod(call, client, place, ["sh", "-c", "echo out; echo err >&2; exit 7"]);
        const { exitCode, stdout, stderr } = seen;
        if (exitCode !== 7 || stdout !== "out\n" || stderr !== "err\n") {
          const what = JSON.stringify(seen);
          throw new EngineError("internal", `pod ${place.namespace}/${place.name}: exec came back as ${what}`);
        }
        return "a command ran in a pod; its output and exit code came back";
      }),
  };
}

export function portForwardCheck({ client, node, namespace, image }: CheckBed): Check {
  const command = ["sh", "-c", `while :; do nc -l -p ${port} -e cat; done`];
  const pod = { node, namespace, image, command, readyWhen: ["sh", "-c", listens] };
  return {
    name: "port-forward",
    next,
    prove: async (call) =>
      await withProbePod(call, client, pod, async (place) => {
        await waitForPod(call, client, place, ({ ready }) => ready);
        const sent = Buffer.from("ferry migrate verify: there and back\n");
        const back = await echoFromPod(call, client, place, { port, bytes: sent });
        if (!back.equals(sent)) {
          const what = JSON.stringify(back.toString("utf8").slice(0, 200));
          throw new EngineError("internal", `pod ${place.namespace}/${place.name}: port ${port} echoed ${what}`);
        }
        return "bytes went to a port of a pod and came back";
      }),
  };
}
