/** Which keys stand for which commands: the user's, then the application's, then those of plugins. */
import { createError, messageOf } from '@plinth/sdk/contract';
import { parseKey } from './keys.js';
import { parseWhen, type When } from './when.js';

/** A key of the application or of its user. */
export interface KeyOption {
  /** Like `mod+shift+n`. `mod` is Ctrl, on a Mac Cmd. */
  readonly key: string;
  /** The id of a command, or null: the key is free, whatever comes behind. */
  readonly command: string | null;
  readonly when?: string;
}

/** A key and what it stands for. */
export interface KeyBinding {
  /** In its one form, like `ctrl+shift+n`. */
  readonly key: string;
  readonly command: string | null;
  readonly when: string | undefined;
  /** `user`, `application`, or the id of the plugin. */
  readonly source: string;
  /** Who has the same key and comes first. */
  readonly clashes: readonly string[];
}

/** A binding with its parsed clause. */
export interface BoundKey extends Omit<KeyBinding, 'clashes'> {
  readonly holds: When | undefined;
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function boundKeys(
  source: string,
  keys: readonly KeyOption[],
  mac: boolean,
): readonly BoundKey[] {
  const refuse = (option: string, problem: string) =>
    createError('kernel/invalid-option', `keys of the ${source}: ${problem}`, {
      details: { option },
    });
  if (!Array.isArray(keys))
    throw refuse('keys', "they are a list, like [{ key: 'mod+k', command }]");
  return keys.map((one: KeyOption, at) => {
    const wrong = (problem: string) => refuse(`keys[${at}]`, problem);
    if (one === null || typeof one !== 'object')
      throw wrong(`a key is an object, like { key: 'mod+k', command }, not ${messageOf(one)}`);
    const { key: written, command, when } = one;
    const parsed = parseKey(messageOf(written), mac);
    if ('problem' in parsed) throw wrong(parsed.problem);
    if (command !== null && typeof command !== 'string')
      throw wrong(`the command of '${parsed.key}' is the id of a command, or null`);
    return { key: parsed.key, command, when, source, holds: clause(when, wrong) };
  });
}

function clause(when: string | undefined, wrong: (problem: string) => Error): When | undefined {
  if (when === undefined) return undefined;
  try {
    return parseWhen(when);
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

/** The bindings with those of the same key that come before each. */
export function withClashes(keys: readonly BoundKey[]): readonly KeyBinding[] {
  return keys.map(({ key, command, when, source }, at) => ({
    ...{ key, command, when, source },
    clashes: keys
      .slice(0, at)
      .filter((one) => one.key === key && one.command !== command)
      .map((one) => one.source),
  }));
}
