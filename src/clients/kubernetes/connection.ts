/** Ends what is under way; the part of a larger call record that this client needs. */
export type Abortable = { readonly signal: AbortSignal };

/** What proves who asks. Never logged. */
export type Credentials = {
  /** Value of the `Authorization` header. */
  readonly authorization?: string;
  /** Client certificate and key in PEM. */
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
};

/** Answers current credentials; `refresh` asks for new ones because the server refused the last. */
export type CredentialSource = (call: Abortable, refresh: boolean) => Promise<Credentials>;

/** One API server and one identity. */
export type KubernetesConnection = {
  /** `https://10.0.0.1:6443`, with a path where the server is behind one. */
  readonly server: URL;
  /** CA in PEM; the system's where absent. */
  readonly ca?: string | Buffer;
  readonly serverName?: string;
  /** Accepts any certificate. */
  readonly insecure: boolean;
  readonly credentials: CredentialSource;
  /** Impersonation; a header of several values is sent several times. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly proxyUrl?: string;
  /** Of the context; `default` where it names none. */
  readonly namespace: string;
  /** The context's name, or `in-cluster`, for messages and reports. */
  readonly name: string;
};
