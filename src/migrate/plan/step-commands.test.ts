import assert from "node:assert/strict";
import test from "node:test";
import { stepCommands } from "./step-commands.ts";

test("a path with a space in it stays one word of what is pasted", () => {
  const purge = {
    kind: "purge",
    manager: "apt",
    packages: ["docker.io"],
    paths: ["/data/my docker", "/etc/docker"],
  } as const;
  assert.deepEqual(stepCommands(purge), ["apt-get purge docker.io", "rm -rf '/data/my docker' /etc/docker"]);
  const carry = { kind: "carry-images", dataRoot: "/data/my docker", driver: "overlay2", to: "containerd" } as const;
  const command = "ferry migrate images --from '/data/my docker' --driver overlay2 --to containerd";
  assert.deepEqual(stepCommands(carry), [command]);
});
