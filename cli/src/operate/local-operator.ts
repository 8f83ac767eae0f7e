/** The operator of a kernel in this process. */
import type { AuditHead, Kernel, PluginPackage } from '@plinth/host-node';
import { writeData } from '@plinth/kernel/data';
import { messageOf, parseManifest } from '@plinth/sdk/contract';
import { readFileOf } from '../data/data-file.js';
import { copyOf, putCopy } from '../data/database-copy.js';
import { ADD_DATABASES, type KeptDatabases, keptDatabases } from '../data/databases.js';
import type { Project } from '../project/project-config.js';
import { CliError } from '../terminal/cli-error.js';
import { plainOf } from '../terminal/show-value.js';
import type {
  Changed,
  Consent,
  Kept,
  Moved,
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
  readonly #project: Project;

  constructor(kernel: Kernel, project: Project) {
    this.#kernel = kernel;
    this.#project = project;
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
    const databases = await (await this.#databases())?.list();
    const sizes = new Map(databases?.map(({ plugin, bytes }) => [plugin, bytes]));
    const kept: Kept[] = [];
    const add = (plugin: string, keys: number, installed: boolean) => {
      const database = sizes.get(plugin);
      kept.push({ plugin, keys, ...(database !== undefined && { database }), installed });
      sizes.delete(plugin);
    };
    for (const plugin of known) add(plugin, (await storage.of(plugin).list()).length, true);
    for (const { plugin, keys } of left) add(plugin, keys, false);
    for (const plugin of [...sizes.keys()]) add(plugin, 0, false);
    return kept;
  }

  keys(id: string): Promise<readonly string[]> {
    return this.#kernel.storage.of(id).list();
  }

  async exportData(id: string) {
    const values = await this.#kernel.storage.of(id).export();
    const databases = await this.#databases();
    const copy = databases && (await copyOf(databases, id));
    const text = await writeData(id, values, copy);
    return { text, keys: values.size, ...(copy !== undefined && { database: copy.length }) };
  }

  /**
   * Writes the values beside those that are there, and the database in the place of the one that is
   * there. When something can't be written, nothing is changed.
   */
  async importData(id: string, file: string, text: string): Promise<Moved> {
    const { values, database } = await readFileOf(id, file, text);
    const undo = database && (await this.#restore(id, file, database));
    const storage = this.#kernel.storage.of(id);
    const before = await storage.export();
    try {
      await storage.import(values);
    } catch (cause) {
      try {
        await undo?.();
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
    return { keys: values.size, ...(database !== undefined && { database: database.length }) };
  }

  /** Restores a database. The answer puts back the one from before. */
  async #restore(id: string, file: string, copy: Uint8Array): Promise<() => Promise<void>> {
    const databases = await this.#databases();
    if (databases === undefined)
      throw new CliError(
        'data/no-databases',
        `${file} has a database of ${id}, and the plugins of this project have none`,
        { cure: ADD_DATABASES },
      );
    const before = await copyOf(databases, id);
    await putCopy(databases, id, copy);
    return () => putCopy(databases, id, before);
  }

  #databases(): Promise<KeptDatabases | undefined> {
    return keptDatabases(this.#kernel, this.#project);
  }

  async purgeData(id: string): Promise<number> {
    const { plugins, storage } = this.#kernel;
    const { length } = await storage.of(id).list();
    const left = (await plugins.leftovers()).some(({ plugin }) => plugin === id);
    // Of an uninstalled plugin there may also be secrets, settings and grants.
    if (left) {
      await plugins.uninstall(id, { purge: true });
      return length;
    }
    const databases = await this.#databases();
    if (databases !== undefined && (await databases.list()).some(({ plugin }) => plugin === id)) {
      // A plugin that runs would write meanwhile. It starts again with the project.
      const state = plugins.get(id)?.state;
      if (state === 'active' || state === 'suspended') await plugins.deactivate(id);
      await databases.purge(id);
    }
    await storage.of(id).purge();
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
