/** Exit codes of `ferry explain` and `ferry migrate …` beside 0 (all is well) and 1 (it could not be done); docs/cli.md says more. */
export const exitCodes = {
  /** What was watched for has come: a finding as bad as `--fail-on`, a node that failed, something lost since `--before`. */
  alarm: 2,
  /** Done but for a part: what could not be read, said in other words, or carried over. */
  incomplete: 3,
  /** Of `cluster`: another controller drives the run. */
  drivenElsewhere: 3,
  /** What was read is not valid, or will not start. */
  invalid: 4,
} as const;
