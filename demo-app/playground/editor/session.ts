/** What is edited and what of it runs. It lasts as long as the page, in whichever panel one is. */

import { claim, giveBack, inTurn, takeBack } from '../kernel/edited-claims.ts';
import { editedPlugins } from '../kernel/edited-plugins.ts';
import type { PlaygroundKernel } from '../kernel/playground-kernel.ts';
import { Changes } from '../model/store.ts';
import { compiler } from './compiler.ts';
import type { Draft } from './link.ts';
import { manifestProblems, readManifest } from './manifest-check.ts';
import { lineOf, type Problem, Problems } from './problem.ts';

/** Where a plugin of the editor runs. */
export type Place = 'sandbox' | 'worker';

let made = 0;

/** One draft, and what is known of its last run. */
export class Work {
  /** No other one has it. */
  readonly number = ++made;
  readonly changes = new Changes();
  /** Whether it came by a link. What is made of it stays so. */
  readonly fromLink: boolean;
  place: Place = 'sandbox';
  #draft: Draft;
  #saved: Draft | undefined;
  #id: string | undefined;
  #problems: readonly Problem[] = [];
  #tried = false;
  #busy = false;
  #again = false;

  constructor(draft: Draft, fromLink: boolean) {
    this.#draft = draft;
    this.fromLink = fromLink;
  }

  get draft(): Draft {
    return this.#draft;
  }

  /** Why the last run failed. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  get isBusy(): boolean {
    return this.#busy;
  }

  /** Whether it may be checked as it is written. */
  get isChecked(): boolean {
    return this.#tried || !this.fromLink;
  }

  /** Whether what runs is what is written. */
  get isSaved(): boolean {
    const { manifest, code } = this.#draft;
    return this.#saved?.manifest === manifest && this.#saved.code === code;
  }

  /** The id of the plugin that was made of it, for as long as that is there. */
  runningIn(kernel: PlaygroundKernel): string | undefined {
    const id = this.#id;
    return id !== undefined && kernel.extension(editedPlugins).has(id, this) ? id : undefined;
  }

  edit(draft: Draft): void {
    this.#draft = draft;
    this.changes.announce();
  }

  /**
   * Compiles the draft and runs it in the place of its version before, with that one's state. What
   * ran before still runs if it fails. While one run goes on, a further one is the next.
   */
  async run(kernel: PlaygroundKernel): Promise<void> {
    this.#again = this.#busy;
    if (this.#busy) return;
    this.#busy = true;
    this.#tried = true;
    try {
      do {
        this.#again = false;
        this.changes.announce();
        await this.#try(kernel, this.#draft);
      } while (this.#again);
    } finally {
      this.#busy = false;
      this.changes.announce();
    }
  }

  /** Takes the plugin away. */
  async stop(kernel: PlaygroundKernel): Promise<void> {
    const id = this.runningIn(kernel);
    if (id !== undefined) await this.#remove(kernel, id);
    this.#id = undefined;
    this.#saved = undefined;
    this.#problems = [];
    this.changes.announce();
  }

  async #remove(kernel: PlaygroundKernel, id: string): Promise<void> {
    await inTurn(async () => {
      await kernel.extension(editedPlugins).remove(id, this);
      // What a storage that fails keeps is taken back by the next page.
      await takeBack(kernel.plugins, id).catch(() => {});
    });
  }

  async #try(kernel: PlaygroundKernel, draft: Draft): Promise<void> {
    try {
      await this.#run(kernel, draft);
      this.#problems = [];
      this.#saved = draft;
    } catch (error) {
      this.#problems = problemsOf(error, draft);
    }
  }

  async #run(kernel: PlaygroundKernel, draft: Draft): Promise<void> {
    const { manifest } = draft;
    const { id, version } = readManifest(manifest);
    const code = await compiler.compile(draft.code);
    const plugins = kernel.extension(editedPlugins);
    const { fromLink } = this;
    const isolation = fromLink ? 'sandbox' : this.place;
    await inTurn(async () => {
      await claim(id);
      try {
        await plugins.put({ id, version, manifest, code, isolation, fromLink, by: this });
      } catch (error) {
        if (!plugins.isEdited(id)) await giveBack(id);
        throw error;
      }
    });
    const before = this.#id;
    this.#id = id;
    // Under another id it is another plugin.
    if (before !== undefined && before !== id) await this.#remove(kernel, before);
    await kernel.plugins.activate(id);
  }
}

/** What an error says of a draft. */
function problemsOf(error: unknown, { manifest }: Draft): readonly Problem[] {
  if (error instanceof Problems) return error.list;
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  if (typeof code === 'string' && code.startsWith('manifest/'))
    return manifestProblems(error, manifest);
  return [{ file: 'plugin.ts', severity: 'error', line: lineOf(error), message }];
}
