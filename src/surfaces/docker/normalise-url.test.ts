import assert from "node:assert/strict";
import test from "node:test";
import { normaliseUrl } from "./normalise-url.ts";

const cases: [string, string, string, string?][] = [
  ["GET", "/_ping", "/_ping"],
  ["GET", "/v1.44/containers/json?all=1", "/containers/json?all=1", "1.44"],
  ["GET", "/v1.44/images/json", "/images/json", "1.44"],
  ["GET", "/images/quay.io/x/y:1/json", "/images/quay.io%2Fx%2Fy:1/json"],
  ["GET", "/images/get?names=a/b", "/images/get?names=a/b"],
  ["GET", "/images/a/get", "/images/a/get"],
  ["GET", "/images/json/json", "/images/json/json"],
  ["POST", "/images/127.0.0.1:5000/x/push?tag=1", "/images/127.0.0.1:5000%2Fx/push?tag=1"],
  ["DELETE", "/images/127.0.0.1:5000/x/y", "/images/127.0.0.1:5000%2Fx%2Fy"],
  ["DELETE", "/images/a/tag", "/images/a%2Ftag"],
  ["GET", "/containers//web/json", "/containers/web/json"],
  ["GET", "/distribution/quay.io/x/y/json", "/distribution/quay.io%2Fx%2Fy/json"],
  ["GET", "/vX/info", "/vX/info"],
];

test("takes versions off and names together", () => {
  for (const [method, from, url, version] of cases) {
    assert.deepEqual(
      normaliseUrl(method, from),
      version === undefined ? { url } : { url, version },
      `${method} ${from}`,
    );
  }
});
