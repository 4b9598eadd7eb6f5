import assert from "node:assert/strict";
import test from "node:test";
import type { RouteEntry } from "./route.ts";
import { Router } from "./router.ts";
import { routes } from "./routes.ts";

test("finds routes by method and path, words before names", () => {
  const router = new Router(routes);
  const cases = [
    ["GET", "/_ping", "GET /_ping", ""],
    ["HEAD", "/_ping", "HEAD /_ping", ""],
    ["GET", "/images/json", "GET /images/json", ""],
    ["GET", "/containers/json", "GET /containers/json", ""],
    ["GET", "/containers/json/json", "GET /containers/:name/json", "json"],
    ["GET", "/images/quay.io%2Fx%2Fy:1/json", "GET /images/:name/json", "quay.io/x/y:1"],
    ["DELETE", "/containers/web", "DELETE /containers/:name", "web"],
    ["POST", "/containers/caf%C3%A9/start", "POST /containers/:name/start", "café"],
    ["GET", "/containers//json", undefined, ""],
    ["GET", "/containers/web/json/", undefined, ""],
    ["GET", "/Containers/json", undefined, ""],
    ["DELETE", "/_ping", undefined, ""],
    ["GET", "", undefined, ""],
  ] as const;
  for (const [method, path, route, name] of cases) {
    const found = router.find(method, path);
    const answer = found === undefined ? undefined : [`${found.entry.method} ${found.entry.path}`, found.name];
    assert.deepEqual(answer, route === undefined ? undefined : [route, name], `${method} ${path}`);
  }
});

test("every route of the table is found under its own path", () => {
  const router = new Router(routes);
  const asked = (path: string) => path.replaceAll(/:\w+/g, "x");
  for (const entry of routes) {
    assert.equal(router.find(entry.method, asked(entry.path))?.entry, entry, `${entry.method} ${entry.path}`);
  }
});

test("the order of the table does not matter", () => {
  const load: RouteEntry["load"] = async () => async () => ({ t: "taken" });
  const named: RouteEntry = { method: "GET", path: "/x/:name", load };
  const worded: RouteEntry = { method: "GET", path: "/x/json", load };
  assert.equal(new Router([named, worded]).find("GET", "/x/json")?.entry, worded);
});

test("refuses a name that is not well encoded", () => {
  assert.throws(() => new Router(routes).find("GET", "/containers/%zz/json"), { kind: "invalidArgument" });
});
