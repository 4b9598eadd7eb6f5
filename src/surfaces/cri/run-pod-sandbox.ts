import { EngineError } from "#base/errors.ts";
import type { Call } from "#core/call.ts";
import { runSandbox } from "#engine/run-sandbox.ts";
import type { RunPodSandboxRequest } from "#gen/runtime/v1/sandboxes_pb.ts";
import type { Cri } from "./cri.ts";
import { toSandboxRecord } from "./records.ts";
import { refuseSelinux } from "./to-security.ts";
import { toPodIdentity, toSandboxConfig } from "./to-sandbox-config.ts";

export async function runPodSandbox(call: Call, { engine, settings }: Cri, request: RunPodSandboxRequest) {
  const { config, runtimeHandler } = request;
  if (config === undefined) throw new EngineError("invalidArgument", "sandbox config: missing");
  refuseSelinux(config.linux?.securityContext?.selinuxOptions, engine.settings.host);
  const sandbox = await runSandbox(call, engine, {
    pod: toPodIdentity(config),
    labels: config.labels,
    annotations: config.annotations,
    runtimeHandler,
    config: toSandboxConfig(config, settings),
    extensions: { cri: toSandboxRecord(config) },
  });
  return { podSandboxId: sandbox.id };
}
