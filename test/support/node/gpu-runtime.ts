/** Name of the program, as the vendor's package has it. */
export const gpuRuntime = "nvidia-container-runtime";

/** Where it tells of each container that it made: its bundle, and whether it got a GPU. */
export const gpuRuntimeLog = "/var/log/nvidia-container-runtime.log";

const device = '{"path":"/dev/nvidiactl","type":"c","major":1,"minor":3,"fileMode":438,"uid":0,"gid":0}';

/**
 * Stands in for NVIDIA's runtime: runs runc, and gives containers whose environment asks for GPUs their device (here the
 * null device by another name).
 */
export const gpuRuntimeScript = `#!/bin/sh
for word; do
  [ "$option" = --bundle ] && bundle=$word
  [ "$word" = create ] && create=yes
  option=$word
done
if [ -n "$create" ] && [ -n "$bundle" ]; then
  if grep -q '"NVIDIA_VISIBLE_DEVICES=' "$bundle/config.json"; then
    sed -i -e 's|"devices":\\[\\]|"devices":[${device}]|;t' -e 's|"linux":{|"linux":{"devices":[${device}],|' "$bundle/config.json"
    gpu=" gpu"
  fi
  echo "$bundle$gpu" >>${gpuRuntimeLog}
fi
exec runc "$@"
`;
