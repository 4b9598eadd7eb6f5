import type { ImageService, RuntimeService } from "#gen/runtime/v1/services_pb.ts";
import { attach } from "./attach.ts";
import { checkpointContainer, checkpointPod, restorePod } from "./checkpoint.ts";
import { containerStats, listContainerStats, streamContainerStats } from "./container-stats.ts";
import { containerStatus } from "./container-status.ts";
import { createContainer } from "./create-container.ts";
import { exec } from "./exec.ts";
import { getContainerEvents } from "./get-container-events.ts";
import { listMetricDescriptors, listPodSandboxMetrics, streamPodSandboxMetrics } from "./pod-sandbox-metrics.ts";
import { listPodSandboxStats, podSandboxStats, streamPodSandboxStats } from "./pod-sandbox-stats.ts";
import { portForward } from "./port-forward.ts";
import { execSync } from "./exec-sync.ts";
import type { ServiceHandlers } from "./grpc/service-routes.ts";
import { imageFsInfo } from "./image-fs-info.ts";
import { imageStatus } from "./image-status.ts";
import { listContainers, streamContainers } from "./list-containers.ts";
import { listImages, streamImages } from "./list-images.ts";
import { listPodSandbox, streamPodSandboxes } from "./list-pod-sandbox.ts";
import { podSandboxStatus } from "./pod-sandbox-status.ts";
import { pullImage } from "./pull-image.ts";
import { removeContainer } from "./remove-container.ts";
import { removeImage } from "./remove-image.ts";
import { removePodSandbox } from "./remove-pod-sandbox.ts";
import { reopenContainerLog } from "./reopen-container-log.ts";
import { runPodSandbox } from "./run-pod-sandbox.ts";
import { runtimeConfig } from "./runtime-config.ts";
import type { Run } from "./serve.ts";
import { startContainer } from "./start-container.ts";
import { status } from "./status.ts";
import { stopContainer } from "./stop-container.ts";
import { stopPodSandbox } from "./stop-pod-sandbox.ts";
import { updateContainerResources } from "./update-container-resources.ts";
import { updatePodSandboxResources } from "./update-pod-sandbox-resources.ts";
import { updateRuntimeConfig } from "./update-runtime-config.ts";
import { version } from "./version.ts";

/** What is not named here answers "unimplemented". */
export function runtimeHandlers({ unary, stream }: Run): ServiceHandlers<typeof RuntimeService> {
  return {
    version: unary(version),
    status: unary(status),
    runtimeConfig: unary(runtimeConfig),
    updateRuntimeConfig: unary(updateRuntimeConfig),
    runPodSandbox: unary(runPodSandbox),
    stopPodSandbox: unary(stopPodSandbox),
    removePodSandbox: unary(removePodSandbox),
    podSandboxStatus: unary(podSandboxStatus),
    listPodSandbox: unary(listPodSandbox),
    streamPodSandboxes: stream(streamPodSandboxes),
    updatePodSandboxResources: unary(updatePodSandboxResources),
    createContainer: unary(createContainer),
    startContainer: unary(startContainer),
    stopContainer: unary(stopContainer),
    removeContainer: unary(removeContainer),
    listContainers: unary(listContainers),
    streamContainers: stream(streamContainers),
    containerStatus: unary(containerStatus),
    updateContainerResources: unary(updateContainerResources),
    reopenContainerLog: unary(reopenContainerLog),
    execSync: unary(execSync),
    exec: unary(exec),
    attach: unary(attach),
    portForward: unary(portForward),
    containerStats: unary(containerStats),
    listContainerStats: unary(listContainerStats),
    streamContainerStats: stream(streamContainerStats),
    podSandboxStats: unary(podSandboxStats),
    listPodSandboxStats: unary(listPodSandboxStats),
    streamPodSandboxStats: stream(streamPodSandboxStats),
    listMetricDescriptors: unary(listMetricDescriptors),
    listPodSandboxMetrics: unary(listPodSandboxMetrics),
    streamPodSandboxMetrics: stream(streamPodSandboxMetrics),
    getContainerEvents: stream(getContainerEvents),
    checkpointContainer: unary(checkpointContainer),
    checkpointPod: unary(checkpointPod),
    restorePod: unary(restorePod),
  };
}

export function imageHandlers({ unary, stream }: Run): ServiceHandlers<typeof ImageService> {
  return {
    listImages: unary(listImages),
    streamImages: stream(streamImages),
    imageStatus: unary(imageStatus),
    pullImage: unary(pullImage),
    removeImage: unary(removeImage),
    imageFsInfo: unary(imageFsInfo),
  };
}
