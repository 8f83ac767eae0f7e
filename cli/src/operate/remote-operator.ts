/** The operator of a kernel that runs elsewhere, through the admin API of `@plinth/http`. */
import type {
  AuditEntry,
  AuditHead,
  AuditVerdict,
  Explanation,
  LogEntry,
  PluginPackage,
  PluginUsage,
  TelemetryReport,
} from '@plinth/host-node';
import { type Manifest, parseManifest } from '@plinth/sdk/contract';
import { writeArchive } from '../archive/write-archive.js';
import { readData } from '../data/data-file.js';
import { CliError } from '../terminal/cli-error.js';
import { type AdminClient, type Ask, isNotOffered, jsonBody } from './admin-client.js';
import type {
  Changed,
  Consent,
  Kept,
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

const at = (id: string, detail = '') =>
  `${API}/plugins/${encodeURIComponent(id)}${detail === '' ? '' : `/${detail}`}`;

/** Owns nothing: each verb is a request. */
export class RemoteOperator implements Operator {
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
    const own = manifest?.contributes?.commands?.map((one) => `${id}:${one.id}`) ?? [];
    return {
      facts,
      manifest: manifest ?? undefined,
      commands: own,
      data: { plugin: { ...facts, ...(manifest && { manifest }) } },
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
      timeout: timeout === undefined ? LONG : timeout + WAY,
      ...(input !== undefined && { body: jsonBody(input) }),
    };
    const id = encodeURIComponent(command);
    try {
      return await this.#admin.json(`${API}/commands/${id}`, ask);
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

  report(query: ReportQuery): Promise<TelemetryReport> {
    return this.#admin.object(`${API}/report`, { query: queryOf(query) });
  }

  reportText(query: ReportQuery, format: 'text' | 'csv'): Promise<string> {
    return this.#admin.text(`${API}/report`, { query: { ...queryOf(query), format } });
  }

  async settings(id: string): Promise<Settings> {
    return { config: await this.#admin.object(at(id, 'config')), layers: undefined };
  }

  async configure(id: string, patch: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#admin.json(at(id, 'config'), { method: 'PUT', body: jsonBody(patch) });
  }

  async setSecret(plugin: string, name: string, value: string): Promise<void> {
    await this.#admin.json(at(plugin, `secrets/${encodeURIComponent(name)}`), {
      method: 'PUT',
      body: jsonBody({ value }),
    });
  }

  async kept(): Promise<readonly Kept[]> {
    const { leftovers = [] } = await this.#admin.object<{ leftovers?: Kept[] }>(`${API}/leftovers`);
    const ids = [...new Set((await this.plugins()).map(({ id }) => id))];
    const kept: Kept[] = [];
    for (const plugin of ids)
      kept.push({ plugin, keys: (await this.keys(plugin)).length, installed: true });
    return [...kept, ...leftovers.map(({ plugin, keys }) => ({ plugin, keys, installed: false }))];
  }

  async keys(id: string): Promise<readonly string[]> {
    const { keys } = await this.#admin.object<{ keys?: string[] }>(at(id, 'storage'));
    return keys ?? [];
  }

  async exportData(id: string) {
    const text = await this.#admin.text(at(id, 'storage/export'), { timeout: LONG });
    // What can't be imported again is no export.
    return { text, keys: readData(id, 'the export', text).size };
  }

  async importData(id: string, file: string, text: string): Promise<number> {
    const { size } = readData(id, file, text);
    await this.#admin.json(at(id, 'storage/import'), {
      method: 'POST',
      body: { type: 'application/x-ndjson', content: text },
      timeout: LONG,
    });
    return size;
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
    const { entries } = await this.#admin.object<{ entries?: LogEntry[] }>(`${API}/logs`, {
      query,
    });
    return entries ?? [];
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
