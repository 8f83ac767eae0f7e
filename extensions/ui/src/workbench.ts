/** What plugins contribute, as lists that an application renders. No plugin runs for them. */
import type { Contributions, PluginView } from '@plinth/kernel/extension';
import { createError, disposable, messageOf } from '@plinth/sdk/contract';
import type { UiContribution } from './contribution-schema.js';
import {
  type BoundKey,
  boundKeys,
  type KeyBinding,
  type KeyOption,
  withClashes,
} from './key-bindings.js';
import { type KeyPress, parseKey, pressedKeys } from './keys.js';
import type { UiSettings } from './ui-options.js';
import { parseWhen, type When } from './when.js';
import type { Words } from './words.js';
import type { MenuItem, PaletteItem, SlotView, StatusItem, Workbench } from './workbench-api.js';

/** What the workbench reads and does. */
export interface WorkbenchParts {
  readonly contributions: Contributions<UiContribution>;
  readonly settings: UiSettings;
  readonly words: Words;
  plugins(): readonly PluginView[];
  /** Whether it is the version that its id alone means. */
  isDefault(plugin: PluginView): boolean;
  execute(id: string, input: unknown): Promise<unknown>;
  /**
   * Whether a plugin has the right `ui.show` to a slot. One that needn't ask has it unless it was
   * taken away.
   */
  mayShow(plugin: PluginView, slot: string, asks: boolean): boolean;
  /** What the application has given and that failed. */
  failed(what: 'a listener' | '`allow`', error: unknown): void;
}

interface Contributor {
  readonly id: string;
  readonly view: PluginView;
  readonly ui: UiContribution;
}

/** Owns the listeners and the keys of the user. */
export class LiveWorkbench implements Workbench {
  readonly facts: Workbench['facts'];
  readonly #parts: WorkbenchParts;
  readonly #listeners = new Set<() => void>();
  readonly #clauses = new Map<string, When>();
  #userKeys: readonly BoundKey[] = [];
  #version = 0;
  #planned = false;

  constructor(parts: WorkbenchParts) {
    this.#parts = parts;
    const { words } = parts;
    this.facts = {
      get: (name) => words.fact(name),
      set: (name, value) => words.setFact(name, value),
    };
  }

  get version(): number {
    return this.#version;
  }

