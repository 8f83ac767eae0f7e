/** The command palette: the commands of all plugins, and the keys that run them. */
import type { Workbench } from '@plinth/ui/host';
import { exampleOf, readSchema } from '../json-schema.ts';
import type { PlaygroundKernel } from '../kernel/playground-kernel.ts';
import { newTrace } from '../kernel/trace.ts';
import type { PluginWords } from './plugin-words.ts';
import { messageOf, summarise } from './show-value.ts';
import { speakerOf } from './speaker.ts';
import { Changes } from './store.ts';

/** A command that is listed. */
export interface PaletteEntry {
  readonly id: string;
  readonly title: string;
  /** The name of its plugin. */
  readonly from: string;
  readonly key: string | undefined;
}

/** Whether the palette is open, what it lists, and what running a command tells. */
export class Palette {
  readonly changes = new Changes();
  readonly #kernel: PlaygroundKernel;
  readonly #workbench: Workbench;
  readonly #words: PluginWords;
  #isOpen = false;

  constructor(kernel: PlaygroundKernel, workbench: Workbench, words: PluginWords) {
    this.#kernel = kernel;
    this.#workbench = workbench;
    this.#words = words;
    kernel.commands.handle('palette', () => this.setOpen(true));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  setOpen(open: boolean): void {
    this.#isOpen = open;
    this.changes.announce();
  }

  /** The commands whose title or plugin has every word. */
  entries(wanted: string): readonly PaletteEntry[] {
    const keys = this.#workbench.keys();
    const words = wanted.toLowerCase().split(/\s+/);
    return this.#workbench
      .palette()
      .map(({ id, title, plugin }) => ({
        ...{ id, title, from: speakerOf(plugin, this.#kernel.plugins.get(plugin)?.name) },
        key: keys.find(({ command }) => command === id)?.key,
      }))
      .filter(({ title, from }) => {
        const text = `${title} ${from}`.toLowerCase();
        return words.every((word) => text.includes(word));
      });
  }

  /**
   * Runs a command for the person at the page, with the example of its manifest where it takes an
   * input. A notice tells the answer, or how it failed.
   */
  async run(id: string): Promise<void> {
    const { commands } = this.#kernel;
    const { title = id, input } = commands.list().find((one) => one.id === id) ?? {};
    const schema = readSchema(input);
    const { traceparent } = newTrace();
    try {
      const example = schema && exampleOf(schema);
      const answer = await commands.execute(id, example, { traceparent });
      this.#words.say({ from: title, text: await textOf(answer), tone: 'good' });
    } catch (error) {
      this.#words.say({ from: title, text: messageOf(error), tone: 'bad' });
    }
  }

  /** Runs what a key stands for. Answers whether it stands for something. */
  press(event: KeyboardEvent): boolean {
    const done = this.#workbench.key(event);
    done?.catch((error) => this.#words.say({ from: 'A key', text: messageOf(error), tone: 'bad' }));
    return done !== undefined;
  }
}

/** An answer in a line. A stream is ended: the panel of commands shows those. */
async function textOf(answer: unknown): Promise<string> {
  if (answer === undefined) return 'is done';
  if (typeof answer !== 'object' || answer === null || !(Symbol.asyncIterator in answer))
    return summarise(answer);
  await (answer as AsyncIterable<unknown>)[Symbol.asyncIterator]().return?.();
  return 'answers with a stream: run it in the panel Commands';
}
