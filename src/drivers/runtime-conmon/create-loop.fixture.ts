/** A conmon driver that makes and removes a task until it is killed. Arguments: state directory, spec file, runtime. */
import { silentLogger } from "#base/logger.ts";
import { makeForEver } from "#core/tasks/runtime-recovery.fixture.ts";
import { testCall } from "#test/support/call.ts";
import { openConmonRuntime } from "./conmon-runtime.ts";

const [stateDirectory = "", specFile = "", name = ""] = process.argv.slice(2);
const handlers = { [name]: { path: name } };
const runtime = await openConmonRuntime(testCall(), { stateDirectory, log: silentLogger, handlers });
await makeForEver(runtime, stateDirectory, specFile);
