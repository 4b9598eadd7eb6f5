import type { TestApiServer } from "./api-server.ts";
import { sendStatus } from "./api-server.ts";
import type { StoredObject } from "./selectors.ts";

export type ClusterSize = { readonly nodes: number; readonly pods: number };

const podsPerDeployment = 20;
const namespaces = 50;

/**
 * Fills a server with a cluster that runs on Docker: nodes with image lists, Deployments with old ReplicaSets, one
 * DaemonSet that mounts Docker's socket, pods and ConfigMaps as large as real ones, kubelets that answer through the
 * proxy.
 */
export function fillCluster(server: TestApiServer, { nodes, pods }: ClusterSize): void {
  const { store } = server;
  const nodeName = (at: number) => `node-${String(at % nodes).padStart(4, "0")}`;
  for (let at = 0; at < nodes; at++) store.put("nodes", node(nodeName(at), at));
  const deployments = Math.max(1, Math.floor((pods - nodes) / podsPerDeployment));
  for (let at = 0; at < deployments; at++) {
    const name = `app-${at}`;
    const namespace = `team-${at % namespaces}`;
    store.put("deployments", deployment(name, namespace, at));
    for (let revision = 0; revision < 5; revision++) store.put("replicasets", replicaSet(name, namespace, revision));
    store.put("configmaps", configMap(`${name}-config`, namespace));
  }
  const collector = { kind: "DaemonSet", name: "collector", namespace: "kube-system" };
  store.put("daemonsets", daemonSet());
  for (let at = 0; at < nodes; at++)
    store.put("pods", pod(`collector-${at}`, { owner: collector, spec: collectorSpec(), node: nodeName(at) }));
  for (let at = nodes; at < pods; at++) {
    const app = (at - nodes) % deployments;
    const owner = { kind: "ReplicaSet", name: `app-${app}-rs4`, namespace: `team-${app % namespaces}` };
    store.put("pods", pod(`app-${app}-rs4-${at}`, { owner, spec: appSpec(app), node: nodeName(at * 7) }));
  }
  server.handlers.push(answerKubelets);
}

const answerKubelets: TestApiServer["handlers"][number] = ({ path }, response) => {
  const what = /^\/api\/v1\/nodes\/[^/]+\/proxy\/(configz|metrics)$/.exec(path)?.[1];
  if (what === "configz") response.end('{"kubeletconfig":{"cgroupDriver":"systemd","containerLogMaxSize":"10Mi"}}');
  else if (what === "metrics") response.end(metrics);
  else if (path === "/readyz") sendStatus(response, 200, "", "ok");
  else return false;
  return true;
};

const metrics = Array.from(
  { length: 800 },
  (_, at) => `kubelet_runtime_operations_total{operation_type="op${at}"} ${at}`,
).join("\n");

function node(name: string, at: number): StoredObject {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "kubernetes.io/hostname": name, ...(at < 3 ? { "node-role.kubernetes.io/control-plane": "" } : {}) },
      managedFields: filler(2000),
    },
    spec: { podCIDR: `10.${at % 250}.0.0/24` },
    status: {
      nodeInfo: {
        kubeletVersion: "v1.23.17",
        containerRuntimeVersion: "docker://20.10.24",
        operatingSystem: "linux",
        osImage: "Ubuntu 20.04",
      },
      conditions: [{ type: "Ready", status: "True" }],
      images: Array.from({ length: 50 }, (_, image) => ({
        names: [
          `registry.example.com/app-${image}@sha256:${"0".repeat(64)}`,
          `registry.example.com/app-${image}:1.${at % 5}`,
        ],
        sizeBytes: 1,
      })),
    },
  };
}

function appSpec(at: number) {
  return {
    containers: [
      {
        name: "main",
        image: `registry.example.com/app-${at}:1.4`,
        imagePullPolicy: "IfNotPresent",
        env: Array.from({ length: 20 }, (_, index) => ({ name: `SETTING_${index}`, value: `value-${index}` })),
        ports: [{ containerPort: at % 10 === 0 ? 80 : 8080 }],
        ...(at % 10 === 0 ? { securityContext: { runAsUser: 1000 } } : {}),
      },
    ],
    imagePullSecrets: [{ name: "regcred" }],
    volumes: [{ name: "tmp", emptyDir: {} }],
  };
}

function collectorSpec() {
  return {
    containers: [
      {
        name: "fluentd",
        image: "fluent/fluentd:v1.14",
        volumeMounts: [{ name: "sock", mountPath: "/var/run/docker.sock" }],
      },
    ],
    volumes: [
      { name: "sock", hostPath: { path: "/var/run/docker.sock" } },
      { name: "logs", hostPath: { path: "/var/lib/docker/containers" } },
    ],
  };
}

function deployment(name: string, namespace: string, at: number): StoredObject {
  const spec = { replicas: podsPerDeployment, template: { metadata: { labels: { app: name } }, spec: appSpec(at) } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace, managedFields: filler(3000) },
    spec,
  };
}

function replicaSet(name: string, namespace: string, revision: number): StoredObject {
  const owner = [{ apiVersion: "apps/v1", kind: "Deployment", name, controller: true }];
  const metadata = { name: `${name}-rs${revision}`, namespace, ownerReferences: owner, managedFields: filler(2000) };
  return { apiVersion: "apps/v1", kind: "ReplicaSet", metadata, spec: { template: { spec: appSpec(0) } } };
}

function daemonSet(): StoredObject {
  const spec = { template: { metadata: { labels: { app: "collector" } }, spec: collectorSpec() } };
  return { apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "collector", namespace: "kube-system" }, spec };
}

type PodParts = { owner: { kind: string; name: string; namespace: string }; spec: object; node: string };

function pod(name: string, { owner, spec, node }: PodParts): StoredObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: owner.namespace,
      ownerReferences: [{ apiVersion: "apps/v1", kind: owner.kind, name: owner.name, controller: true }],
      managedFields: filler(4000),
    },
    spec: { ...spec, nodeName: node },
    status: {
      phase: "Running",
      containerStatuses: [
        {
          name: "main",
          containerID: `docker://${"a".repeat(64)}`,
          imageID: `docker-pullable://registry.example.com/x@sha256:${"b".repeat(64)}`,
          notes: filler(1500),
        },
      ],
    },
  };
}

function configMap(name: string, namespace: string): StoredObject {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace },
    data: { "app.properties": "key=value\n".repeat(300) },
  };
}

/** As much as the server's own notes take. */
function filler(bytes: number): readonly { manager: string; fields: string }[] {
  return Array.from({ length: Math.ceil(bytes / 100) }, () => ({
    manager: "kube-controller-manager",
    fields: "f:metadata f:spec f:status f:x".padEnd(60),
  }));
}
