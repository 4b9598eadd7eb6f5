/** One mount(8) in words: `options` as in fstab (`ro`, `rbind`, `lowerdir=…`). Source: containerd's mount type, OCI runtime-spec. */
export type Mount = {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
};
