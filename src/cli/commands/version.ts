import { EngineError } from "#base/errors.ts";
import { clientVersion } from "../client-version.ts";
import type { Command, Input } from "../command.ts";
import { printObject } from "../format/print-object.ts";
import type { Session } from "../session.ts";
import { CliError } from "../cli-error.ts";

export const version: Command = {
  usage: "[OPTIONS]",
  summary: "Show the version of client and daemon",
  flags: `
-f, --format string   json, or a template
`,
  args: { min: 0, max: 0 },
  example: "ferry version --format '{{.Server.Version}}'",
  run,
};

type ServerVersion = {
  Version: string;
  ApiVersion: string;
  MinAPIVersion?: string;
  GitCommit?: string;
  Os: string;
  Arch: string;
  KernelVersion?: string;
  Platform?: { Name?: string };
  Components?: { Name: string; Version: string; Details?: Record<string, string> | null }[];
};

async function run(session: Session, { flags }: Input): Promise<number> {
  const client = {
    Version: clientVersion(),
    Runtime: `node ${process.version}`,
    Os: process.platform,
    Arch: process.arch === "x64" ? "amd64" : process.arch,
  };
  let server: ServerVersion | undefined;
  let failure: unknown;
  try {
    server = await session.client.json<ServerVersion>({ path: "/version" });
  } catch (error) {
    // The client's half is worth having without a daemon.
    if (!(error instanceof EngineError) && !(error instanceof CliError)) throw error;
    failure = error;
  }
  const plain = () => [...section("Client", client), ...(server === undefined ? [] : serverLines(server))].join("\n");
  await printObject({ Client: client, Server: server }, session.format(flags), plain);
  if (failure !== undefined) throw failure;
  return 0;
}

function serverLines(server: ServerVersion): string[] {
  const range = server.MinAPIVersion === undefined ? "" : ` (minimum version ${server.MinAPIVersion})`;
  const head = {
    Version: server.Version,
    "API version": `${server.ApiVersion}${range}`,
    "OS/Arch": `${server.Os}/${server.Arch}`,
    Kernel: server.KernelVersion ?? "",
  };
  const name =
    server.Platform?.Name === undefined || server.Platform.Name === "" ? "Server" : `Server: ${server.Platform.Name}`;
  const components = (server.Components ?? []).flatMap((component) => [
    ` ${component.Name}:`,
    `  Version:         ${component.Version}`,
  ]);
  return ["", ...section(name, head), ...components];
}

function section(title: string, values: Readonly<Record<string, string>>): string[] {
  return [`${title}:`, ...Object.entries(values).map(([key, value]) => ` ${`${key}:`.padEnd(17)} ${value}`)];
}
