/** What an application sees of the workbench. */
import type { ViewContribution } from './contribution-schema.js';
import type { KeyBinding, KeyOption } from './key-bindings.js';
import type { KeyPress } from './keys.js';
import type { FactValue } from './when.js';

/** A command for a palette. */
export interface PaletteItem {
  /** What `run` takes. */
  readonly id: string;
  readonly title: string;
  readonly plugin: string;
}

/** A command in a menu. */
export interface MenuItem extends PaletteItem {
  /** Items of a group stand together. */
  readonly group: string;
}

/** A status item. */
export interface StatusItem {
  readonly id: string;
  readonly plugin: string;
  readonly text: string;
  /** What `run` takes, if it can be pressed. */
  readonly command?: string;
}

/** A view, or a frame, and the plugin that has it. */
export type SlotView = Readonly<ViewContribution> & { readonly plugin: string };

/** `kernel.extension(ui)`. */
export interface Workbench {
  /** Facts for when-clauses. Those of a plugin stand under its id. */
  readonly facts: {
    get(name: string): FactValue | undefined;
    /** Null takes a fact away. */
    set(name: string, value: FactValue): void;
  };
  /** Commands with a title, for which no clause says otherwise, by title. */
  palette(): readonly PaletteItem[];
  /** Commands of a menu, by group and order. */
  menu(place: string): readonly MenuItem[];
  /**
   * Views of a slot, by order, also of a plugin that has failed.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` for a slot that the application doesn't
   * have.
   */
  views(slot: string): readonly SlotView[];
  status(): readonly StatusItem[];
  /** All keys, the first that counts first. */
  keys(): readonly KeyBinding[];
  /**
   * Sets the keys of the user, which come before all others.
   *
   * @throws PluginConfigurationError `kernel/invalid-option`.
   */
  setKeys(keys: readonly KeyOption[]): void;
  /** Runs what a key stands for; undefined when it stands for nothing. */
  key(event: KeyPress): Promise<unknown> | undefined;
  /** Runs a command for the user, and starts its plugin if it has to. */
  run(command: string, input?: unknown): Promise<unknown>;
  /** Counts changes. */
  readonly version: number;
  /** Called when any of the lists may have changed. Changes of one turn are one call. */
  onChange(listener: () => void): Disposable & { dispose(): void };
}
