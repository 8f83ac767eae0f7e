/** Runs the checks of the test kit on a plugin in a folder, as it is bundled. */
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { nodeHost } from '@plinth/host-node';
import { type PluginReport, reportJUnit, reportText, testPlugin } from '@plinth/sdk/testing';
import { bundlePlugin } from '../bundle/bundle-plugin.js';
import { entryIn, isFile } from '../bundle/find-entry.js';
import type { Options } from '../command.js';
import { CliError } from '../terminal/cli-error.js';
import { readPackage, textIn } from '../validate/read-package.js';

/** The report, as data and in two formats. */
export interface Checked {
  readonly report: PluginReport;
  readonly text: string;
  readonly junit: string;
}

/** A package with the text of its manifest. */
interface Package {
  readonly manifest: string;
  readonly code: string;
}

/**
 * Checks a plugin in workers of this runtime.
 *
 * @throws CliError `test/options` for options that make no sense, and as `bundlePlugin`.
 */
export async function runChecks(folder: string, options: Options): Promise<Checked> {
  const { samples, budget, previous, with: others } = options;
  const host = nodeHost();
  try {
    const report = await testPlugin(await packageAt(folder), {
      host,
      plugins: await Promise.all(pathsIn(others).map(packageAt)),
      ...(typeof samples === 'string' && { samples: await samplesIn(samples) }),
      ...(typeof budget === 'string' && { budget: { call: milliseconds(budget) } }),
      ...(typeof previous === 'string' && { previous: await packageAt(previous) }),
    });
    return { report, text: reportText(report), junit: reportJUnit(report) };
  } finally {
    await host.close?.();
  }
}

const pathsIn = (paths: Options[string]): readonly string[] =>
  typeof paths === 'string' ? paths.split(',').filter((path) => path !== '') : [];

/** The package in a folder of sources, in a folder that was bundled, or in an archive. */
async function packageAt(path: string): Promise<Package> {
  const at = resolve(path);
  const found = await stat(at).catch((cause: unknown) => {
    throw new CliError('test/options', `${path} can't be read`, { cause, usage: true });
  });
  if (found.isDirectory() && !(await isBundled(at))) {
    const { manifest, files } = await bundlePlugin(at, { minify: false });
    return { manifest: files.get('plugin.json') ?? '', code: files.get(manifest.main) ?? '' };
  }
  const files = await readPackage(at);
  const manifest = textIn(files, 'plugin.json');
  const main = mainOf(manifest);
  return { manifest, code: main === undefined ? '' : textIn(files, main) };
}

/** Whether a folder holds the files of a package, and no sources. */
async function isBundled(folder: string): Promise<boolean> {
  if ((await entryIn(folder)) !== undefined) return false;
  const main = mainOf(await readFile(join(folder, 'plugin.json'), 'utf8').catch(() => ''));
  return main !== undefined && isFile(join(folder, main));
}

/** The file that a manifest names. What else is wrong with a manifest is found by the checks. */
function mainOf(manifest: string): string | undefined {
  try {
    const { main } = JSON.parse(manifest) as { readonly main?: unknown };
    return typeof main === 'string' && main !== '' ? main : undefined;
  } catch {
    return undefined;
  }
}

async function samplesIn(path: string): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const wrong = (why: string) =>
    new CliError('test/options', `${path} has no samples: ${why}`, {
      usage: true,
      cure: 'Write a list of right inputs for each command: {"add": [{"text": "milk"}]}',
    });
  let samples: unknown;
  try {
    samples = JSON.parse(await readFile(resolve(path), 'utf8'));
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (samples === null || typeof samples !== 'object' || Array.isArray(samples))
    throw wrong('it is no object');
  const other = Object.entries(samples).find(([, inputs]) => !Array.isArray(inputs));
  if (other !== undefined) throw wrong(`'${other[0]}' is no list`);
  return samples as Readonly<Record<string, readonly unknown[]>>;
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new CliError('test/options', `--budget takes milliseconds, not '${text}'`, { usage: true });
}
