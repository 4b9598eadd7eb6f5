import type {
  AccountFacts,
  BudgetFacts,
  ClaimFacts,
  NodeFacts,
  ObjectRef,
  RuntimeClassFacts,
  ServiceFacts,
  VolumeFacts,
} from "./cluster-facts.ts";
import type { Field } from "./field.ts";
import type { Place } from "./place.ts";

export function readNode(object: Field, place: Place): NodeFacts {
  const info = object.at("status", "nodeInfo");
  const metadata = object.at("metadata");
  return {
    name: metadata.at("name").text ?? "",
    place,
    labels: metadata.at("labels").textMap(),
    annotations: metadata.at("annotations").textMap(),
    kubelet: info.at("kubeletVersion").text ?? "",
    runtime: info.at("containerRuntimeVersion").text ?? "",
    os: info.at("operatingSystem").text ?? "linux",
    osImage: info.at("osImage").text ?? "",
    providerId: object.at("spec", "providerID").text ?? "",
    podCidr: object.at("spec", "podCIDR").text ?? "",
    isReady: object
      .at("status", "conditions")
      .items()
      .some((one) => one.at("type").text === "Ready" && one.at("status").text === "True"),
    isUnschedulable: object.at("spec", "unschedulable").isTrue,
    images: object
      .at("status", "images")
      .items()
      .flatMap((one) => one.at("names").texts()),
    localImages: readLocalImages(object),
    config: undefined,
    metrics: undefined,
  };
}

/** A pulled image is listed by its digest too. */
function readLocalImages(object: Field): NodeFacts["localImages"] {
  return object
    .at("status", "images")
    .items()
    .flatMap((one) => {
      const names = one.at("names").texts();
      if (names.length === 0 || names.some((name) => name.includes("@"))) return [];
      return names.filter((name) => !name.includes("<none>")).map((name) => ({ name, path: one.at("names").path }));
    });
}

/** Only volumes that are directories of a node. */
export function readVolume(object: Field, place: Place): VolumeFacts[] {
  const spec = object.at("spec");
  const name = object.at("metadata", "name").text ?? "";
  const claim = spec.at("claimRef");
  const [claimNamespace, claimName] = [claim.at("namespace").text ?? "default", claim.at("name").text];
  return [spec.at("hostPath", "path"), spec.at("local", "path")].flatMap((at) =>
    at.text === undefined
      ? []
      : [
          {
            name,
            place,
            hostPath: at.text,
            path: at.path,
            claim: claimName === undefined ? undefined : `${claimNamespace}/${claimName}`,
          },
        ],
  );
}

export function readClaim(object: Field): ClaimFacts[] {
  const volume = object.at("spec", "volumeName").text;
  if (volume === undefined) return [];
  const namespace = object.at("metadata", "namespace").text ?? "default";
  return [{ namespace, name: object.at("metadata", "name").text ?? "", volume }];
}

export function readService(object: Field, place: Place, ref: ObjectRef): ServiceFacts {
  const ports = object
    .at("spec", "ports")
    .items()
    .flatMap((one) => {
      const port = one.at("port").number;
      return port === undefined ? [] : [{ port, target: one.at("targetPort").number, path: one.path }];
    });
  return { ref, place, ports };
}

export function readBudget(object: Field, place: Place, ref: ObjectRef): BudgetFacts {
  const spec = object.at("spec");
  const amount = (field: Field) => field.text ?? field.number?.toString();
  return {
    ref,
    place,
    selector: spec.at("selector", "matchLabels").textMap(),
    disruptionsAllowed: object.at("status", "disruptionsAllowed").number,
    minAvailable: amount(spec.at("minAvailable")),
    maxUnavailable: amount(spec.at("maxUnavailable")),
  };
}

export function readRuntimeClass(object: Field, place: Place): RuntimeClassFacts {
  // Before node.k8s.io/v1beta1 the handler stood in the spec.
  const handler = object.at("handler").text ?? object.at("spec", "runtimeHandler").text ?? "";
  return { name: object.at("metadata", "name").text ?? "", place, handler };
}

export function readAccount(object: Field): AccountFacts {
  return {
    namespace: object.at("metadata", "namespace").text ?? "default",
    name: object.at("metadata", "name").text ?? "",
    pullSecrets: object
      .at("imagePullSecrets")
      .items()
      .flatMap((one) => one.at("name").text ?? []),
  };
}
