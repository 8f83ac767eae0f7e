/** Checks of `contributes.ui` that a schema can't express, and what follows from it. */
import { isRange, type Manifest, satisfies } from '@plinth/sdk/contract';
import { View } from './contract.js';
import type { UiContribution } from './contribution-schema.js';
import { Frame } from './frame-contract.js';
import { parseKey } from './keys.js';
import { KIT_VERSION } from './kit-version.js';
import { parseWhen } from './when.js';

/** What is wrong with a contribution, or undefined. */
export function contributionProblem(ui: UiContribution, manifest: Manifest): string | undefined {
  return (
    kitProblem(ui) ??
    viewProblem(ui, manifest) ??
    commandProblem(ui, manifest) ??
    keyProblem(ui) ??
    twice('views', ui.views) ??
    twice('status', ui.status) ??
    whenProblem(ui)
  );
}

/** Where a plugin appears: a version that adds to it needs consent. */
export function placesOf({ views = [], menus = {}, keys = [], status = [] }: UiContribution): {
  readonly [K in 'slots' | 'frames' | 'menus' | 'keys' | 'status']: readonly string[];
} {
  return {
    slots: [...new Set(views.map(({ slot }) => slot))],
    frames: [...new Set(views.flatMap(({ slot, frame }) => (frame === true ? [slot] : [])))],
    menus: Object.keys(menus),
    keys: keys.map(({ key }) => key),
    status: status.map(({ id }) => id),
  };
}

function kitProblem({ kit }: UiContribution): string | undefined {
  if (kit === undefined) return undefined;
  if (!isRange(kit)) return `kit: '${kit}' is no range of versions: write one like '^1.0'`;
  // A later minor version shows the children of what it doesn't know here.
  const major = KIT_VERSION.slice(0, KIT_VERSION.indexOf('.'));
  return satisfies(KIT_VERSION, kit) || satisfies(`${major}.9999.0`, kit)
    ? undefined
    : `kit: its views are written for ${kit}, and this host has ${KIT_VERSION}`;
}

function viewProblem(
  { views = [] }: UiContribution,
  { provides = [] }: Manifest,
): string | undefined {
  const shows = (id: string, by: string, some: boolean) =>
    !some || provides.includes(id)
      ? undefined
      : `views: the plugin shows none: add '${id}' to 'provides', and answer it with ${by}`;
  return (
    shows(
      View.$id,
      'views(ctx, …)',
      views.some(({ frame }) => frame !== true),
    ) ??
    shows(
      Frame.$id,
      'frames(ctx, …)',
      views.some(({ frame }) => frame === true),
    )
  );
}

function commandProblem(ui: UiContribution, { contributes }: Manifest): string | undefined {
  const known = new Set(contributes.commands?.map(({ id }) => id));
  const used = [
    ...places('palette', ui.palette),
    ...places('keys', ui.keys),
    ...places('status', ui.status),
    ...Object.entries(ui.menus ?? {}).flatMap(([slot, items]) => places(`menus.${slot}`, items)),
  ];
  const missing = used.find(({ command }) => command !== undefined && !known.has(command));
  return (
    missing &&
    `${missing.at}: '${missing.command}' is no command of this plugin: list it in 'contributes.commands'`
  );
}

function keyProblem({ keys = [] }: UiContribution): string | undefined {
  for (const [at, { key }] of keys.entries()) {
    const parsed = parseKey(key, false);
    if ('problem' in parsed) return `keys.${at}.key: ${parsed.problem}`;
  }
  return undefined;
}

function whenProblem(ui: UiContribution): string | undefined {
  const clauses = [
    ...places('views', ui.views),
    ...places('palette', ui.palette),
    ...places('keys', ui.keys),
    ...places('status', ui.status),
    ...Object.entries(ui.menus ?? {}).flatMap(([slot, items]) => places(`menus.${slot}`, items)),
  ];
  for (const { at, when } of clauses) {
    if (when === undefined) continue;
    try {
      parseWhen(when);
    } catch (error) {
      return `${at}.when: ${(error as Error).message}`;
    }
  }
  return undefined;
}

interface Placed {
  readonly at: string;
  readonly command?: string | undefined;
  readonly when?: string | undefined;
}

const places = (
  what: string,
  items: readonly {
    readonly command?: string | undefined;
    readonly when?: string | undefined;
  }[] = [],
): readonly Placed[] =>
  items.map(({ command, when }, at) => ({ at: `${what}.${at}`, command, when }));

function twice(what: string, items: readonly { readonly id: string }[] = []): string | undefined {
  const ids = items.map(({ id }) => id);
  const again = ids.findIndex((id, at) => ids.indexOf(id) !== at);
  return again === -1 ? undefined : `${what}.${again}.id: '${ids[again]}' is there twice`;
}
