/** A collection of the API that facts come from. */
export type ApiCollection = {
  /** As RBAC names it. */
  readonly resource: string;
  /** Empty for the core group. */
  readonly group: string;
  /** Newest first; an older one is asked where a newer one is not served. */
  readonly versions: readonly string[];
  /** What is to be written into objects, which lists leave out. */
  readonly kind: string;
  /** Not part of every cluster: its absence is no gap. */
  readonly isExtension?: true;
};

/** In the order they are read: controllers before what they make. */
export const apiCollections: readonly ApiCollection[] = [
  core("nodes", "Node"),
  apps("deployments", "Deployment"),
  { resource: "cronjobs", group: "batch", versions: ["v1", "v1beta1"], kind: "CronJob" },
  apps("replicasets", "ReplicaSet"),
  apps("daemonsets", "DaemonSet"),
  apps("statefulsets", "StatefulSet"),
  { resource: "jobs", group: "batch", versions: ["v1"], kind: "Job" },
  core("replicationcontrollers", "ReplicationController"),
  core("podtemplates", "PodTemplate"),
  core("pods", "Pod"),
  core("configmaps", "ConfigMap"),
  core("services", "Service"),
  core("serviceaccounts", "ServiceAccount"),
  core("persistentvolumes", "PersistentVolume"),
  core("persistentvolumeclaims", "PersistentVolumeClaim"),
  { resource: "poddisruptionbudgets", group: "policy", versions: ["v1", "v1beta1"], kind: "PodDisruptionBudget" },
  { resource: "runtimeclasses", group: "node.k8s.io", versions: ["v1", "v1beta1"], kind: "RuntimeClass" },
  extension("policy", "podsecuritypolicies", "PodSecurityPolicy", ["v1beta1"]),
  extension("monitoring.coreos.com", "prometheusrules", "PrometheusRule", ["v1"]),
  extension("grafana.integreatly.org", "grafanadashboards", "GrafanaDashboard", ["v1beta1"]),
  extension("kyverno.io", "clusterpolicies", "ClusterPolicy", ["v1"]),
  extension("kyverno.io", "policies", "Policy", ["v1"]),
  extension("constraints.gatekeeper.sh", "k8spsphostfilesystem", "K8sPSPHostFilesystem", ["v1beta1"]),
  extension("templates.gatekeeper.sh", "constrainttemplates", "ConstraintTemplate", ["v1", "v1beta1"]),
  extension("tekton.dev", "tasks", "Task", ["v1", "v1beta1"]),
  extension("argoproj.io", "workflowtemplates", "WorkflowTemplate", ["v1alpha1"]),
  extension("argoproj.io", "cronworkflows", "CronWorkflow", ["v1alpha1"]),
  extension("argoproj.io", "rollouts", "Rollout", ["v1alpha1"]),
];

/** `/apis/apps/v1/deployments`; of one object: `/apis/apps/v1/namespaces/a/deployments/b`. */
export function collectionPath(
  { group, resource }: ApiCollection,
  version: string,
  object?: { namespace: string | undefined; name: string },
): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  if (object === undefined) return `${root}/${resource}`;
  const namespace = object.namespace === undefined ? "" : `/namespaces/${encodeURIComponent(object.namespace)}`;
  return `${root}${namespace}/${resource}/${encodeURIComponent(object.name)}`;
}

/** What RBAC must allow for it: `configmaps: list (core group)`. */
export function listRule({ resource, group }: ApiCollection): string {
  return `apiGroups: ["${group}"], resources: ["${resource}"], verbs: ["list"]`;
}

function core(resource: string, kind: string): ApiCollection {
  return { resource, group: "", versions: ["v1"], kind };
}

function apps(resource: string, kind: string): ApiCollection {
  return { resource, group: "apps", versions: ["v1"], kind };
}

function extension(group: string, resource: string, kind: string, versions: readonly string[]): ApiCollection {
  return { resource, group, versions, kind, isExtension: true };
}
