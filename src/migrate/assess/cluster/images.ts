import { carryForecast } from "../fix-texts.ts";
import { shellWord } from "#base/shell-word.ts";
import { memberPath } from "../../cluster/field.ts";
import { sourceAt } from "../../cluster/place.ts";
import type { Source } from "../../host/source.ts";
import type { ClusterFacts, NodeFacts, Workload } from "../../cluster/cluster-facts.ts";
import type { ContainerShape } from "../../cluster/pod-shape.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import type { Finding } from "../finding.ts";
import { fullName, isCloudRegistry, isPublicRegistry, parseImageReference } from "../../image-reference.ts";
import { groupNodes, isDocker, nodesFinding } from "../nodes-finding.ts";
import { matchLines, textFinding } from "../text-lines.ts";
import { nameOf, workloadFinding } from "../workload-finding.ts";

const onlyInfo: CheckInfo = {
  id: "node-only-image",
  title: "Images that exist on nodes only",
  severity: "blocker",
};

/** Never pulled, or named so that no registry can be meant: built on the node, and lost with its Docker. */
export const nodeOnlyImage: ClusterCheck = {
  ...onlyInfo,
  *find({ workloads, nodes }) {
    const built = localImages(nodes);
    for (const { workload, container } of eachContainer(workloads)) {
      const place = built.get(fullName(container.image));
      const why =
        place === undefined ? localReason(container) : "Its node lists it without a digest: no registry gave it.";
      if (why === undefined) continue;
      yield workloadFinding(onlyInfo, workload, {
        at: [
          {
            path: `${container.path}.image`,
            excerpt: `${container.image}${container.pullPolicy === "" ? "" : ` (${container.pullPolicy})`}`,
          },
        ],
        says: `image ${container.image} is on its nodes only`,
        ...(place === undefined ? {} : { more: [place] }),
        why: `${why} The new runtime does not see what Docker has, so the pod ends in ErrImageNeverPull or ImagePullBackOff.`,
        fix: {
          summary: "Push it to a registry, or carry it over with the node.",
          commands: [
            carryForecast,
            `docker tag ${shellWord(container.image)} REGISTRY/NAME:TAG && docker push REGISTRY/NAME:TAG`,
          ],
        },
      });
    }
  },
};

/** Where a node says so, by the image's full name; what another node has pulled is not local. */
function localImages(nodes: readonly NodeFacts[]): Map<string, Source> {
  const local = new Map<string, Source>();
  for (const node of nodes.filter(isDocker)) {
    for (const { name, path } of node.localImages) local.set(fullName(name), sourceAt(node.place, path, name));
  }
  if (local.size === 0) return local;
  for (const node of nodes) {
    const own = new Set(node.localImages.map(({ name }) => name));
    for (const name of node.images) if (!own.has(name)) local.delete(fullName(name));
  }
  return local;
}

function localReason({ image, pullPolicy, role }: ContainerShape): string | undefined {
  if (image === "" || role === "step") return undefined;
  const { registry, hasRegistry, repository, tag } = parseImageReference(image);
  if (pullPolicy === "Never") return "It is never pulled.";
  if (registry === "localhost" || registry.startsWith("localhost:")) return "Its name says localhost.";
  if (/^(?:local|dev-local|localbuild)$/.test(tag ?? "")) return `Its tag is ${tag ?? ""}.`;
  // Official images have one word, others of Docker Hub two; nobody publishes with a policy to keep what is there.
  const isHubUser =
    !hasRegistry && repository.split("/")[0] === "library" && /(?:^|[-_])(?:local|dev)(?:$|[-_])/.test(repository);
  return isHubUser ? "It has no registry in its name and is none of Docker's official images." : undefined;
}

const digestInfo: CheckInfo = {
  id: "image-by-digest",
  title: "Images named by digest that are pulled from nowhere",
  severity: "high",
};

/** A digest names a manifest, which Docker's graph store does not keep: an image that is carried over has another. */
export const imageByDigest: ClusterCheck = {
  ...digestInfo,
  *find({ workloads }) {
    for (const { workload, container } of eachContainer(workloads)) {
      const { digest, registry } = parseImageReference(container.image);
      if (digest === undefined) continue;
      const isOffline = container.pullPolicy === "Never" || !isPublicRegistry(registry);
      yield workloadFinding(digestInfo, workload, {
        at: [{ path: `${container.path}.image`, excerpt: container.image }],
        says: `image ${container.image.slice(0, container.image.indexOf("@") + 20)}… is named by its digest`,
        severity: container.pullPolicy === "Never" ? "high" : isOffline ? "medium" : "low",
        why: "An image carried out of Docker's store has a new manifest: it answers to its old digest only where the carrier names it so.",
        fix: {
          summary:
            "Make sure that its registry is reached from the node, or carry it with ferry migrate images, which names it by its old digest too.",
          commands: [carryForecast],
        },
      });
    }
  },
};

const schemaInfo: CheckInfo = {
  id: "schema1-image",
  title: "Images in Docker's manifest schema 1",
  severity: "blocker",
};

