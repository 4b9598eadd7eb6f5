import { lookUp } from "#base/look-up.ts";
import type { Finding } from "../../assess/finding.ts";
import type { ConfigView, HandlerView } from "../config-view.ts";
import type { DoctorFacts } from "../doctor-facts.ts";
import { finding, isFirst, isSince, pluginError } from "./check.ts";

/** Runtime handlers: what they run, and who makes their cgroups. */
export function* handlerChecks(facts: DoctorFacts, view: ConfigView | undefined): Iterable<Finding> {
  yield* cgroupDrivers(facts, view);
  if (view === undefined) return;
  yield* defaultRuntime(facts, view);
  yield* oldOptions(facts, view);
  for (const handler of view.handlers) {
    yield* removedType(facts, handler);
    yield* binaryName(facts, handler);
  }
}

function* defaultRuntime(facts: DoctorFacts, view: ConfigView): Iterable<Finding> {
  const named = view.runtime("containerd", "default_runtime_name");
  const name = typeof named?.value === "string" && named.value !== "" ? named.value : "runc";
  const [first] = view.handlers;
  // In version 1 of containerd a table of runtimes takes the place of the default one, runc with it.
  const isThere = view.handlers.some((handler) => handler.name === name);
  const isBuiltIn = name === "runc" && (first === undefined || !isFirst(facts));
  if (isThere || isBuiltIn) return;
  yield finding(facts.path, {
    check: "containerd-default-runtime",
    severity: "blocker",
    title: `default_runtime_name: there is no runtimes.${name}`,
    why: pluginError(
      facts,
      `no corresponding runtime configured in \`containerd.runtimes\` for \`containerd\` \`default_runtime_name = "${name}"`,
    ),
    at: [named?.origin.source ?? first?.source],
    fix: { summary: `add a table runtimes.${name} with its runtime_type` },
  });
}

/** Only for the runtime type of old, which containerd 2 does not have. Source: `ValidatePluginConfig` at 1.6. */
function* oldOptions(facts: DoctorFacts, view: ConfigView): Iterable<Finding> {
  const names = ["systemd_cgroup", "no_pivot", "runtime_engine", "runtime_root"];
  const leaf = view.own.find(({ path, value }) => {
    const key = path.at(-1) ?? "";
    return names.includes(key) && path.includes("io.containerd.grpc.v1.cri") && value !== "" && value !== false;
  });
  const isOldType = view.own.some(({ value }) => value === "io.containerd.runtime.v1.linux");
  if (leaf === undefined || (isOldType && !isSince(facts, 2, 0))) return;
  const key = leaf.path.at(-1) ?? "";
  yield finding(facts.path, {
    check: "containerd-removed-option",
    severity: isSince(facts, 2, 0) ? "high" : "blocker",
    title: `${key}: is for a runtime type of old`,
    why: isSince(facts, 2, 0)
      ? "containerd 2 does not know it: it has no effect"
      : pluginError(facts, `\`${key}\` only works for runtime io.containerd.runtime.v1.linux`),
    at: [leaf.origin.source],
    fix: { summary: `take it out, and say ${lookUp(inOptions, key) ?? key} in options of the runtime` },
  });
}

const inOptions: Readonly<Record<string, string>> = {
  systemd_cgroup: "SystemdCgroup = true",
  no_pivot: "NoPivotRoot = true",
  runtime_engine: "BinaryName",
  runtime_root: "Root",
};

function* removedType(facts: DoctorFacts, { name, source }: HandlerView): Iterable<Finding> {
  const excerpt = source.excerpt ?? "";
  const type = /io\.containerd\.(runtime\.v1\.linux|runc\.v1)\b/.exec(excerpt)?.[0];
  if (type === undefined) return;
  yield finding(facts.path, {
    check: "containerd-removed-runtime-type",
    severity: isSince(facts, 2, 0) ? "high" : "medium",
    title: `runtimes.${name}: ${type} was removed in containerd 2.0`,
    why: "pods of this handler do not start there: its shim is not installed any more",
    at: [source],
    fix: { summary: 'write runtime_type = "io.containerd.runc.v2"' },
  });
}

/** A handler of this type that names no binary runs runc, whatever the handler is called. */
function* binaryName(facts: DoctorFacts, { name, type, options, source }: HandlerView): Iterable<Finding> {
  if (type !== "io.containerd.runc.v2") return;
  const binary = options["BinaryName"];
  if ((binary === undefined || binary === "") && !["runc", "default", "untrusted"].includes(name)) {
    yield finding(facts.path, {
      check: "containerd-no-binary-name",
      severity: "high",
      title: `runtimes.${name}: names no binary`,
      why: `its pods run with runc, silently: without BinaryName the type means runc, whatever the handler is called`,
      at: [source],
      fix: { summary: `set options.BinaryName of runtimes.${name}` },
    });
  }
  if (typeof binary === "string" && binary.startsWith("/") && !facts.present.has(binary)) {
    yield finding(facts.path, {
      check: "containerd-binary-absent",
      severity: "high",
      title: `runtimes.${name}: ${binary} is not there`,
      why: `its pods do not start: exec: "${binary}": stat ${binary}: no such file or directory`,
      at: [source],
      fix: { summary: "install it, or name the one that is there" },
    });
  }
}

function* cgroupDrivers(facts: DoctorFacts, view: ConfigView | undefined): Iterable<Finding> {
  const { cgroupDriver, minor } = facts.kubelet;
  const handlers = (view?.handlers ?? []).filter(({ type }) => type === "io.containerd.runc.v2");
  const drivers = handlers.map((handler) => ({ handler, isSystemd: handler.options["SystemdCgroup"] === true }));
  const systemd = drivers.filter(({ isSystemd }) => isSystemd);
  if (systemd.length > 0 && systemd.length < drivers.length) {
    const left = drivers.filter(({ isSystemd }) => !isSystemd).map(({ handler }) => handler);
    yield finding(facts.path, {
      check: "containerd-systemd-cgroup-partly",
      severity: "high",
      title: `SystemdCgroup: is missing for ${left.map(({ name }) => name).join(", ")}`,
      why: "pods of such a handler restart in waves: the kubelet and the runtime make their cgroups in two ways",
      at: [...left.map(({ source }) => source), ...systemd.map(({ handler }) => handler.source)],
      fix: { summary: "set options.SystemdCgroup = true for each runc-like handler" },
    });
  }
  // From 1.34 on the kubelet asks a containerd of line 2 and believes it.
  const asks = (minor?.value ?? 0) >= 34 && isSince(facts, 2, 0);
  const wanted = cgroupDriver?.value;
  if (wanted === undefined || asks || (wanted !== "systemd" && wanted !== "cgroupfs")) return;
  const isSystemd = systemd.length === drivers.length && drivers.length > 0;
  const isNone = systemd.length === 0;
  if ((wanted === "systemd" && isNone) || (wanted === "cgroupfs" && isSystemd)) {
    yield finding(facts.path, {
      check: "containerd-cgroup-driver",
      severity: "blocker",
      title: `cgroup driver: the kubelet has ${wanted}, containerd has ${isNone ? "cgroupfs" : "systemd"}`,
      why: isNone
        ? "pods restart in waves (SandboxChanged), the control plane's among them; SystemdCgroup is false by default"
        : 'no pod starts: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/kubepods/…"',
      at: [cgroupDriver?.source, drivers[0]?.handler.source],
      fix: {
        summary: isNone
          ? "set options.SystemdCgroup = true for each runc-like handler"
          : "set cgroupDriver: systemd for the kubelet, or SystemdCgroup = false",
      },
    });
  }
}
