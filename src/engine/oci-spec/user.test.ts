import assert from "node:assert/strict";
import test from "node:test";
import { EngineError } from "#base/errors.ts";
import { resolveUser } from "./user.ts";

const passwd = `root:x:0:0:root:/root:/bin/sh
# a comment
app:x:1000:1001:,,,:/home/app:/bin/sh
1005:x:7:7::/seven:
broken line
twice:x:1000:5::/no:`;
const group = "root:x:0:\nstaff:x:50:app,other\nvideo:x:44:root\nwheel:x:10:app\n";

const cases: [user: string, groups: string[], expected: [uid: number, gid: number, all: number[], home: string]][] = [
  ["", [], [0, 0, [0, 44], "/root"]],
  ["root", [], [0, 0, [0, 44], "/root"]],
  ["app", [], [1000, 1001, [1001, 50, 10], "/home/app"]],
  ["1000", [], [1000, 1001, [1001, 50, 10], "/home/app"]],
  ["app:staff", [], [1000, 50, [50], "/home/app"]],
  ["app:7", [], [1000, 7, [7], "/home/app"]],
  ["4242", [], [4242, 0, [0], "/"]],
  ["4242:4343", ["video", "99"], [4242, 4343, [4343, 44, 99], "/"]],
  // A number is an id, also where somebody has it as a name.
  ["1005", [], [1005, 0, [0], "/"]],
];

for (const [user, groups, [uid, gid, additionalGids, home]] of cases)
  test(`user ${JSON.stringify(user)} with groups [${groups.join()}]`, () => {
    assert.deepEqual(resolveUser(user, groups, { passwd, group }), { uid, gid, additionalGids, home });
  });

const failures: [user: string, groups: string[], message: string][] = [
  ["nobody", [], "unable to find user nobody: no matching entries in passwd file"],
  ["app:nogroup", [], "unable to find group nogroup: no matching entries in group file"],
  ["app", ["nogroup"], "Unable to find group nogroup: no matching entries in group file"],
  ["-1", [], "uids and gids must be in range 0-2147483647"],
  ["2147483648", [], "uids and gids must be in range 0-2147483647"],
  ["app:2147483648", [], "uids and gids must be in range 0-2147483647"],
];

for (const [user, groups, message] of failures)
  test(`user ${JSON.stringify(user)} with groups [${groups.join()}] fails`, () => {
    assert.throws(() => resolveUser(user, groups, { passwd, group }), new EngineError("invalidArgument", message));
  });

test("an image without the files has root and numbers", () => {
  const files = { passwd: undefined, group: undefined };
  assert.deepEqual(resolveUser("", [], files), { uid: 0, gid: 0, additionalGids: [0], home: "/" });
  assert.deepEqual(resolveUser("5:6", [], files), { uid: 5, gid: 6, additionalGids: [6], home: "/" });
  assert.throws(() => resolveUser("app", [], files), /no matching entries in passwd file/);
});
