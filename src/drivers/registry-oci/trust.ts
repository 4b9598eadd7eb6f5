import { readFile } from "node:fs/promises";
import { errnoOf } from "#base/errors.ts";

/** Where distributions keep the CAs they trust. Source: Go's crypto/x509/root_linux.go. */
const systemBundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** CAs that this machine trusts, as one PEM text; undefined where it has no list, and the runtime's own is used. */
export async function readTrustedCas(caFile: string | undefined): Promise<string | undefined> {
  if (caFile !== undefined) return await readFile(caFile, "utf8");
  for (const path of systemBundles) {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }
  return undefined;
}