  palette(): readonly PaletteItem[] {
    const { contributions, plugins } = this.#parts;
    // A command needs no `contributes.ui` to stand here: its title is enough.
    const items = this.#oneOfEach(plugins().filter(mayRun)).flatMap((view) => {
      const { id, manifest } = view;
      const clauses = contributions.of(view)?.palette ?? [];
      return (manifest?.contributes.commands ?? []).flatMap(({ id: command, title }) => {
        const holds = clauses.every((one) => one.command !== command || this.#holds(one.when));
        return title !== undefined && holds ? [{ id: `${id}:${command}`, title, plugin: id }] : [];
      });
    });
    return items.sort((one, other) => one.title.localeCompare(other.title));
  }

  menu(place: string): readonly MenuItem[] {
    const items = this.#contributors().flatMap((contributor) => {
      const menus = contributor.ui.menus ?? {};
      const own =
        typeof place === 'string' && Object.hasOwn(menus, place) ? (menus[place] ?? []) : [];
      return own
        .filter(({ when }) => this.#holds(when))
        .map(({ command, group = '', order = 0 }) => ({
          ...{ id: `${contributor.id}:${command}`, title: titleOf(contributor, command) },
          ...{ plugin: contributor.id, group, order },
        }));
    });
    return items
      .sort((one, other) => one.group.localeCompare(other.group) || one.order - other.order)
      .map(({ order: _, ...item }) => item);
  }

  views(slot: string): readonly SlotView[] {
    const { slots, frames } = this.#parts.settings;
    if (!slots.includes(slot))
      throw createError(
        'kernel/invalid-option',
        `there is no slot '${messageOf(slot).slice(0, 80)}': ui({ slots }) has ${slots.join(', ') || 'none'}`,
        { details: { slot } },
      );
    return this.#contributors(mayShow)
      .flatMap(({ id, view, ui }) =>
        (ui.views ?? [])
          .filter(
            ({ slot: own, frame, when }) =>
              own === slot &&
              (frame !== true || frames.includes(slot)) &&
              this.#holds(when) &&
              this.#allows(id, slot) &&
              this.#hasSlot(view, slot),
          )
          .map((one) => ({ ...one, plugin: id })),
      )
      .sort((one, other) => (one.order ?? 0) - (other.order ?? 0));
  }

  status(): readonly StatusItem[] {
    return this.#contributors().flatMap(({ id: plugin, ui }) =>
      (ui.status ?? []).flatMap(({ id, text: first, command, when }) => {
        const text = this.#parts.words.text(plugin, id) ?? first;
        if (text === undefined || text === '' || !this.#holds(when)) return [];
        return [
          { id, plugin, text, ...(command !== undefined && { command: `${plugin}:${command}` }) },
        ];
      }),
    );
  }

  keys(): readonly KeyBinding[] {
    return withClashes(this.#bound());
  }

  setKeys(keys: readonly KeyOption[]): void {
    this.#userKeys = boundKeys('user', keys, this.#parts.settings.mac);
    this.changed();
  }

  key(event: KeyPress): Promise<unknown> | undefined {
    if (event === null || typeof event !== 'object')
      throw createError('kernel/invalid-option', 'key() takes the event of a pressed key', {
        details: { option: 'event' },
      });
    const pressed = pressedKeys(event, this.#parts.settings.mac);
    const found = this.#bound().find(
      ({ key, holds }) =>
        pressed.includes(key) && (holds === undefined || holds((name) => this.facts.get(name))),
    );
    if (found === undefined || found.command === null) return undefined;
    // A key that is held down was pressed once.
    return event.repeat === true ? Promise.resolve() : this.run(found.command);
  }

  run(command: string, input?: unknown): Promise<unknown> {
    return this.#parts.execute(command, input);
  }

  onChange(listener: () => void): Disposable & { dispose(): void } {
    if (typeof listener !== 'function')
      throw createError('kernel/invalid-option', 'onChange() takes a function', {
        details: { option: 'listener' },
      });
    this.#listeners.add(listener);
    return disposable(() => this.#listeners.delete(listener));
  }

  /** Something that the lists depend on has changed. */
  changed(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#version += 1;
      for (const listener of [...this.#listeners]) {
        // It runs now. A failure, now or later, would end the process unheard.
        new Promise((resolve) => resolve(listener())).catch((error) =>
          this.#parts.failed('a listener', error),
        );
      }
    });
  }

  /** Only true allows: a promise, or what is thrown, is reported, and shows nothing. */
  #allows(plugin: string, slot: string): boolean {
    try {
      const answer: unknown = this.#parts.settings.allow(plugin, slot);
      if (typeof answer === 'boolean') return answer;
      Promise.resolve(answer).catch((error) => this.#parts.failed('`allow`', error));
      throw new TypeError(`ui(): 'allow' answers true or false, not ${messageOf(answer)}`);
    } catch (error) {
      this.#parts.failed('`allow`', error);
      return false;
    }
  }

  /** A plugin that doesn't ask for slots needs the right to one only where all do. */
  #hasSlot(view: PluginView, slot: string): boolean {
    const asks = view.manifest?.permissions?.ui?.show !== undefined;
    return this.#parts.mayShow(view, slot, asks || this.#parts.settings.granted);
  }

  /** Plugins that contribute, and by default may run, in the order in which they were found. */
  #contributors(fits = mayRun): readonly Contributor[] {
    const all = this.#parts.contributions.all().filter(({ plugin }) => fits(plugin));
    const shown = new Set(this.#oneOfEach(all.map(({ plugin }) => plugin)));
    return all
      .filter(({ plugin }) => shown.has(plugin))
      .map(({ plugin: view, value: ui }) => ({ id: view.id, view, ui }));
  }

  /** One version of each plugin: the default one, if it is among them. */
  #oneOfEach(views: readonly PluginView[]): readonly PluginView[] {
    const chosen = new Map<string, PluginView>();
    for (const view of views)
      if (!chosen.has(view.id) || this.#parts.isDefault(view)) chosen.set(view.id, view);
    return views.filter((view) => chosen.get(view.id) === view);
  }

  #bound(): readonly BoundKey[] {
    const { mac, keys } = this.#parts.settings;
    const own = this.#contributors().flatMap(({ id, ui }) =>
      (ui.keys ?? []).flatMap(({ key, command, when }) => {
        const parsed = parseKey(key, mac);
        if ('problem' in parsed) return [];
        const holds = when === undefined ? undefined : this.#clause(when);
        return [{ key: parsed.key, command: `${id}:${command}`, when, source: id, holds }];
      }),
    );
    return [...this.#userKeys, ...keys, ...own];
  }

  #holds(when: string | undefined): boolean {
    return when === undefined || this.#clause(when)((name) => this.facts.get(name));
  }

  /** Clauses were checked when their manifest was read. */
  #clause(when: string): When {
    const known = this.#clauses.get(when);
    if (known !== undefined) return known;
    // Manifests come and go; this only keeps those that are read again and again.
    if (this.#clauses.size > 1_000) this.#clauses.clear();
    const parsed = parseWhen(when);
    this.#clauses.set(when, parsed);
    return parsed;
  }
}

/** A view of a plugin that has failed stays: what stands in for it says so, and asks again. */
const mayShow = ({ enabled, state }: PluginView): boolean => enabled && state !== 'denied';

const mayRun = (plugin: PluginView): boolean => mayShow(plugin) && plugin.state !== 'failed';

function titleOf({ view }: Contributor, command: string): string {
  const known = view.manifest?.contributes.commands?.find(({ id }) => id === command);
  return known?.title ?? command;
}
