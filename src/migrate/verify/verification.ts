import { EngineError } from "#base/errors.ts";
import { JsonReader } from "#base/json-reader.ts";

/** One thing that a node was asked to show. */
export type Proof = {
  /** Stable: `pull registry.example.com`. */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was seen, or why it was not tried. */
  readonly detail: string;
  /** What to do about a failure. */
  readonly next?: string;
};

/** What a node could do at one time; kept as a file, to be compared with another. */
export type Verification = {
  readonly version: 1;
  readonly node: string;
  /** RFC 3339. */
  readonly at: string;
  /** `containerd://1.7.24` */
  readonly runtime: string;
  readonly proofs: readonly Proof[];
};

/** One proof before and after. */
export type Comparison = {
  readonly name: string;
  readonly before: Proof["outcome"] | "absent";
  readonly after: Proof["outcome"] | "absent";
  readonly detail: string;
  /** Of a failure after. */
  readonly next: string | undefined;
  /** It worked, and does not any more. */
  readonly isLost: boolean;
};

/** Reads a file that {@link Verification} was kept in. @throws invalidArgument */
export function parseVerification(text: string): Verification {
  const json = JsonReader.parse(Buffer.from(text), "verification", 16 << 20);
  if (json.at("version").size() !== 1) throw new EngineError("invalidArgument", "verification: of another version");
  return {
    version: 1,
    node: json.at("node").string(),
    at: json.at("at").string(),
    runtime: json.at("runtime").string(),
    proofs: json.at("proofs").list(10_000).map(decodeProof),
  };
}

/** Proofs of both, those of `after` first in their order. */
export function compareVerifications(before: Verification, after: Verification): Comparison[] {
  const names = new Set([...after.proofs, ...before.proofs].map(({ name }) => name));
  return [...names].map((name) => {
    const [was, is] = [before, after].map(({ proofs }) => proofs.find((proof) => proof.name === name));
    return {
      name,
      before: was?.outcome ?? "absent",
      after: is?.outcome ?? "absent",
      detail: (is ?? was)?.detail ?? "",
      next: is?.next,
      isLost: was?.outcome === "passed" && is?.outcome !== "passed",
    };
  });
}

function decodeProof(json: JsonReader): Proof {
  const outcome = json.at("outcome").string();
  if (outcome !== "passed" && outcome !== "failed" && outcome !== "skipped") json.at("outcome").fail("is unknown");
  const next = json.at("next").optionalString();
  return {
    name: json.at("name").string(),
    outcome: outcome === "passed" || outcome === "failed" ? outcome : "skipped",
    detail: json.at("detail").string(),
    ...(next === undefined ? {} : { next }),
  };
}
