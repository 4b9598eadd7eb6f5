import { parseArgs } from "node:util";
import { EngineError, messageOf } from "#base/errors.ts";

export type Arguments = {
  readonly command: "run" | "config default" | "config effective" | "version" | "help";
  readonly configPath?: string;
  readonly root?: string;
  readonly state?: string;
  readonly logLevel?: string;
};

export const usage = `Usage: ferryd [options] [config default|config effective]

  --config FILE      configuration, /etc/ferry/config.toml when it is there
  --root DIR         what must outlive a reboot (/var/lib/ferry)
  --state DIR        what a reboot clears (/run/ferry)
  --log-level LEVEL  debug, info, warn or error
  --version, --help
`;

/** @throws invalidArgument for an option or command that is not known. */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parse(argv);
  const command = positionals.join(" ") || "run";
  if (command !== "run" && command !== "config default" && command !== "config effective") {
    throw new EngineError("invalidArgument", `ferryd ${command}: no such command; see ferryd --help`);
  }
  return {
    command: values.help ? "help" : values.version ? "version" : command,
    ...(values.config === undefined ? {} : { configPath: values.config }),
    ...(values.root === undefined ? {} : { root: values.root }),
    ...(values.state === undefined ? {} : { state: values.state }),
    ...(values["log-level"] === undefined ? {} : { logLevel: values["log-level"] }),
  };
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
        version: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new EngineError("invalidArgument", `ferryd: ${messageOf(error)}`, { cause: error });
  }
}
