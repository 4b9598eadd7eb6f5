/** Makes and removes a task again and again, until it is killed. Arguments: state directory, spec file. */
import { readFile } from "node:fs/promises";
import type { ContainerId } from "#core/containers/container.ts";
import type { OciSpec } from "#core/tasks/oci-spec.ts";
import { silentLogger } from "#base/logger.ts";
import { testCall } from "#test/support/call.ts";
import { openShimRuntime } from "./shim-runtime.ts";

const [stateDirectory = "", specFile = ""] = process.argv.slice(2);
const call = testCall({ namespace: "loop" });
const handlers = { runc: { runtimeType: "io.containerd.runc.v2" } };
const runtime = await openShimRuntime({ stateDirectory, log: silentLogger, handlers });
const spec = JSON.parse(await readFile(specFile, "utf8")) as OciSpec;
const ref = { namespace: call.namespace, containerId: "abc" as ContainerId };
process.stdout.write("ready\n");
for (;;) {
  const task = await runtime.create(call, { ...ref, spec, stdin: "none", logPath: `${stateDirectory}/log` });
  await task.start(call);
  await task.delete(call, { force: true });
}
