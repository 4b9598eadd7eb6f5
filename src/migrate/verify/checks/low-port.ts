import { waitForPod, withProbePod } from "../probe-pod.ts";
import type { Check, CheckBed } from "../check.ts";

/** A socket of port 80 that listens, in `/proc/net/tcp`. */
const listens = "grep -q ':0050 .* 0A ' /proc/net/tcp /proc/net/tcp6";

/** Docker lets every user listen below 1024; containerd 1.x does so where it is told to. */
export function lowPortCheck({ client, node, namespace, image }: CheckBed): Check {
  const command = ["sh", "-c", "exec nc -l -p 80 -e cat"];
  const pod = { node, namespace, image, command, readyWhen: ["sh", "-c", listens], runAsUser: 1000 };
  return {
    name: "port below 1024 without root",
    next: "set enable_unprivileged_ports = true in the runtime's CRI configuration and restart it",
    prove: async (call) =>
      await withProbePod(call, client, pod, async (place) => {
        await waitForPod(call, client, place, ({ ready }) => ready);
        return "user 1000 listens on port 80";
      }),
  };
}