const convertedLabel = "io.containerd.image/converted-docker-schema1";
const schemaWords = /converted-docker-schema1|v1\+prettyjws|distribution\.manifest\.v1\+json|schemaVersion"?\s*:\s*1\b/;

/** What containerd marked as converted, and what texts name; containerd 2.1 and Ferry take no such image. */
export const schema1Image: ClusterCheck = {
  ...schemaInfo,
  *find({ nodes, texts }): Generator<Finding> {
    const why = "Schema 1 is taken by no newer runtime: such an image cannot be pulled after the move.";
    const fix = {
      summary: "Push the image again with a current client, which writes schema 2 or OCI.",
      commands: ["skopeo copy --format v2s2 docker://IMAGE docker://IMAGE"],
      links: ["https://github.com/containerd/containerd/blob/main/docs/containerd-2.0.md"],
    };
    const groups = groupNodes(
      nodes,
      ({ labels, annotations }) => labels[convertedLabel] ?? annotations[convertedLabel],
    );
    for (const group of groups.values()) {
      yield nodesFinding(schemaInfo, group, {
        says: "has images converted from manifest schema 1",
        why,
        fix,
        evidence: ({ place, labels, annotations }) =>
          sourceAt(
            place,
            memberPath(
              labels[convertedLabel] === undefined ? ".metadata.annotations" : ".metadata.labels",
              convertedLabel,
            ),
            labels[convertedLabel] ?? annotations[convertedLabel],
          ),
      });
    }
    for (const text of texts) {
      const matches = [...matchLines(text.text, schemaWords)];
      if (text.ref === undefined || matches.length === 0) continue;
      yield textFinding(schemaInfo, text, {
        matches,
        says: "speaks of manifest schema 1",
        severity: "medium",
        why,
        fix,
      });
    }
  },
};

const credentialInfo: CheckInfo = {
  id: "registry-credentials",
  title: "Images of private registries without a pull secret",
  severity: "high",
};

/** They rely on a login of the node, or on what its Docker has kept; both end with it. */
export const registryCredentials: ClusterCheck = {
  ...credentialInfo,
  *find(facts) {
    const seen = new Set<string>();
    const guarded = guardedRegistries(facts);
    for (const { workload, container } of eachContainer(facts.workloads)) {
      const { registry } = parseImageReference(container.image);
      if (
        container.image === "" ||
        isPublicRegistry(registry) ||
        isCloudRegistry(registry) ||
        registry.startsWith("localhost")
      )
        continue;
      if (hasSecret(facts, workload) || container.pullPolicy === "Never") continue;
      const key = `${workload.ref.kind} ${workload.ref.namespace ?? ""}/${workload.ref.name} ${registry}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const other = guarded.get(registry);
      yield workloadFinding(credentialInfo, workload, {
        at: [{ path: `${container.path}.image`, excerpt: container.image }],
        says: `pulls from ${registry} without a pull secret`,
        severity: other === undefined ? "medium" : "high",
        ...(other === undefined ? {} : { more: [other] }),
        why:
          other !== undefined
            ? "Other workloads bring a pull secret for this registry: this one lives on the node's Docker login, or on images that are already there."
            : "If the registry asks for a login, the pod lives on the node's Docker login or on images that are already there.",
        fix: {
          summary: `Give its service account a pull secret for ${registry}, or put the login into the kubelet's /var/lib/kubelet/config.json.`,
          commands: [
            `kubectl -n ${shellWord(workload.ref.namespace ?? "default")} create secret docker-registry regcred --docker-server=${shellWord(registry)} --docker-username=USER --docker-password=PASSWORD`,
            `kubectl -n ${shellWord(workload.ref.namespace ?? "default")} patch serviceaccount ${shellWord(workload.shape.serviceAccount)} -p '{"imagePullSecrets":[{"name":"regcred"}]}'`,
          ],
          links: ["https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/"],
        },
      });
    }
  },
};

/** Registries for which some workload has a pull secret: they ask for a login. */
function guardedRegistries(facts: ClusterFacts): Map<string, Source> {
  const guarded = new Map<string, Source>();
  for (const { workload, container } of eachContainer(facts.workloads)) {
    const { place, specPath, ref } = workload;
    const source = sourceAt(place, `${specPath}.imagePullSecrets`, nameOf(ref));
    if (hasSecret(facts, workload)) guarded.set(parseImageReference(container.image).registry, source);
  }
  return guarded;
}

function hasSecret({ accounts }: ClusterFacts, { shape, ref }: Workload): boolean {
  if (shape.pullSecrets.length > 0) return true;
  const account = accounts.find(
    ({ namespace, name }) => namespace === (ref.namespace ?? "default") && name === shape.serviceAccount,
  );
  return (account?.pullSecrets.length ?? 0) > 0;
}

function* eachContainer(workloads: readonly Workload[]): Generator<{ workload: Workload; container: ContainerShape }> {
  for (const workload of workloads) for (const container of workload.shape.containers) yield { workload, container };
}
