/** The operator of a kernel that runs elsewhere, through the admin API of `@plinth/http`. */
import type {
  AuditEntry,
  AuditHead,
  AuditVerdict,
  Explanation,
  PluginPackage,
  PluginUsage,
  TelemetryReport,
  TenantUsage,
} from '@plinth/host-node';
import { type Manifest, parseManifest, pluginIdProblem } from '@plinth/sdk/contract';
import { writeArchive } from '../archive/write-archive.js';
import { readValues } from '../data/data-file.js';
import { CliError } from '../terminal/cli-error.js';
import { printableLine } from '../terminal/printable.js';
import { type AdminClient, type Ask, isNotOffered, jsonBody } from './admin-client.js';
import { LogFollower, type LogReader } from './follow-log.js';
import { isEntry } from './log-entry.js';
import type {
  Changed,
  Consent,
  Kept,
  Moved,
  Operator,
  PluginDetails,
  PluginFacts,
  ReportQuery,
  Settings,
  Step,
} from './operator.js';

const API = 'api/v1';
/** Milliseconds for what may take long: a call of a command, an installation. */
const LONG = 600_000;
/** Milliseconds that a call may take longer than the plugin has, for the way. */
const WAY = 5_000;

/**
 * The address of a plugin. A text such as `..` would lead to another one.
 *
 * @throws CliError `plugin/not-found`
 */
function at(id: string, detail = ''): string {
  if (pluginIdProblem(id) !== undefined)
    throw new CliError('plugin/not-found', `no plugin '${printableLine(id, 128)}' is installed`);
  return `${API}/plugins/${id}${detail === '' ? '' : `/${detail}`}`;
}

/** Owns nothing: each verb is a request. */
export class RemoteOperator implements Operator {
  readonly isForeign = true;
  readonly #admin: AdminClient;

  constructor(admin: AdminClient) {
    this.#admin = admin;
  }

  async plugins(): Promise<readonly PluginFacts[]> {
    const { plugins } = await this.#admin.object<{ plugins?: PluginFacts[] }>(`${API}/plugins`);
    return plugins ?? [];
  }

  async plugin(id: string): Promise<PluginDetails | undefined> {
    const facts = await this.#facts(id);
    if (facts === undefined) return undefined;
    const manifest = (await this.#admin.json(at(id, 'manifest'))) as Manifest | null | undefined;
    if (!manifest) return { facts, manifest: undefined, commands: [], data: { plugin: facts } };
    const capabilities = await this.#admin.object<{ commands?: { id: string }[] }>(
      at(id, 'capabilities'),
    );
    return {
      facts,
      manifest,
      commands: capabilities.commands?.map((command) => command.id) ?? [],
      data: { plugin: { ...facts, manifest }, capabilities },
    };
  }

  async step(step: Step, id: string): Promise<Changed> {
    await this.#admin.json(at(id, step), { method: 'POST', timeout: LONG });
    return this.#changed(id);
  }

  async install(found: PluginPackage, { owner }: Consent): Promise<Changed> {
    const { id, activation } = parseManifest(found.manifest, found.origin);
    await this.#admin.json(`${API}/plugins`, { ...(await upload(found)), query: { owner } });
    // The kernel has started already, and starts by itself only what is there then.
    if (activation.includes('startup'))
      await this.#admin.json(at(id, 'activate'), { method: 'POST', timeout: LONG });
    return this.#changed(id);
  }

