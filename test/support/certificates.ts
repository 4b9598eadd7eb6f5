import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./processes.ts";

/** A certificate and its key, as paths and as texts. */
export type TestCertificate = {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: string;
  readonly key: string;
};

/** Makes a CA of its own in `directory` by openssl; `issue` signs certificates for 127.0.0.1. */
export async function makeCa(directory: string) {
  const keyOptions = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const files = (name: string) => ({
    certPath: join(directory, `${name}.pem`),
    keyPath: join(directory, `${name}.key`),
  });
  const read = async (paths: { certPath: string; keyPath: string }): Promise<TestCertificate> => ({
    ...paths,
    cert: await readFile(paths.certPath, "utf8"),
    key: await readFile(paths.keyPath, "utf8"),
  });
  const ca = files("ca");
  const out = ["-keyout", ca.keyPath, "-out", ca.certPath];
  await command(["openssl", "req", "-x509", ...keyOptions, ...out, "-days", "2", "-subj", "/CN=ferry test CA"]);
  const issue = async (name: string): Promise<TestCertificate> => {
    const paths = files(name);
    const request = join(directory, `${name}.csr`);
    const extensions = join(directory, `${name}.ext`);
    await writeFile(extensions, "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    await command(["openssl", "req", ...keyOptions, "-keyout", paths.keyPath, "-out", request, "-subj", `/CN=${name}`]);
    const signer = ["-CA", ca.certPath, "-CAkey", ca.keyPath, "-CAcreateserial", "-extfile", extensions];
    await command(["openssl", "x509", "-req", "-in", request, ...signer, "-out", paths.certPath, "-days", "2"]);
    return await read(paths);
  };
  return { ca: await read(ca), issue };
}
