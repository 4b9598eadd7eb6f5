import type { ClusterCheck } from "./check.ts";
import { knownAgent } from "./cluster/agents.ts";
import { controlPlane } from "./cluster/control-plane.ts";
import { dockerCommands } from "./cluster/docker-commands.ts";
import { dockerInFiles } from "./cluster/docker-in-files.ts";
import { dockerDataMount, dockerParentMount, dockerVolume } from "./cluster/docker-mounts.ts";
import { dockerOverNetwork } from "./cluster/docker-over-network.ts";
import { dockerSocketMount } from "./cluster/docker-socket-mount.ts";
import { drainBlocker } from "./cluster/drain-blockers.ts";
import { imageBuilds } from "./cluster/image-builds.ts";
import { imageByDigest, nodeOnlyImage, registryCredentials, schema1Image } from "./cluster/images.ts";
import { criSocketAnnotation, kubeletConfig, kubeletMetrics } from "./cluster/kubelet-settings.ts";
import { logParser } from "./cluster/log-parser.ts";
import { managedPool } from "./cluster/managed-pool.ts";
import { networkAddon } from "./cluster/network-addon.ts";
import { kubeletVersion, nodeRuntime } from "./cluster/node-runtime.ts";
import { gpuDefaultRuntime, runtimeClassHandler } from "./cluster/runtimes.ts";
import { dockerSecurityProfile, unprivilegedLowPort } from "./cluster/security-defaults.ts";
import { admissionPolicy, dockerMetrics, runtimeIdParsing } from "./cluster/text-rules.ts";

/** Every check of a cluster, in the order of reports. */
export const clusterChecks: readonly ClusterCheck[] = [
  nodeRuntime,
  kubeletVersion,
  criSocketAnnotation,
  kubeletConfig,
  kubeletMetrics,
  dockerSocketMount,
  dockerParentMount,
  dockerDataMount,
  dockerVolume,
  dockerOverNetwork,
  dockerCommands,
  imageBuilds,
  logParser,
  knownAgent,
  dockerMetrics,
  runtimeIdParsing,
  dockerSecurityProfile,
  unprivilegedLowPort,
  nodeOnlyImage,
  imageByDigest,
  schema1Image,
  registryCredentials,
  runtimeClassHandler,
  gpuDefaultRuntime,
  drainBlocker,
  controlPlane,
  networkAddon,
  admissionPolicy,
  managedPool,
  dockerInFiles,
];
