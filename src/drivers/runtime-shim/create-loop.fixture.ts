/** A shim driver that makes and removes a task until it is killed. Arguments: state directory, spec file. */
import { silentLogger } from "#base/logger.ts";
import { makeForEver } from "#core/tasks/runtime-recovery.fixture.ts";
import { openShimRuntime } from "./shim-runtime.ts";

const [stateDirectory = "", specFile = ""] = process.argv.slice(2);
const handlers = { runc: { runtimeType: "io.containerd.runc.v2" } };
await makeForEver(await openShimRuntime({ stateDirectory, log: silentLogger, handlers }), stateDirectory, specFile);
