/** Shows on a terminal that work is going on: one line of stderr that is gone when the work ends. */

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** Milliseconds of a frame. */
const PERIOD = 80;
const CLEAR_LINE = '\r\u001b[2K';

/** Writes the line of the work in progress, and takes it away. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #shown: boolean;
  #text: string | undefined;

  /** @param quiet whether nothing is ever shown, on a terminal neither. */
  constructor(stream: NodeJS.WriteStream, quiet: boolean) {
    this.#stream = stream;
    this.#shown = !quiet && stream.isTTY === true && process.env.TERM !== 'dumb';
  }

  /** Shows a text while work is done. Where stderr is no terminal, it only does the work. */
  async during<T>(text: string, work: () => Promise<T>): Promise<T> {
    if (!this.#shown) return work();
    const since = performance.now();
    const draw = () => {
      const frame = FRAMES[Math.floor((performance.now() - since) / PERIOD) % FRAMES.length];
      // A line that is wider than the terminal would break, and only its end could be cleared.
      this.#stream.write(`${CLEAR_LINE}${frame} ${text}`.slice(0, this.#room()));
    };
    this.#text = text;
    draw();
    const timer = setInterval(draw, PERIOD);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      this.clear();
      this.#text = undefined;
    }
  }

  /** Makes room for another line. The next frame shows the work again. */
  clear(): void {
    if (this.#text !== undefined) this.#stream.write(CLEAR_LINE);
  }

  #room(): number {
    return CLEAR_LINE.length + (this.#stream.columns || 80) - 1;
  }
}
