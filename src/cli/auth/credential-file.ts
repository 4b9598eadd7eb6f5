import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { errnoOf } from "#base/errors.ts";
import { writeFileAtomic } from "#base/atomic-file.ts";
import { CliError } from "../cli-error.ts";

/** `config.json` of the Docker command line; keys we do not know are kept. */
export type CredentialFile = {
  auths?: Record<string, { auth?: string; identitytoken?: string }>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
  [key: string]: unknown;
};

export function credentialPath(): string {
  const directory = process.env["DOCKER_CONFIG"];
  return join(directory === undefined || directory === "" ? join(homedir(), ".docker") : directory, "config.json");
}

/** Empty when there is none. @throws CliError when it is not JSON */
export async function readCredentials(): Promise<CredentialFile> {
  const path = credentialPath();
  try {
    return JSON.parse(await readFile(path, "utf8")) as CredentialFile;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return {};
    throw new CliError(`${path}: not readable as JSON`, { next: "mend it, or move it away", cause: error });
  }
}

/** Replaces the file, readable by its owner only. */
export async function writeCredentials(file: CredentialFile): Promise<void> {
  const { mkdir } = await import("node:fs/promises");
  const path = credentialPath();
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, `${JSON.stringify(file, undefined, "\t")}\n`, { mode: 0o600 });
}
