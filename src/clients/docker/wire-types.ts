/** Answers of the Docker Engine API, as far as a client here reads them. Source: moby api/types. */

export type PortSummary = { IP?: string; PrivatePort: number; PublicPort?: number; Type: string };

export type ContainerSummary = {
  Id: string;
  Names: string[];
  Image: string;
  ImageID: string;
  Command: string;
  /** Unix time in seconds. */
  Created: number;
  Ports: PortSummary[] | null;
  SizeRw?: number;
  SizeRootFs?: number;
  Labels: Record<string, string> | null;
  State: string;
  Status: string;
  NetworkSettings?: { Networks?: Record<string, unknown> | null };
  Mounts?: { Type: string; Name?: string; Source: string; Destination: string; Driver?: string }[] | null;
};

export type ImageSummary = {
  Id: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  Created: number;
  Size: number;
  SharedSize: number;
  Containers: number;
  Labels: Record<string, string> | null;
};

export type CreatedContainer = { Id: string; Warnings?: string[] | null };

export type ContainerInspect = {
  Id: string;
  Name: string;
  Image: string;
  State: { Status: string; Running: boolean; Paused: boolean; ExitCode: number; Error?: string };
  Config: {
    Tty: boolean;
    OpenStdin: boolean;
    AttachStdin: boolean;
    StopSignal?: string;
    Labels?: Record<string, string> | null;
  };
  HostConfig: { AutoRemove?: boolean };
  NetworkSettings: { Ports?: Record<string, { HostIp: string; HostPort: string }[] | null> };
};

export type WaitAnswer = { StatusCode: number; Error?: { Message: string } | null };

/** One message of a pull, push, load or import. */
export type ProgressMessage = {
  id?: string;
  status?: string;
  stream?: string;
  progress?: string;
  progressDetail?: { current?: number; total?: number; hidecounts?: boolean; units?: string };
  error?: string;
  errorDetail?: { code?: number; message?: string };
  aux?: Record<string, unknown>;
};
