/**
 * What only a running host can say. Absent for a copy of a host's root.
 *
 * Asks and changes nothing; whoever acts on a host has a seam of its own.
 */
export type RunningHost = {
  /** Standard output of a command; undefined when it is not there, failed or took too long. */
  readonly ask: (command: readonly [string, ...string[]]) => Promise<string | undefined>;
  readonly processes: () => Promise<readonly HostProcess[]>;
};

export type HostProcess = { readonly pid: number; readonly argv: readonly string[] };

/** What systemd says of a unit; undefined when there is no such unit, or no systemd. */
export async function askUnit(
  running: RunningHost,
  unit: string,
): Promise<{ active: boolean; enabled: boolean } | undefined> {
  const text = await running.ask(["systemctl", "show", "--property=LoadState,ActiveState,UnitFileState", unit]);
  if (text === undefined) return undefined;
  const values = new Map(
    text.split("\n").map((line) => [line.split("=")[0], line.slice(line.indexOf("=") + 1).trim()]),
  );
  if (values.get("LoadState") !== "loaded") return undefined;
  const active = ["active", "activating", "reloading"].includes(values.get("ActiveState") ?? "");
  return { active, enabled: (values.get("UnitFileState") ?? "").startsWith("enabled") };
}

/** Whether `argv` is a process of the program `name`, by whatever path. */
export function runsProgram(argv: readonly string[], name: string): boolean {
  return argv[0]?.split("/").at(-1) === name;
}
