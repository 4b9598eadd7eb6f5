import { createServer } from "node:net";
import { rm } from "node:fs/promises";
import { Init } from "./init.ts";
import { answer } from "./systemctl.ts";

// The first process of a test node: boots it, then serves `systemctl` and `journalctl` on a socket.
// A request is its words, one a line, then an empty line; an answer is `1text`, `2text` lines and `=exit code`.
const [socketPath = ""] = process.argv.slice(2);
const init = new Init();

const server = createServer({ allowHalfOpen: true }, (socket) => {
  let text = "";
  socket.on("error", () => {});
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    if (!text.endsWith("\n\n")) return;
    void answer(init, text.split("\n").slice(0, -2)).then(({ code, stdout, stderr }) => {
      const lines = [...mark("1", stdout), ...mark("2", stderr), `=${code}`];
      socket.end(`${lines.join("\n")}\n`);
    });
  });
});

function mark(stream: string, text: string): string[] {
  return text === "" ? [] : text.split("\n").map((line) => `${stream}${line}`);
}

process.on("unhandledRejection", (error) => console.error(error));
await rm(socketPath, { force: true });
await init.boot();
server.listen(socketPath, () => console.log("booted"));
