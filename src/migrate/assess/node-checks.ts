import type { NodeCheck } from "./check.ts";
import {
  diskSpace,
  kubernetesContainers,
  localImages,
  logSymlinks,
  otherContainers,
  storageDriver,
  volumesWithData,
} from "./node/docker-data.ts";
import { cniConfig, containerdConfig, criPluginDisabled } from "./node/doctor.ts";
import {
  dockerProxy,
  dockerSocketUnit,
  gpuRuntime,
  liveRestore,
  lostSettings,
  nodeCredentials,
  registrySettings,
  selinux,
  ulimits,
} from "./node/docker-settings.ts";
import { dockerGroup, hostScripts, knownError, packageConflicts, socketUsers, systemdVersion } from "./node/host.ts";
import { cniDirectories, firewallLeftovers, kernelSettings } from "./node/network.ts";
import { cgroupDriver, cgroupVersion, runningCgroups } from "./node/cgroups.ts";
import {
  evictionThresholds,
  kubeletEndpoint,
  kubeletFlagPlaces,
  removedKubeletFlags,
  windowsEndpoint,
} from "./node/kubelet.ts";
import { containerdVersion, sandboxImage, severalSockets, sharedContainerd } from "./node/runtimes.ts";

/** Every check of a node, in the order of reports. */
export const nodeChecks: readonly NodeCheck[] = [
  kubeletEndpoint,
  kubeletFlagPlaces,
  removedKubeletFlags,
  severalSockets,
  criPluginDisabled,
  containerdVersion,
  containerdConfig,
  cgroupDriver,
  runningCgroups,
  cgroupVersion,
  diskSpace,
  storageDriver,
  localImages,
  otherContainers,
  kubernetesContainers,
  liveRestore,
  dockerSocketUnit,
  volumesWithData,
  lostSettings,
  registrySettings,
  cniConfig,
  cniDirectories,
  kernelSettings,
  firewallLeftovers,
  hostScripts,
  socketUsers,
  dockerGroup,
  nodeCredentials,
  dockerProxy,
  sandboxImage,
  gpuRuntime,
  ulimits,
  sharedContainerd,
  selinux,
  systemdVersion,
  logSymlinks,
  windowsEndpoint,
  evictionThresholds,
  packageConflicts,
  knownError,
];