  async update(
    found: PluginPackage,
    { owner, consent }: Consent,
  ): Promise<Changed & { from: string | undefined }> {
    const { id } = parseManifest(found.manifest, found.origin);
    const from = (await this.#facts(id))?.version;
    const query = { owner, consent: consent && 'true' };
    await this.#admin.json(at(id, 'update'), { ...(await upload(found)), query });
    return { ...(await this.#changed(id)), from };
  }

  async uninstall(id: string, purge: boolean): Promise<void> {
    const query = purge ? { purge: 'true' } : {};
    await this.#admin.json(at(id), { method: 'DELETE', query, timeout: LONG });
  }

  explain(id: string): Promise<Explanation> {
    return this.#admin.object(at(id, 'explain'));
  }

  async execute(command: string, input: unknown, timeout: number | undefined): Promise<unknown> {
    const ask: Ask = {
      method: 'POST',
      query: { timeout: timeout === undefined ? undefined : String(timeout) },
      timeout: timeout === undefined ? LONG : timeout + WAY,
      ...(input !== undefined && { body: jsonBody(input) }),
    };
    if (!command.includes(':'))
      throw new CliError('call/unknown-command', `'${printableLine(command, 128)}' is no command`);
    const id = encodeURIComponent(command);
    try {
      return await this.#admin.answer(`${API}/commands/${id}`, ask);
    } catch (error) {
      if (!isNotOffered(error)) throw error;
      // Nothing was called. The application may expose the command to its clients.
      return this.#admin.json(`commands/${id}`, ask);
    }
  }

  usage(): Promise<readonly PluginUsage[]> {
    return this.#admin.object(`${API}/usage`);
  }

  usageOf(id: string): Promise<PluginUsage> {
    return this.#admin.object(at(id, 'usage'));
  }

  async usageOfAll(): Promise<TenantUsage | undefined> {
    try {
      return await this.#admin.object(`${API}/usage/tenant`);
    } catch (error) {
      if (isNotOffered(error)) return undefined;
      throw error;
    }
  }

  report(query: ReportQuery): Promise<TelemetryReport> {
    return this.#admin.object(`${API}/report`, { query: queryOf(query) });
  }

  reportText(query: ReportQuery, format: 'text' | 'csv'): Promise<string> {
    return this.#admin.text(`${API}/report`, { query: { ...queryOf(query), format } });
  }

  async settings(id: string): Promise<Settings> {
    const layers = await this.#admin.object<Settings['layers']>(at(id, 'config/layers'));
    return { config: await this.#admin.object(at(id, 'config')), layers };
  }

  async configure(id: string, patch: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#admin.json(at(id, 'config'), { method: 'PUT', body: jsonBody(patch) });
  }

  async setSecret(plugin: string, name: string, value: string): Promise<void> {
    if (name === '.' || name === '..')
      throw new CliError('secret/invalid', `an address can't have the name '${name}'`, {
        cure: 'Set a secret of this name in the application.',
      });
    await this.#admin.json(at(plugin, `secrets/${encodeURIComponent(name)}`), {
      method: 'PUT',
      body: jsonBody({ value }),
    });
  }

  async kept(): Promise<readonly Kept[]> {
    const { plugins = [] } = await this.#admin.object<{ plugins?: Kept[] }>(`${API}/storage`);
    return plugins;
  }

  async keys(id: string): Promise<readonly string[]> {
    const { keys } = await this.#admin.object<{ keys?: string[] }>(at(id, 'storage'));
    return keys ?? [];
  }

  async exportData(id: string) {
    const text = await this.#admin.text(at(id, 'storage/export'), { timeout: LONG });
    // What can't be imported again is no export.
    return { text, keys: (await readValues(id, 'the export', text)).size };
  }

  async importData(id: string, file: string, text: string): Promise<Moved> {
    const { size } = await readValues(id, file, text);
    await this.#admin.json(at(id, 'storage/import'), {
      method: 'POST',
      body: { type: 'application/x-ndjson', content: text },
      timeout: LONG,
    });
    return { keys: size };
  }

  async purgeData(id: string): Promise<number> {
    const { length } = await this.keys(id);
    await this.#admin.json(at(id, 'storage'), { method: 'DELETE', timeout: LONG });
    return length;
  }

  async audit(plugin: string | undefined) {
    const head = await this.#admin.object<AuditHead>(`${API}/audit/head`);
    const lines = await this.#admin.text(`${API}/audit`, { query: { plugin }, timeout: LONG });
    return { head, entries: lines.split('\n').flatMap(entryOf) };
  }

  verifyAudit(since: AuditHead | undefined): Promise<AuditVerdict> {
    const query = { head: since && JSON.stringify(since) };
    return this.#admin.object(`${API}/audit/verify`, { query, timeout: LONG });
  }

  /** The latest entries of the log. */
  async logs(plugin: string | undefined, level: string, limit: number) {
    const query = { plugin, level, limit: String(limit) };
    const { entries } = await this.#admin.object<{ entries?: unknown }>(`${API}/logs`, { query });
    return Array.isArray(entries) ? entries.filter(isEntry) : [];
  }

  /** Tells what is logged from now on, until the reader's signal. */
  follow(reader: LogReader): Promise<void> {
    return new LogFollower(this.#admin, reader).run();
  }

  async #facts(id: string): Promise<PluginFacts | undefined> {
    try {
      return await this.#admin.object<PluginFacts>(at(id));
    } catch (error) {
      if (error instanceof CliError && error.code === 'plugin/not-found') return undefined;
      throw error;
    }
  }

  async #changed(id: string): Promise<Changed> {
    const { version, state } = (await this.#facts(id)) ?? {};
    return { id, version, state };
  }
}

/** An archive of a package. */
async function upload({ list, read, origin }: PluginPackage): Promise<Ask> {
  if (list === undefined || read === undefined) throw new Error(`${origin} can't be packed`);
  const files = new Map<string, Uint8Array>();
  for (const path of await list()) files.set(path, await read(path));
  const content = new Uint8Array(writeArchive(files));
  return { method: 'POST', body: { type: 'application/vnd.plinth', content }, timeout: LONG };
}

const queryOf = ({ from, plugin }: ReportQuery) => ({ from: String(from), plugin });

/** The entry of a line of an export, which has others, too. */
function entryOf(line: string): readonly AuditEntry[] {
  if (line === '') return [];
  const read = JSON.parse(line) as AuditEntry;
  return read.topic === undefined ? [] : [read];
}
