import { readFile } from "node:fs/promises";
import { KubernetesClient } from "#clients/kubernetes/kubernetes-client.ts";
import { loadConnection } from "#clients/kubernetes/load-connection.ts";
import type { Plan } from "../plan/step.ts";
import { HostFiles } from "../host/host-files.ts";
import { applyPlan } from "./apply-plan.ts";
import { defaultApiTimeoutMs } from "./cluster-node.ts";
import { Commands } from "./commands.ts";
import { openMigration } from "./migration-run.ts";
import { purgePlan } from "./purge-plan.ts";
import { rollBack } from "./roll-back.ts";
import { Units } from "./units.ts";

// Applies, takes back or purges a plan below a root, and kills itself once its journal has `killAfter` new records.
const [verb = "", root = "", directory = "", planPath = "", killAfter = "0", apiTimeoutMs] = process.argv.slice(2);
const commands = new Commands(process.env);
const kubernetes = async () => new KubernetesClient(await loadConnection({ env: process.env }));
let records = 0;
await using run = await openMigration(
  {
    directory,
    machine: {
      files: new HostFiles(root),
      commands,
      units: new Units(commands),
      kubernetes,
      apiTimeoutMs: Number(apiTimeoutMs ?? defaultApiTimeoutMs),
    },
    version: "test",
    parsePlan: (text) => JSON.parse(text) as Plan,
    tell: (text) => console.log(text),
    onRecord: () => {
      if (++records === Number(killAfter)) process.kill(process.pid, "SIGKILL");
    },
  },
  verb === "apply" ? await readFile(planPath, "utf8") : undefined,
);
const call = { signal: new AbortController().signal };
if (verb === "apply") await applyPlan(call, run, { keepOnFailure: false });
else if (verb === "purge") await purgePlan(call, run);
else await rollBack(call, run, "asked");
// Connections to the API server are kept alive.
process.exit(0);
