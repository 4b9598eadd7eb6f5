import { binarySizeText } from "#base/size-text.ts";
import { clientVersion } from "../client-version.ts";
import type { Command } from "../command.ts";
import { printObject } from "../format/print-object.ts";

type Info = {
  ID?: string;
  Containers: number;
  ContainersRunning: number;
  ContainersPaused: number;
  ContainersStopped: number;
  Images: number;
  Driver: string;
  DriverStatus?: [string, string][] | null;
  LoggingDriver?: string;
  CgroupDriver?: string;
  CgroupVersion?: string;
  Plugins?: { Volume?: string[] | null; Network?: string[] | null; Log?: string[] | null };
  Runtimes?: Record<string, unknown> | null;
  DefaultRuntime?: string;
  InitBinary?: string;
  SecurityOptions?: string[] | null;
  KernelVersion?: string;
  OperatingSystem?: string;
  OSType?: string;
  Architecture?: string;
  NCPU?: number;
  MemTotal?: number;
  Name?: string;
  DockerRootDir?: string;
  ServerVersion?: string;
  LiveRestoreEnabled?: boolean;
  RegistryConfig?: { InsecureRegistryCIDRs?: string[] | null; Mirrors?: string[] | null };
  Warnings?: string[] | null;
};

export const info: Command = {
  usage: "[OPTIONS]",
  summary: "Display system-wide information",
  flags: `
-f, --format string   json, or a template
`,
  args: { min: 0, max: 0 },
  example: "ferry info --format '{{.Driver}} {{.CgroupVersion}}'",
  run: async (session, { flags }) => {
    const found = await session.client.json<Info>({ path: "/info" });
    await printObject({ ...found, ClientInfo: { Version: clientVersion() } }, session.format(flags), () =>
      infoText(found),
    );
    return 0;
  },
};

function infoText(found: Info): string {
  const plugin = (kind: "Volume" | "Network" | "Log") => found.Plugins?.[kind]?.join(" ");
  const rows: readonly (readonly [string, string | number | undefined])[] = [
    [" Containers", found.Containers],
    ["  Running", found.ContainersRunning],
    ["  Paused", found.ContainersPaused],
    ["  Stopped", found.ContainersStopped],
    [" Images", found.Images],
    [" Server Version", found.ServerVersion],
    [" Storage Driver", found.Driver],
    ...(found.DriverStatus ?? []).map(([key, value]) => [`  ${key}`, value] as const),
    [" Logging Driver", found.LoggingDriver],
    [" Cgroup Driver", found.CgroupDriver],
    [" Cgroup Version", found.CgroupVersion],
    ["  Volume", plugin("Volume")],
    ["  Network", plugin("Network")],
    ["  Log", plugin("Log")],
    [" Runtimes", found.Runtimes === undefined ? undefined : Object.keys(found.Runtimes ?? {}).join(" ")],
    [" Default Runtime", found.DefaultRuntime],
    [" Init Binary", found.InitBinary],
    [" Security Options", found.SecurityOptions?.map((option) => option.replace(/^name=/, "")).join(" ")],
    [" Kernel Version", found.KernelVersion],
    [" Operating System", found.OperatingSystem],
    [" OSType", found.OSType],
    [" Architecture", found.Architecture],
    [" CPUs", found.NCPU],
    [" Total Memory", found.MemTotal === undefined ? undefined : binarySizeText(found.MemTotal)],
    [" Name", found.Name],
    [" ID", found.ID],
    [" Docker Root Dir", found.DockerRootDir],
    [" Insecure Registries", found.RegistryConfig?.InsecureRegistryCIDRs?.join(" ")],
    [" Registry Mirrors", found.RegistryConfig?.Mirrors?.join(" ")],
    [" Live Restore Enabled", found.LiveRestoreEnabled === undefined ? undefined : String(found.LiveRestoreEnabled)],
  ];
  const shown = rows
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([key, value]) => `${key}: ${value}`);
  const warnings = (found.Warnings ?? []).map((warning) => `WARNING: ${warning.replace(/^WARNING: /, "")}`);
  return ["Client:", ` Version: ${clientVersion()}`, "", "Server:", ...shown, ...warnings].join("\n");
}
