/** Exit code of `run` for a start that failed: 127 no such command, 126 not to be executed, 125 anything else. */
export function startExitCode(message: string): 125 | 126 | 127 {
  if (/executable file not found|no such file or directory|system cannot find the file/i.test(message)) return 127;
  return /permission denied|is a directory|cannot execute|exec format error/i.test(message) ? 126 : 125;
}
