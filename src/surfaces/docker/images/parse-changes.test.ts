import assert from "node:assert/strict";
import test from "node:test";
import { fails } from "#test/support/fails.ts";
import { parseChanges } from "./parse-changes.ts";

test("reads changes as a Dockerfile writes them", async () => {
  const lines = [
    `CMD ["sh", "-l"]`,
    "entrypoint run me",
    `ENV A=1 B="two words" C='x'`,
    "ENV D one value",
    "LABEL l=1",
    "EXPOSE 80 53/udp",
    `VOLUME ["/a","/b"]`,
    "USER 1000\nWORKDIR /srv",
  ];
  assert.deepEqual(parseChanges(lines), {
    cmd: ["sh", "-l"],
    entrypoint: ["/bin/sh", "-c", "run me"],
    env: ["A=1", "B=two words", "C=x", "D=one value"],
    labels: { l: "1" },
    exposedPorts: ["80/tcp", "53/udp"],
    volumes: ["/a", "/b"],
    user: "1000",
    workingDir: "/srv",
  });
  await fails("invalidArgument", (async () => parseChanges(["RUN x"]))(), "RUN is not a valid change command");
});
