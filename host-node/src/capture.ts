/** Captures what guests write past the kernel, for example to stdout, and logs it within bounds. */
import type { Readable } from 'node:stream';

const MAX_LINE = 8_192;
/**
 * Characters of output per second that are logged. More is dropped, which is reported once a
 * second.
 */
const OUTPUT_PER_SECOND = 262_144;

/**
 * Passes on a stream's lines, bounded in length and rate. It must read everything: an unread stream
 * fills the host's memory.
 */
export function capture(stream: Readable, write: (line: string) => void): void {
  let rest = '';
  let windowStart = 0;
  let written = 0;
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const now = Date.now();
    if (now - windowStart > 1_000) {
      windowStart = now;
      written = 0;
    }
    const before = written;
    written += chunk.length;
    if (written > OUTPUT_PER_SECOND) {
      if (before <= OUTPUT_PER_SECOND) write('… output dropped: more than 256 kB in a second');
      rest = '';
      return;
    }
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() as string).slice(0, MAX_LINE);
    for (const line of lines) if (line !== '') write(line.slice(0, MAX_LINE));
  });
  stream.on('end', () => {
    if (rest !== '') write(rest);
  });
}
