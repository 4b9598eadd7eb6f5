import type { Container } from "#core/containers/container.ts";

import type { Filters } from "../filters.ts";
import { visibleContainers } from "../pods/visible-containers.ts";
import type { RouteContext } from "../route.ts";
import { ancestorIds } from "./ancestor-images.ts";
import { recordOf } from "./records.ts";
import { stateName } from "./status-text.ts";
import { toPortMap } from "./to-ports.ts";

export const listFilterKeys = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "isolation",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
];

export type Selection = {
  /** Those that do not run, too. */
  readonly all: boolean;
  /** The newest so many, running or not; 0: without bound. */
  readonly limit: number;
  readonly filters: Filters;
};

type Test = (container: Container) => boolean;

/** Containers that a list shows, newest first. Source: moby daemon/list.go. @throws invalidArgument @throws notFound */
export async function selectContainers(context: RouteContext, selection: Selection): Promise<Container[]> {
  const { filters, limit, all } = selection;
  const tests = [...plainTests(filters), ...(await lookedUpTests(context, filters))];
  const showsAll = all || limit > 0 || ["status", "exited", "before", "since"].some((key) => filters.has(key));
  const everything = await visibleContainers(context);
  const found = everything
    .filter(({ status }) => status.state !== "creating" && (showsAll || isUp(status.state)))
    .filter((container) => tests.every((test) => test(container)))
    .sort((a, b) => (a.createdAtNs < b.createdAtNs ? 1 : a.createdAtNs > b.createdAtNs ? -1 : 0));
  return limit > 0 ? found.slice(0, limit) : found;
}

function isUp(state: Container["status"]["state"]): boolean {
  return state === "running" || state === "paused" || state === "restarting";
}

const states = ["created", "restarting", "running", "removing", "paused", "exited", "dead"];
const healths = ["starting", "healthy", "unhealthy", "none"];

/** Tests that need the container alone. */
function plainTests(filters: Filters): Test[] {
  for (const [key, known] of [
    ["status", states],
    ["health", healths],
  ] as const) {
    if (!filters.get(key).every((value) => known.includes(value))) throw filters.invalid(key);
  }
  if (!filters.get("exited").every((value) => /^-?\d+$/.test(value))) throw filters.invalid("exited");
  const isTask = filters.has("is-task") && filters.boolean("is-task", false);
  return [
    ({ id }) => filters.some("id", (value) => id === value || id.startsWith(value)),
    ({ name }) => filters.matchName("name", name) || filters.some("name", (value) => fitsSlashed(value, name)),
    ({ labels }) => filters.matchLabels(labels),
    ({ status }) => filters.some("status", (value) => stateName(status) === value),
    ({ status }) => filters.some("health", (value) => (status.health?.status ?? "none") === value),
    ({ status }) =>
      filters.some(
        "exited",
        (value) => status.exitCode === Number(value) && status.startedAtNs !== undefined && !isUp(status.state),
      ),
    ({ config }) => filters.some("volume", (value) => hasVolume(config.mounts, value)),
    (container) => filters.some("network", (value) => isOnNetwork(container, value)),
    (container) => filters.some("publish", (value) => hasPort(publishedKeys(container), value)),
    (container) => filters.some("expose", (value) => hasPort(exposedKeys(container), value)),
    () => !isTask,
  ];
}

/** Tests whose values name something that has to be there. */
async function lookedUpTests(context: RouteContext, filters: Filters): Promise<Test[]> {
  const { call, engine } = context;
  const tests: Test[] = [];
  for (const value of filters.get("before")) {
    const { createdAtNs } = await engine.containers.resolve(call, value);
    tests.push((container) => container.createdAtNs < createdAtNs);
  }
  for (const value of filters.get("since")) {
    const { createdAtNs } = await engine.containers.resolve(call, value);
    tests.push((container) => container.createdAtNs > createdAtNs);
  }
  if (filters.has("ancestor")) {
    const wanted = filters.get("ancestor");
    const ids = await ancestorIds(context, wanted);
    tests.push(({ image }) => ids.has(image.id) || wanted.includes(image.reference));
  }
  return tests;
}

/** `^/web$`: the name as Docker stores it, with a slash before it. */
function fitsSlashed(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern).test(`/${name}`);
  } catch {
    return false;
  }
}

function hasVolume(mounts: Container["config"]["mounts"], value: string): boolean {
  return mounts.some(
    (mount) =>
      mount.destination === value ||
      (mount.t === "volume" && mount.name === value) ||
      (mount.t === "bind" && mount.source === value),
  );
}

function isOnNetwork({ config, attachments }: Container, value: string): boolean {
  if (config.linuxNamespaces.network.t === "host") return value === "host";
  return (
    config.networks.some(({ network }) => network === value || network.startsWith(value)) ||
    attachments.some(({ networkName, networkId }) => networkName === value || networkId.startsWith(value))
  );
}

function publishedKeys(container: Container): string[] {
  const map = toPortMap(container, recordOf(container));
  return Object.keys(map).filter((key) => map[key] !== null);
}

function exposedKeys(container: Container): string[] {
  return Object.keys(toPortMap(container, recordOf(container)));
}

/** `80`, `80/udp`, `80-90/tcp`. */
function hasPort(keys: readonly string[], value: string): boolean {
  const match = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(value);
  if (match === null) return false;
  const [low, high] = [Number(match[1]), Number(match[2] ?? match[1])];
  const protocol = match[3] ?? "tcp";
  return keys.some((key) => {
    const [port, of] = key.split("/");
    return of === protocol && Number(port) >= low && Number(port) <= high;
  });
}
