import type { Field } from "./field.ts";
import type { ContainerShape, HostPathVolume, PodShape } from "./pod-shape.ts";

const lists = {
  containers: "container",
  initContainers: "init",
  ephemeralContainers: "ephemeral",
  steps: "step",
} as const;

/** Reads the `spec` of a pod. `metadata` is the pod's or the template's: old profiles stand in its annotations. */
export function readPodShape(spec: Field, metadata: Field): PodShape {
  const within = (field: Field) => field.path.slice(spec.path.length);
  const volumes = spec.at("volumes").items();
  const containers = Object.entries(lists).flatMap(([list, role]) =>
    spec
      .at(list)
      .items()
      .map((one) => readContainer(one, role, within)),
  );
  return {
    containers,
    hostPaths: volumes.flatMap((volume) => readHostPath(volume, within)),
    claims: volumes.flatMap((volume) => readClaim(volume, within)),
    emptyDirs: volumes.filter(
      (volume) => volume.at("emptyDir").isPresent && volume.at("emptyDir", "medium").text !== "Memory",
    ).length,
    configMaps: volumes.flatMap((volume) => volume.at("configMap", "name").text ?? []),
    pullSecrets: spec
      .at("imagePullSecrets")
      .items()
      .flatMap((one) => one.at("name").text ?? []),
    serviceAccount: spec.at("serviceAccountName").text ?? spec.at("serviceAccount").text ?? "default",
    hostPid: spec.at("hostPID").isTrue,
    hostNetwork: spec.at("hostNetwork").isTrue,
    runtimeClass: readRuntimeClass(spec, within),
    sysctls: Object.fromEntries(
      spec
        .at("securityContext", "sysctls")
        .items()
        .flatMap((one) => [[one.at("name").text ?? "", one.at("value").text ?? ""]]),
    ),
    runAsUser: spec.at("securityContext", "runAsUser").number,
    runAsNonRoot: spec.at("securityContext", "runAsNonRoot").isTrue,
    profiles: [...annotationProfiles(metadata), ...fieldProfiles(spec, within)],
    untrusted: readUntrusted(metadata),
    os: spec.at("os", "name").text,
    nodeSelector: spec.at("nodeSelector").textMap(),
  };
}

type Within = (field: Field) => string;

function readHostPath(volume: Field, within: Within): HostPathVolume[] {
  const at = volume.at("hostPath", "path");
  if (at.text === undefined) return [];
  const type = volume.at("hostPath", "type").text ?? "";
  return [{ volume: volume.at("name").text ?? "", hostPath: at.text, type, path: within(at) }];
}

function readClaim(volume: Field, within: Within): PodShape["claims"] {
  const at = volume.at("persistentVolumeClaim", "claimName");
  return at.text === undefined ? [] : [{ volume: volume.at("name").text ?? "", claim: at.text, path: within(at) }];
}

function readRuntimeClass(spec: Field, within: Within): PodShape["runtimeClass"] {
  const at = spec.at("runtimeClassName");
  return at.text === undefined ? undefined : { name: at.text, path: within(at) };
}

function readContainer(one: Field, role: ContainerShape["role"], within: Within): ContainerShape {
  const security = one.at("securityContext");
  return {
    name: one.at("name").text ?? "",
    role,
    image: one.at("image").text ?? "",
    pullPolicy: one.at("imagePullPolicy").text ?? "",
    command: [
      ...one.at("command").texts(),
      ...one.at("args").texts(),
      ...(one.at("script").text ?? "").split("\n"),
    ].filter((word) => word !== ""),
    env: one
      .at("env")
      .items()
      .map((variable) => readVariable(variable, within)),
    ports: one
      .at("ports")
      .items()
      .flatMap((port) => {
        const container = port.at("containerPort").number;
        return container === undefined ? [] : [{ container, host: port.at("hostPort").number, path: within(port) }];
      }),
    mounts: one
      .at("volumeMounts")
      .items()
      .map((mount) => ({
        volume: mount.at("name").text ?? "",
        at: mount.at("mountPath").text ?? "",
        readOnly: mount.at("readOnly").isTrue,
      })),
    privileged: security.at("privileged").isTrue,
    capabilities: security.at("capabilities", "add").texts(),
    runAsUser: security.at("runAsUser").number,
    runAsNonRoot: security.at("runAsNonRoot").isPresent ? security.at("runAsNonRoot").isTrue : undefined,
    devices: ["limits", "requests"].flatMap((list) =>
      one
        .at("resources", list)
        .entries()
        .flatMap(([name]) => (/^(?:nvidia|amd|gpu\.intel)\.com\//.test(name) ? [name] : [])),
    ),
    path: within(one),
  };
}

/** Values may be secrets: kept are those whose name or value tells of a runtime. */
function readVariable(variable: Field, within: Within): ContainerShape["env"][number] {
  const name = variable.at("name").text ?? "";
  const value = variable.at("value").text ?? "";
  const tells =
    /docker|containerd|cri|runtime|parser|nvidia/i.test(name) ||
    /docker(?:\.sock|shim|:\/\/|-pullable)|:237[56]\b/.test(value);
  return { name, value: tells ? value : "", path: within(variable) };
}

function readUntrusted(metadata: Field): string | undefined {
  const at = metadata.at("annotations", "io.kubernetes.cri.untrusted-workload");
  return at.text === "true" ? besideSpec(metadata, at) : undefined;
}

function annotationProfiles(metadata: Field): PodShape["profiles"] {
  return metadata
    .at("annotations")
    .entries()
    .flatMap(([key, field]) => {
      const kind = key.startsWith("container.apparmor.security.beta.kubernetes.io/")
        ? "apparmor"
        : /^(?:container\.)?seccomp\.security\.alpha\.kubernetes\.io\//.test(key)
          ? "seccomp"
          : undefined;
      if (kind === undefined || field.text === undefined) return [];
      return [{ kind, name: field.text, path: besideSpec(metadata, field) } as const];
    });
}

function fieldProfiles(spec: Field, within: Within): PodShape["profiles"] {
  const contexts = [spec, ...Object.keys(lists).flatMap((list) => spec.at(list).items())];
  return contexts.flatMap((one) =>
    (["apparmor", "seccomp"] as const).flatMap((kind) => {
      const profile = one.at("securityContext", kind === "apparmor" ? "appArmorProfile" : "seccompProfile");
      const at = profile.at("localhostProfile");
      return at.text === undefined ? [] : [{ kind, name: `localhost/${at.text}`, path: within(at) }];
    }),
  );
}

/** Annotations stand beside the spec: `^` in their paths is what holds both. */
function besideSpec(metadata: Field, field: Field): string {
  return `^${field.path.slice(metadata.path.length - ".metadata".length)}`;
}
