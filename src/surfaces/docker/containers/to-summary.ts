import type { UnixNs } from "#base/clock.ts";
import type { Container } from "#core/containers/container.ts";
import { asObject, recordOf } from "./records.ts";
import { stateName, statusText } from "./status-text.ts";
import { toEndpoints } from "./to-endpoints.ts";
import { networkModeText } from "./to-host-config.ts";
import { toMountPoints, type VolumePaths } from "./to-mount-points.ts";
import { toPortSummaries } from "./to-ports.ts";

export type SummaryOptions = {
  readonly api: number;
  readonly now: UnixNs;
  readonly volumes: VolumePaths;
  readonly size?: { readonly writableBytes: number; readonly rootBytes: number };
};

/** One line of `docker ps`. Source: moby api/types/container/container.go, Summary. */
export function toSummary(container: Container, options: SummaryOptions): Record<string, unknown> {
  const record = recordOf(container);
  const { status } = container;
  const annotations = asObject(record.hostConfig["Annotations"]);
  const hasAnnotations = options.api >= 46 && Object.keys(annotations).length > 0;
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: container.image.reference,
    ImageID: container.image.id,
    Command: commandText(container.config.args),
    Created: Number(container.createdAtNs / 1_000_000_000n),
    Ports: toPortSummaries(container, record),
    ...(options.size === undefined ? {} : { SizeRw: options.size.writableBytes, SizeRootFs: options.size.rootBytes }),
    Labels: container.labels,
    State: stateName(status),
    Status: statusText(status, options.now),
    HostConfig: {
      NetworkMode: networkModeText(container, record),
      ...(hasAnnotations ? { Annotations: annotations } : {}),
    },
    ...(options.api < 52 || status.health === undefined
      ? {}
      : { Health: { Status: status.health.status, FailingStreak: status.health.failingStreak } }),
    NetworkSettings: { Networks: toEndpoints(container, record, options.api) },
    Mounts: toMountPoints(container, record, options.volumes),
  };
}

/** Path and arguments in one; arguments with a space in quotes. Source: moby daemon/container/view.go. */
function commandText([path = "", ...args]: readonly string[]): string {
  if (args.length === 0) return path;
  return `${path} ${args.map((arg) => (arg.includes(" ") ? `'${arg}'` : arg)).join(" ")}`;
}
