import { readCredentials, type CredentialFile } from "./credential-file.ts";

export type Credentials = { username?: string; password?: string; identitytoken?: string; serveraddress: string };

/** Value of `X-Registry-Auth` for a registry; undefined when nobody logged in there. @throws CliError */
export async function registryAuth(registry: string): Promise<string | undefined> {
  const found = await findCredentials(registry);
  return found === undefined ? undefined : encodeAuth(found);
}

export function encodeAuth(credentials: Credentials): string {
  return Buffer.from(JSON.stringify(credentials)).toString("base64url");
}

/** What `login` stored for a registry. @throws CliError when the file or a helper is broken */
export async function findCredentials(registry: string): Promise<Credentials | undefined> {
  const file = await readCredentials();
  const helper = helperOf(file, registry);
  if (helper !== undefined) return await fromHelper(helper, registry);
  const entry = file.auths?.[registry] ?? matchingEntry(file, registry);
  if (entry?.identitytoken !== undefined) return { identitytoken: entry.identitytoken, serveraddress: registry };
  if (entry?.auth === undefined) return undefined;
  const text = Buffer.from(entry.auth, "base64").toString();
  const colon = text.indexOf(":");
  return { username: text.slice(0, colon), password: text.slice(colon + 1), serveraddress: registry };
}

/** Name of the helper program that keeps a registry's credentials. */
export function helperOf(file: CredentialFile, registry: string): string | undefined {
  return file.credHelpers?.[hostOf(registry)] ?? file.credHelpers?.[registry] ?? file.credsStore;
}

async function fromHelper(helper: string, registry: string): Promise<Credentials | undefined> {
  const { runHelper } = await import("./credential-helper.ts");
  const answer = await runHelper(helper, "get", registry);
  if (answer === undefined) return undefined;
  const { Username, Secret } = JSON.parse(answer) as { Username: string; Secret: string };
  return Username === "<token>"
    ? { identitytoken: Secret, serveraddress: registry }
    : { username: Username, password: Secret, serveraddress: registry };
}

function matchingEntry(file: CredentialFile, registry: string) {
  return Object.entries(file.auths ?? {}).find(([key]) => hostOf(key) === hostOf(registry))?.[1];
}

function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, "").split("/")[0] ?? "";
}
