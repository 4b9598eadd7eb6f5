import { create, toBinary, type DescMethod, type MessageInitShape } from "@bufbuild/protobuf";
import { CreateContainerRequestSchema } from "#gen/runtime/v1/containers_pb.ts";
import { PullImageRequestSchema } from "#gen/runtime/v1/images_pb.ts";
import { RunPodSandboxRequestSchema } from "#gen/runtime/v1/sandboxes_pb.ts";
import { NamespaceMode } from "#gen/runtime/v1/security_pb.ts";
import { ExecSyncRequestSchema } from "#gen/runtime/v1/streaming_pb.ts";
import type { Victim } from "./victim.ts";

/** A request that would succeed, or nearly: hostile fields are put behind it. `turn` keeps names apart. */
export function goodRequest({ input, localName }: DescMethod, victim: Victim, turn: number): Uint8Array {
  switch (localName) {
    case "runPodSandbox":
      return toBinary(RunPodSandboxRequestSchema, create(RunPodSandboxRequestSchema, goodPod(victim, turn)));
    case "createContainer":
      return toBinary(CreateContainerRequestSchema, create(CreateContainerRequestSchema, goodContainer(victim, turn)));
    case "execSync": {
      const { containerId } = victim;
      const init = { containerId, cmd: ["true"], timeout: 5n };
      return toBinary(ExecSyncRequestSchema, create(ExecSyncRequestSchema, init));
    }
    case "pullImage": {
      const init = { image: { image: "127.0.0.1:1/nobody/listens:1" } };
      return toBinary(PullImageRequestSchema, create(PullImageRequestSchema, init));
    }
    default: {
      // What takes something away takes away what is not there, so that the victim stays.
      if (/^(stop|remove)/.test(localName)) return new Uint8Array();
      const { podSandboxId, spareContainerId } = victim;
      const containerId = localName === "updateContainerResources" ? spareContainerId : victim.containerId;
      const ids = Object.entries({ podSandboxId, containerId }).filter(([name]) => name in input.field);
      return toBinary(input, create(input, Object.fromEntries(ids)));
    }
  }
}

/** In the host's network: a pod that comes to be costs milliseconds. */
function goodPod({ logDirectory }: Victim, turn: number): MessageInitShape<typeof RunPodSandboxRequestSchema> {
  return {
    config: {
      metadata: { name: "fuzz", uid: `uid-${turn}`, namespace: "default", attempt: 0 },
      hostname: "fuzz",
      logDirectory,
      dnsConfig: { servers: ["10.9.8.7"] },
      linux: { securityContext: { namespaceOptions: { network: NamespaceMode.NODE, pid: NamespaceMode.CONTAINER } } },
    },
  };
}

function goodContainer(victim: Victim, turn: number): MessageInitShape<typeof CreateContainerRequestSchema> {
  const { podSandboxId, image } = victim;
  return {
    podSandboxId,
    config: {
      metadata: { name: "fuzz", attempt: turn },
      image: { image },
      command: ["sleep", "1000"],
      logPath: "fuzz.log",
      linux: { securityContext: { namespaceOptions: { pid: NamespaceMode.CONTAINER } } },
    },
  };
}
