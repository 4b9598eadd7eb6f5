import { parseArgs } from "node:util";
import { EngineError, messageOf } from "#base/errors.ts";

const configCommands = ["config default", "config effective", "config check", "config migrate"] as const;
type ConfigCommand = (typeof configCommands)[number];

export type Arguments = {
  readonly command: "run" | ConfigCommand | "version" | "help";
  /** What `config migrate` reads. */
  readonly file?: string;
  readonly format?: string;
  readonly configPath?: string;
  readonly root?: string;
  readonly state?: string;
  readonly logLevel?: string;
};

export const usage = `Usage: ferryd [options] [config COMMAND]

  config default       print the configuration with every key and its meaning
  config effective     print what is in force
  config check         say what is wrong with it, exit code 1 then
  config migrate FILE  print containerd's config.toml FILE as ferry's; a line per key on standard error;
                       exit code 0, 3 when something is lost

  --config FILE      configuration, /etc/ferry/config.toml when it is there
  --root DIR         what must outlive a reboot (/var/lib/ferry)
  --state DIR        what a reboot clears (/run/ferry)
  --log-level LEVEL  debug, info, warn or error
  --format json      for config migrate: configuration and ledger as one object
  --version, --help
`;

/** @throws invalidArgument for an option or command that is not known. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv);
  const { command, file } = commandOf(positionals);
  return {
    command: values.help ? "help" : values.version ? "version" : command,
    ...(file === undefined ? {} : { file }),
    ...(values.format === undefined ? {} : { format: values.format }),
    ...(values.config === undefined ? {} : { configPath: values.config }),
    ...(values.root === undefined ? {} : { root: values.root }),
    ...(values.state === undefined ? {} : { state: values.state }),
    ...(values["log-level"] === undefined ? {} : { logLevel: values["log-level"] }),
  };
}

function commandOf(words: readonly string[]): { command: "run" | ConfigCommand; file?: string } {
  if (words.length === 0) return { command: "run" };
  const command = configCommands.find((one) => one === words.slice(0, 2).join(" "));
  const [file, ...more] = words.slice(2);
  const takesFile = command === "config migrate";
  if (command === undefined || more.length > 0 || (file !== undefined && !takesFile)) {
    throw new EngineError("invalidArgument", `ferryd ${words.join(" ")}: no such command; see ferryd --help`);
  }
  if (takesFile && file === undefined) {
    throw new EngineError("invalidArgument", "ferryd config migrate: which file? see ferryd --help");
  }
  return { command, ...(file !== undefined && { file }) };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        config: { type: "string" },
        root: { type: "string" },
        state: { type: "string" },
        "log-level": { type: "string" },
        format: { type: "string" },
        version: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new EngineError("invalidArgument", `ferryd: ${messageOf(error)}`, { cause: error });
  }
}
