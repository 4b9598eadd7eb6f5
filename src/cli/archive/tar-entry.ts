/** One member of a tar archive, as far as copying needs it. */
export type TarEntry = {
  /** As stored, `/` between parts; a directory's ends with one. */
  readonly name: string;
  readonly type: "file" | "directory" | "symlink" | "link" | "other";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly linkName: string;
};
