/** State that an earlier guest of a plugin left. */
export interface Snapshot {
  readonly state: unknown;
  readonly fromVersion: string;
}
