import { sizeText } from "#base/size-text.ts";
import type { ContainerSummary, ImageSummary } from "#clients/docker/wire-types.ts";
import type { Command } from "../command.ts";
import { formatList, printList, type Row } from "../format/print-list.ts";
import { print, write } from "../output.ts";
import { imageLayout, imageRows } from "./images.ts";
import { containerLayout, containerRow } from "./ps.ts";

type Usage = {
  LayersSize?: number;
  Images: ImageSummary[] | null;
  Containers: ContainerSummary[] | null;
  Volumes: { Name: string; UsageData?: { Size: number; RefCount: number } | null }[] | null;
  BuildCache?: { Size: number; InUse: boolean; Shared: boolean }[] | null;
};

export const systemDf: Command = {
  usage: "[OPTIONS]",
  summary: "Show disk usage",
  flags: `
    --format string   table (default), json, 'table TEMPLATE' or 'TEMPLATE'
-v, --verbose         Show detailed information on space usage
`,
  args: { min: 0, max: 0 },
  example: "ferry system df -v",
  run: async (session, { flags }) => {
    const usage = await session.client.json<Usage>({ path: "/system/df" });
    if (flags.bool("verbose")) await printVerbose(usage);
    else {
      const headers = { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" };
      const fields = ["Type", "TotalCount", "Active", "Size", "Reclaimable"];
      await printList(usageRows(usage), { headers, fields }, session.format(flags));
    }
    return 0;
  },
};

function usageRows(usage: Usage): Row[] {
  const { Images, Containers, Volumes, BuildCache, LayersSize = 0 } = usage;
  const images = Images ?? [];
  const usedImages = images.filter((image) => image.Containers > 0);
  const usedBytes = sum(usedImages.map(({ Size, SharedSize }) => Size - Math.max(0, SharedSize)));
  const volumes = (Volumes ?? []).map(({ UsageData }) => UsageData ?? { Size: 0, RefCount: 0 });
  const containers = Containers ?? [];
  const isActive = ({ State }: ContainerSummary) => /running|paused|restarting/.test(State);
  const caches = BuildCache ?? [];
  return [
    row("Images", { total: images.length, active: usedImages.length, bytes: LayersSize, free: LayersSize - usedBytes }),
    row("Containers", {
      total: containers.length,
      active: containers.filter(isActive).length,
      bytes: sum(containers.map(({ SizeRw = 0 }) => SizeRw)),
      free: sum(containers.filter((one) => !isActive(one)).map(({ SizeRw = 0 }) => SizeRw)),
    }),
    row("Local Volumes", {
      total: volumes.length,
      active: volumes.filter(({ RefCount }) => RefCount > 0).length,
      bytes: sum(volumes.map(({ Size }) => Math.max(0, Size))),
      free: sum(volumes.map(({ Size, RefCount }) => (RefCount === 0 ? Math.max(0, Size) : 0))),
    }),
    row("Build Cache", {
      total: caches.length,
      active: caches.filter(({ InUse }) => InUse).length,
      bytes: sum(caches.filter(({ Shared }) => !Shared).map(({ Size }) => Size)),
      free: sum(caches.filter(({ Shared, InUse }) => !Shared && !InUse).map(({ Size }) => Size)),
    }),
  ];
}

function row(type: string, use: { total: number; active: number; bytes: number; free: number }): Row {
  const percent = use.bytes > 0 ? ` (${Math.trunc((use.free / use.bytes) * 100)}%)` : "";
  return {
    Active: String(use.active),
    Reclaimable: `${sizeText(use.free, 4)}${percent}`,
    Size: sizeText(use.bytes, 4),
    TotalCount: String(use.total),
    Type: type,
  };
}

async function printVerbose(usage: Usage): Promise<void> {
  const images = (usage.Images ?? []).flatMap((image) => imageRows(image, { full: false, digests: false }));
  const imageFields = ["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"];
  const containers = (usage.Containers ?? []).map((container) => containerRow(container, false));
  const containerFields = ["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"];
  const volumes = (usage.Volumes ?? []).map(({ Name, UsageData }) => ({
    Name,
    Links: String(UsageData?.RefCount ?? "N/A"),
    Size: UsageData === undefined || UsageData === null ? "N/A" : sizeText(UsageData.Size),
  }));
  print("Images space usage:\n");
  write(1, await formatList(images, { ...imageLayout, fields: imageFields }, undefined));
  print("\nContainers space usage:\n");
  write(1, await formatList(containers, { ...containerLayout, fields: containerFields }, undefined));
  print("\nLocal Volumes space usage:\n");
  const headers = { Name: "VOLUME NAME", Links: "LINKS", Size: "SIZE" };
  write(1, await formatList(volumes, { headers, fields: ["Name", "Links", "Size"] }, undefined));
  print(`\nBuild cache usage: ${sizeText(sum((usage.BuildCache ?? []).map(({ Size }) => Size)), 4)}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
