import { mkdir, writeFile } from "node:fs/promises";
import { InitError, type Init } from "./init.ts";

/** systemd has these below `transient`; it is read as any other here. */
const transientDirectory = "/run/systemd/system";

export type Answer = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Does what `systemctl` and `journalctl` were called with; `words` begins with the name called. */
export async function answer(init: Init, [program = "", ...words]: readonly string[]): Promise<Answer> {
  try {
    if (program === "journalctl") return journal(init, words);
    if (program === "systemd-run") return await runTransient(init, words);
    return await systemctl(init, words);
  } catch (error) {
    if (error instanceof InitError) return { code: error.exitCode, stdout: "", stderr: error.message };
    return { code: 1, stdout: "", stderr: String(error) };
  }
}

async function systemctl(init: Init, words: readonly string[]): Promise<Answer> {
  const { options, rest } = parse(words, ["--property", "-p"]);
  const [verb = "", ...names] = rest;
  const units = names.map((name) => (/\.(service|socket|target)$/.test(name) ? name : `${name}.service`));
  if (verb === "daemon-reload") init.reload();
  const said: string[] = [];
  const errors: string[] = [];
  let code = 0;
  for (const unit of units) {
    const [out, status, error] = await one(init, verb, { unit, options });
    if (out !== "") said.push(out);
    if (error !== "") errors.push(error);
    code = Math.max(code, status);
  }
  return { code, stdout: said.join("\n"), stderr: errors.join("\n") };
}

/** `systemd-run --unit NAME COMMAND…`: one unit of a name at a time. */
async function runTransient(init: Init, [flag = "", name = "", ...command]: readonly string[]): Promise<Answer> {
  if (flag !== "--unit") return { code: 1, stdout: "", stderr: `Unknown option ${flag}.` };
  const unit = `${name}.service`;
  if ((await init.activeState(unit)) !== "inactive") {
    const why = `Unit ${unit} was already loaded or has a fragment file.`;
    return { code: 1, stdout: "", stderr: `Failed to start transient service unit: ${why}` };
  }
  await mkdir(transientDirectory, { recursive: true });
  const words = command.map((word) => JSON.stringify(word)).join(" ");
  await writeFile(`${transientDirectory}/${unit}`, `[Service]\nExecStart=${words}\n`);
  init.reload();
  await init.start(unit);
  return { code: 0, stdout: "", stderr: `Running as unit: ${unit}` };
}

type Asked = { readonly unit: string; readonly options: ReadonlyMap<string, string> };

async function one(init: Init, verb: string, { unit, options }: Asked): Promise<[string, number, string]> {
  const now = options.has("--now");
  switch (verb) {
    case "start":
      await init.start(unit);
      return ["", 0, ""];
    case "stop":
      return ["", 0, await init.stop(unit)];
    case "restart":
      await init.stop(unit);
      await init.start(unit);
      return ["", 0, ""];
    case "enable":
      await init.enable(unit);
      if (now) await init.start(unit);
      return ["", 0, ""];
    case "disable":
      await init.disable(unit);
      return ["", 0, now ? await init.stop(unit) : ""];
    case "mask":
      await init.mask(unit);
      return ["", 0, ""];
    case "unmask":
      await init.unmask(unit);
      return ["", 0, ""];
    case "is-active": {
      const state = await init.activeState(unit);
      return [options.has("--quiet") ? "" : state, state === "active" ? 0 : 3, ""];
    }
    case "is-enabled": {
      const state = await init.enabledState(unit);
      const missing = `Failed to get unit file state for ${unit}: No such file or directory`;
      return state === undefined ? ["", 1, missing] : [state, state === "enabled" || state === "static" ? 0 : 1, ""];
    }
    case "cat":
      return await cat(init, unit);
    case "show":
      return [await show(init, unit, options.get("--property") ?? options.get("-p")), 0, ""];
    case "reset-failed":
      return init.resetFailed(unit)
        ? ["", 0, ""]
        : ["", 1, `Failed to reset failed state of unit ${unit}: not loaded.`];
    case "daemon-reload":
      return ["", 0, ""];
    default:
      return ["", 1, `Unknown command verb ${verb}.`];
  }
}

async function cat(init: Init, unit: string): Promise<[string, number, string]> {
  const found = await init.find(unit);
  if (found === undefined) return ["", 1, `No files found for ${unit}.`];
  return [found.texts.map(({ path, text }) => `# ${path}\n${text}`).join("\n"), 0, ""];
}

async function show(init: Init, unit: string, wanted: string | undefined): Promise<string> {
  const found = await init.find(unit);
  const all = {
    Id: unit,
    LoadState: found === undefined ? "not-found" : "loaded",
    ActiveState: await init.activeState(unit),
    SubState: await init.subState(unit),
    UnitFileState: (await init.enabledState(unit)) ?? "",
    FragmentPath: found?.fragmentPath ?? "",
    MainPID: String(init.mainPid(unit)),
  };
  const names = wanted?.split(",");
  return Object.entries(all)
    .filter(([name]) => names === undefined || names.includes(name))
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}

function journal(init: Init, words: readonly string[]): Answer {
  const { options } = parse(words, ["--unit", "-u", "--lines", "-n", "--output", "-o", "--since"]);
  const unit = options.get("--unit") ?? options.get("-u") ?? "";
  const count = Number(options.get("--lines") ?? options.get("-n") ?? 1_000);
  return { code: 0, stdout: init.log(unit).slice(-count).join("\n"), stderr: "" };
}

/** Options with a value of `valued`, and others, from what is no option. */
function parse(words: readonly string[], valued: readonly string[]) {
  const options = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const [name = "", value] = word.split(/=(.*)/s);
    if (!word.startsWith("-")) rest.push(word);
    else if (value !== undefined) options.set(name, value);
    else options.set(word, valued.includes(word) ? (words[++at] ?? "") : "");
  }
  return { options, rest };
}
