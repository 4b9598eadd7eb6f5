import type { ClusterCheck } from "./check.ts";
import { dockerSocketMount } from "./cluster/docker-socket-mount.ts";

/** Every check of a cluster, in the order of reports. */
export const clusterChecks: readonly ClusterCheck[] = [dockerSocketMount];
