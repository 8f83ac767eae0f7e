/** The operator of a kernel in this process. */
import type { AuditHead, Kernel, PluginPackage } from '@plinth/host-node';
import { writeData } from '@plinth/kernel/data';
import { messageOf, parseManifest } from '@plinth/sdk/contract';
import { readData } from '../data/data-file.js';
import { CliError } from '../terminal/cli-error.js';
import { plainOf } from '../terminal/show-value.js';
import type {
  Changed,
  Consent,
  Kept,
  Operator,
  PluginDetails,
  PluginFacts,
  ReportQuery,
  Step,
} from './operator.js';

type PluginInfo = ReturnType<Kernel['plugins']['list']>[number];

/** Owns nothing: the kernel is the caller's. */
export class LocalOperator implements Operator {
  readonly isForeign = false;
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  async plugins(): Promise<readonly PluginFacts[]> {
    return this.#kernel.plugins.list().map(factsOf);
  }

  async plugin(id: string): Promise<PluginDetails | undefined> {
    const { plugins } = this.#kernel;
    const found = plugins.get(id);
    if (found === undefined) return undefined;
    const { manifest } = found;
    const capabilities = manifest === undefined ? undefined : plugins.capabilities(id);
    return {
      facts: factsOf(found),
      manifest,
      commands: capabilities?.commands.map((command) => command.id) ?? [],
      data: { plugin: plainOf(found), capabilities: plainOf(capabilities) },
    };
  }

  async step(step: Step, id: string): Promise<Changed> {
    await this.#kernel.plugins[step](id);
    return this.#changed(id);
  }

  async install(found: PluginPackage, { owner }: Consent): Promise<Changed> {
    const id = await this.#kernel.plugins.install(found, owner === undefined ? {} : { owner });
    return this.#changed(id);
  }

  async update(
    found: PluginPackage,
    consent: Consent,
  ): Promise<Changed & { from: string | undefined }> {
    const { id } = parseManifest(found.manifest, found.origin);
    const from = this.#kernel.plugins.get(id)?.version;
    await this.#kernel.plugins.update(id, found, consent);
    return { ...this.#changed(id), from };
  }

  uninstall(id: string, purge: boolean): Promise<void> {
    return this.#kernel.plugins.uninstall(id, { purge });
  }

  async explain(id: string) {
    return this.#kernel.plugins.explain(id);
  }

  execute(command: string, input: unknown, timeout: number | undefined): Promise<unknown> {
    return this.#kernel.commands.execute(command, input, timeout === undefined ? {} : { timeout });
  }

  usage() {
    return this.#kernel.plugins.usage();
  }

  usageOf(id: string) {
    return this.#kernel.plugins.usage(id);
  }

  usageOfAll() {
    return this.#kernel.usage();
  }

  report(query: ReportQuery) {
    return this.#kernel.report(query);
  }

  reportText(query: ReportQuery, format: 'text' | 'csv'): Promise<string> {
    return this.#kernel.report({ ...query, format });
  }

  async settings(id: string) {
    const { config } = this.#kernel;
    return { layers: config.layers(id), config: config.get(id) };
  }

  configure(id: string, patch: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#kernel.config.set(id, patch);
  }

  setSecret(plugin: string, name: string, value: string): Promise<void> {
    return this.#kernel.secrets.set(plugin, name, value);
  }

  async kept(): Promise<readonly Kept[]> {
    const { plugins, storage } = this.#kernel;
    const left = await plugins.leftovers();
    const known = [...new Set(plugins.list().map((one) => one.id))].filter((one) =>
      /^[a-z][a-z0-9.-]*$/.test(one),
    );
    const kept: Kept[] = [];
    for (const plugin of known)
      kept.push({ plugin, keys: (await storage.of(plugin).list()).length, installed: true });
    return [...kept, ...left.map(({ plugin, keys }) => ({ plugin, keys, installed: false }))];
  }

  keys(id: string): Promise<readonly string[]> {
    return this.#kernel.storage.of(id).list();
  }

  async exportData(id: string) {
    const values = await this.#kernel.storage.of(id).export();
    return { text: await writeData(id, values), keys: values.size };
  }

  /** Writes the values beside those that are there. When one can't be written, none is changed. */
  async importData(id: string, file: string, text: string): Promise<number> {
    const values = await readData(id, file, text);
    const storage = this.#kernel.storage.of(id);
    const before = await storage.export();
    try {
      await storage.import(values);
    } catch (cause) {
      try {
        await storage.purge();
        await storage.import(before);
      } catch (second) {
        throw new CliError(
          'data/incomplete',
          `the import failed (${messageOf(cause)}), and what was there before could not be put back: ${messageOf(second)}`,
          { cause, cure: 'Repeat the import when the storage works again.' },
        );
      }
      throw cause;
    }
    return values.size;
  }

  async purgeData(id: string): Promise<number> {
    const { plugins, storage } = this.#kernel;
    const { length } = await storage.of(id).list();
    const left = (await plugins.leftovers()).some(({ plugin }) => plugin === id);
    // Of an uninstalled plugin there may also be secrets, settings and grants.
    if (left) await plugins.uninstall(id, { purge: true });
    else await storage.of(id).purge();
    return length;
  }

  async audit(plugin: string | undefined) {
    const { audit } = this.#kernel;
    const head = await audit.head();
    return { head, entries: await audit.entries(plugin === undefined ? {} : { plugin }) };
  }

  verifyAudit(since: AuditHead | undefined) {
    return this.#kernel.audit.verify(since);
  }

  #changed(id: string): Changed {
    const { version, state } = this.#kernel.plugins.get(id) ?? {};
    return { id, version, state };
  }
}

function factsOf({ id, name, version, state, enabled, origin, error }: PluginInfo): PluginFacts {
  return {
    id,
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    state,
    enabled,
    origin,
    ...(error !== undefined && {
      error: {
        ...(error.code !== undefined && { code: error.code }),
        message: error.message,
      },
    }),
  };
}
