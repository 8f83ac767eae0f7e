/** State that an earlier instance of a plugin left. */
export interface Snapshot {
  readonly state: unknown;
  readonly fromVersion: string;
}
