import type { Readable } from "node:stream";
import type { Call } from "#core/call.ts";
import type { BlobReader } from "#core/content/content-store.ts";
import type { Descriptor } from "#core/content/descriptor.ts";
import type { Reference } from "#core/images/reference.ts";

/** What a caller brings along; without it the driver looks in the user's Docker config and its helpers. */
export type RegistryAuth =
  | { readonly t: "basic"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, as `docker login` to some registries stores. */
  | { readonly t: "identity"; readonly token: string }
  /** Sent as it is, as a Bearer token. */
  | { readonly t: "bearer"; readonly token: string };

export type RegistryAccess = { readonly auth?: RegistryAuth };

/** What became of one blob of a push. */
export type PushedBlob = "existed" | "mounted" | "uploaded";

/**
 * Registries that speak the OCI distribution specification; one object for all hosts.
 *
 * Mirrors, credentials, retries (429, 5xx, broken connections before the first byte) and proxies are in here. Errors
 * name the host and the step: `registry 127.0.0.1:5000: manifest library/x:1: not found`.
 */
export interface Registry {
  /**
   * The descriptor a tag or digest stands for.
   * @throws notFound @throws unauthenticated @throws permissionDenied @throws unavailable when no host answers
   * @throws invalidArgument when it is a schema 1 manifest, by that name
   */
  resolve(call: Call, reference: Reference, access: RegistryAccess): Promise<Descriptor>;
  /** Bytes of a blob or manifest from `offset`. A host that cannot resume answers from 0: look at `offset` of the result. */
  fetch(
    call: Call,
    reference: Reference,
    descriptor: Descriptor,
    access: RegistryAccess & { offset?: number },
  ): Promise<{ body: Readable; offset: number }>;
  /** Uploads a blob unless the repository has it; tries to mount it from `mountFrom` (a repository path of that host) first. */
  pushBlob(
    call: Call,
    reference: Reference,
    descriptor: Descriptor,
    blob: BlobReader,
    access: RegistryAccess & { mountFrom?: readonly string[]; onProgress?: (sentBytes: number) => void },
  ): Promise<PushedBlob>;
  /** Uploads a manifest or index under the reference's tag, or its digest where there is none. */
  pushManifest(
    call: Call,
    reference: Reference,
    descriptor: Descriptor,
    bytes: Uint8Array,
    access: RegistryAccess,
  ): Promise<void>;
  /** Tries credentials against a registry host. @throws unauthenticated @throws unavailable */
  login(call: Call, domain: string, auth: RegistryAuth): Promise<{ identityToken?: string }>;
}
