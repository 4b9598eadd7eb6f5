import { isDocker, parseDockerCommand, type DockerCommand } from "./docker-command.ts";
import { findShellCommands, type PlacedWord, type ShellCommand } from "./shell-commands.ts";
import { crictl } from "./tools/crictl.ts";
import { ctr } from "./tools/ctr.ts";
import { ferry } from "./tools/ferry.ts";
import { kubectl } from "./tools/kubectl.ts";
import { nerdctl } from "./tools/nerdctl.ts";
import { toolNames, type Tool, type ToolName, type Translation } from "./tools/tool.ts";

export const tools: Readonly<Record<ToolName, Tool>> = { ferry, nerdctl, crictl, ctr, kubectl };

/** A docker command found in shell text. */
export type FoundCommand = {
  /** From the word `docker` on. */
  readonly words: readonly PlacedWord[];
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly commentLine: number;
  /** A reason where the words are no docker command. */
  readonly parsed: DockerCommand | string;
};

/** A docker command and its words in each tool. */
export type Explained = {
  readonly docker: string;
  readonly line: number;
  readonly unreadable?: string;
  readonly translations: readonly (Translation & { readonly tool: ToolName })[];
};

/** Commands that run the command behind them. */
const runners = /(^|\/)(xargs|timeout|env|nice|ionice|chroot|nsenter|setsid|stdbuf|watch|doas|ssh)$/;

/** Every docker command in shell text, also behind `xargs` and the like, by the order of their starts. */
export function findDockerCommands(text: string): FoundCommand[] {
  return findShellCommands(text).flatMap((command): FoundCommand[] => {
    const words = dockerWords(command);
    const first = words[0];
    if (first === undefined) return [];
    const parsed = parseDockerCommand(words);
    const { line, commentLine } = command;
    return [
      {
        words,
        start: first.start,
        end: command.end,
        line,
        commentLine,
        parsed: parsed.t === "command" ? parsed.command : parsed.reason,
      },
    ];
  });
}

function dockerWords({ words }: ShellCommand): readonly PlacedWord[] {
  if (isDocker(words[0])) return words;
  const at = runners.test(words[0]?.text ?? "") ? words.findIndex(isDocker) : -1;
  return at < 0 ? [] : words.slice(at);
}

/** Each docker command in `text` for the tools of `wanted`. */
export function explainCommands(text: string, wanted: readonly ToolName[] = toolNames): Explained[] {
  return findDockerCommands(text).map(({ words, line, parsed }) => {
    const docker = words.map(({ raw }) => raw).join(" ");
    if (typeof parsed === "string") return { docker, line, unreadable: parsed, translations: [] };
    return { docker, line, translations: wanted.map((tool) => ({ tool, ...tools[tool](parsed) })) };
  });
}
