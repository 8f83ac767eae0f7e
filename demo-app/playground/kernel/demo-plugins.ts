/** What is known of the demo plugins before there is a kernel. The frame of the page needs it. */

/** The plugins that the page has from its own server. */
export const NAMES = ['notes', 'search', 'markdown', 'clock', 'digest', 'rogue'];
const OWN: ReadonlySet<string> = new Set(NAMES.map((name) => `demo.${name}`));

/** The places of the page where plugins show views. */
export const SLOTS: readonly string[] = ['main', 'sidebar'];

/** Later versions that are served beside the plugins, by id. */
const UPDATES: ReadonlyMap<string, string> = new Map([
  ['demo.clock', './updates/clock/plugin.json'],
]);

/** Whether an id is of the page's own plugins. No other code has it: `own-ids.ts` sees to that. */
export const isOwn = (id: string): boolean => OWN.has(id);

/** Where a later version of a plugin is served, if there is one. */
export const updateOf = (id: string): string | undefined => UPDATES.get(id);
