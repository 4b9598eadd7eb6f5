import { shellWord } from "#base/shell-word.ts";
import type { CheckInfo, ClusterCheck } from "../check.ts";
import { matchLines, textFinding } from "../text-lines.ts";
import { dockerCommand } from "./docker-commands.ts";

const info: CheckInfo = {
  id: "docker-in-files",
  title: "Charts, pipelines and scripts outside of the cluster that name Docker",
  severity: "high",
};

const socket =
  /docker(?:shim)?\.sock|cri-dockerd\.sock|docker_engine|DOCKER_HOST|\/var\/lib\/docker\b|tcp:\/\/[^\s"']*:237[56]\b/;
const rules = new RegExp(`${socket.source}|${dockerCommand.source}`);

/** Files that are no manifests: unrendered templates, CI configuration, scripts. */
export const dockerInFiles: ClusterCheck = {
  ...info,
  *find({ texts }) {
    for (const text of texts) {
      if (text.ref !== undefined) continue;
      const matches = [...matchLines(text.text, rules)];
      const [first] = matches;
      if (first === undefined) continue;
      const namesSocket = matches.some((one) => socket.test(one.text));
      yield textFinding(info, text, {
        matches,
        says: `names Docker in ${matches.length} ${matches.length === 1 ? "line" : "lines"}`,
        severity: namesSocket ? "high" : "medium",
        why: "What it makes or runs expects a node's Docker: deployed or run after the move, it fails.",
        fix: {
          summary:
            "Change these lines as the checks of a cluster say for what comes out of them; docker's commands in other words: ferry explain.",
          commands: [`ferry explain --rewrite ${shellWord(text.name)}`],
        },
      });
    }
  },
};
