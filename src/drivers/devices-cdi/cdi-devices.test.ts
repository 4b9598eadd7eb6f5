import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { fails } from "#test/support/fails.ts";
import { testCall } from "#test/support/call.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { CdiDevices } from "./cdi-devices.ts";
import { decodeSpec } from "./decode-spec.ts";

const call = testCall();
const empty = { env: [], deviceNodes: [], mounts: [], hooks: [], additionalGids: [] };

async function openDirectories(files: Readonly<Record<string, string>>) {
  const directory = await temporaryDirectory("cdi");
  for (const name of ["etc", "run"]) await mkdir(join(directory.path, name));
  for (const [path, text] of Object.entries(files)) await writeFile(join(directory.path, path), text);
  const catalog = new CdiDevices(["etc", "run", "missing"].map((name) => join(directory.path, name)));
  return { catalog, [Symbol.asyncDispose]: async () => await directory[Symbol.asyncDispose]() };
}

const spec = (kind: string, names: readonly string[], env: string) =>
  JSON.stringify({
    cdiVersion: "0.5.0",
    kind,
    devices: names.map((name) => ({ name, containerEdits: { env: [`${name}=${env}`] } })),
    containerEdits: { env: [`common=${env}`] },
  });

test("devices of JSON and YAML files, a file's common edits once", async () => {
  await using directories = await openDirectories({
    "etc/gpu.json": spec("vendor.com/gpu", ["a", "b"], "json"),
    "run/net.yaml": `
cdiVersion: 0.7.0
kind: other.org/net
devices:
  - name: "0"
    containerEdits:
      deviceNodes:
        - path: /dev/inside
          hostPath: /dev/null
          permissions: rw
      mounts:
        - { hostPath: /lib/x, containerPath: /lib/y, options: [ro, bind] }
      hooks:
        - { hookName: createContainer, path: /bin/hook, args: [hook, x], timeout: 5 }
      additionalGids: [7]
      intelRdt: { closID: id, enableCMT: true }
`,
    "run/notes.txt": "no description",
  });
  const { catalog } = directories;
  assert.deepEqual(await catalog.editsFor(call, ["vendor.com/gpu=b", "vendor.com/gpu=a", "vendor.com/gpu=b"]), {
    ...empty,
    env: ["common=json", "b=json", "a=json"],
  });
  assert.deepEqual(await catalog.editsFor(call, ["other.org/net=0"]), {
    env: [],
    deviceNodes: [{ path: "/dev/inside", hostPath: "/dev/null", permissions: "rw" }],
    mounts: [{ hostPath: "/lib/x", containerPath: "/lib/y", type: "", options: ["ro", "bind"] }],
    hooks: [{ name: "createContainer", path: "/bin/hook", args: ["hook", "x"], env: [], timeoutSeconds: 5 }],
    additionalGids: [7],
    intelRdt: { closID: "id", enableCMT: true },
  });
});

test("a later directory goes before an earlier one; twice in one directory is a conflict", async () => {
  await using directories = await openDirectories({
    "etc/one.json": spec("v.com/c", ["x", "y"], "etc"),
    "run/one.json": spec("v.com/c", ["x"], "run"),
    "run/two.json": spec("v.com/c", ["z"], "1"),
    "run/three.json": spec("v.com/c", ["z"], "2"),
  });
  const { catalog } = directories;
  assert.deepEqual((await catalog.editsFor(call, ["v.com/c=x"])).env, ["common=run", "x=run"]);
  assert.deepEqual((await catalog.editsFor(call, ["v.com/c=y"])).env, ["common=etc", "y=etc"]);
  await fails("invalidArgument", catalog.editsFor(call, ["v.com/c=z"]), /not known: "v\.com\/c=z" \(.*described twice/);
});

test("a device that is not known is named, and what was wrong with files told", async () => {
  await using directories = await openDirectories({
    "etc/bad.json": "{",
    "etc/bad.yaml": "a: [",
    "run/good.json": spec("v.com/c", ["x"], "1"),
  });
  const { catalog } = directories;
  await fails(
    "invalidArgument",
    catalog.editsFor(call, ["v.com/c=x", "v.com/c=no"]),
    /not known: "v\.com\/c=no" \(.*bad\.json: not JSON; .*bad\.yaml: not YAML/,
  );
  assert.deepEqual((await catalog.editsFor(call, ["v.com/c=x"])).env, ["common=1", "x=1"]);
});

test("a file with what is wrong, not known, or newer than its version is refused by name", () => {
  const device = { name: "x", containerEdits: {} };
  const whole = { cdiVersion: "0.3.0", kind: "v.com/c", devices: [device] };
  assert.equal(decodeSpec(whole, "file").devices.size, 1);
  const edits = (containerEdits: object) => ({ ...whole, devices: [{ name: "x", containerEdits }] });
  for (const [wrong, message] of [
    [{ ...whole, cdiVersion: "2.0.0" }, /file: cdiVersion: is "2\.0\.0", known are/],
    [{ ...whole, kind: "no-class" }, /kind: is no vendor\/class/],
    [{ ...whole, devices: [] }, /devices: is empty/],
    [{ ...whole, devices: [device, device] }, /name: is there twice/],
    [{ ...whole, more: 1 }, /more: is not known/],
    [edits({ netDevices: [] }), /netDevices: is not known/],
    [edits({ env: ["NO"] }), /env\[0\]: is not KEY=value/],
    [edits({ deviceNodes: [{ path: "dev/x" }] }), /path: is not absolute/],
    [edits({ deviceNodes: [{ path: "/dev/x", permissions: "x" }] }), /permissions: has others/],
    [edits({ hooks: [{ hookName: "never", path: "/x" }] }), /hookName: is no hook/],
    [
      edits({ deviceNodes: [{ path: "/dev/x", hostPath: "/dev/y" }] }),
      /is 0\.3\.0, and hostPath of a device node needs 0\.5\.0/,
    ],
    [edits({ mounts: [{ hostPath: "/x", containerPath: "/y", type: "bind" }] }), /type of a mount needs 0\.4\.0/],
    [edits({ additionalGids: [1] }), /additionalGids needs 0\.7\.0/],
    [{ ...whole, annotations: {} }, /annotations needs 0\.6\.0/],
  ] as const) {
    assert.throws(() => decodeSpec(wrong, "file"), { kind: "invalidArgument", message });
  }
});
