/** How values hold streams. */

/**
 * How values hold streams: the link gives each a number, and turns a number into what the receiver
 * reads.
 */
export interface StreamDoor {
  /** Whether a value can be streamed. */
  isSource(value: object): boolean;
  open(source: object): number;
  accept(stream: number): object;
}
