/** What the settings dialog shows of plugins: settings, state, and updates. */
import { urlSource } from '@plinth/host-browser';
import { type SettingsField, settingsForm } from '@plinth/ui/host';
import type { App } from './app.ts';
import { archiveOf } from './server.ts';

/** The latest versions. A store would have such a list. */
const LATEST: Readonly<Record<string, string>> = { 'org.stranger.words': '2.0.0' };

/** Updates a plugin. It asks the user when the version may do more. */
export async function update({ kernel, notices }: App, { id, name, later }: PluginRow) {
  if (later === undefined) return;
  try {
    await kernel.plugins.update(id, urlSource([archiveOf(id, later)]));
    notices.add({ name, text: `Version ${later} runs now.`, tone: 'good' });
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string };
    const text = code === 'permission/consent-required' ? 'The version before stays.' : message;
    notices.add({ name, text, tone: 'warn' });
  }
}

/** Starts a plugin that does not work. It does nothing to one that has failed again. */
export const tryAgain = ({ kernel }: App, { id }: PluginRow): Promise<void> =>
  kernel.plugins.activate(id).catch(() => {});

/** Whether the list has a version beyond the one that is installed. */
function laterThan(version: string | undefined, latest: string | undefined): string | undefined {
  if (version === undefined || latest === undefined) return undefined;
  return latest.localeCompare(version, 'en', { numeric: true }) > 0 ? latest : undefined;
}

const STATES: Readonly<Record<string, string>> = {
  active: 'runs',
  suspended: 'sleeps',
  failed: 'does not work',
  denied: 'is not allowed',
};

/** Plugins in the order of their names, with their settings. */
export const pluginsOf = ({ kernel }: App) =>
  kernel.plugins
    .list()
    .map(({ id, name = id, version, state, enabled, manifest, error }) => ({
      ...{ id, name, version, enabled },
      problem: error?.message,
      later: laterThan(version, LATEST[id]),
      state: enabled ? (STATES[state] ?? 'starts when it is used') : 'is off',
      form: manifest?.config === undefined ? undefined : settingsForm(kernel, id),
    }))
    .sort((one, other) => one.name.localeCompare(other.name));
export type PluginRow = ReturnType<typeof pluginsOf>[number];

/** The value of a setting, as the control of its kind gives it. */
export function givenValue({ kind, choices }: SettingsField, given: string | boolean): unknown {
  if (kind === 'choice') return choices.find((one) => String(one) === given);
  if (kind === 'number') return given === '' ? undefined : Number(given);
  return given;
}
