/** The files of all databases, and the process that works on them. */
import { createHash, randomBytes } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import {
  access,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { createError, messageOf } from '@plinth/sdk/contract';
import type { FilesBeside } from '../sqlite/file-data.js';
import { PAGE, type Place } from '../sqlite/protocol.js';

/** Begins the name of a folder whose data is being deleted. */
const DELETED = '.deleted-';
const FILE = 'data.sqlite';
/** Has the name of a tenant, in a folder that can't have it. */
const NAME = 'tenant';
/** The data from before a migration, until the plugin runs. */
const BEFORE = 'before.sqlite';
/** Milliseconds after which no start is still in progress. */
const OLD = 3_600_000;

/** Owns a directory. Each plugin of each tenant has a folder in it. */
export class Store implements FilesBeside {
  readonly #directory: string;
  readonly #pages: number;
  readonly #swept = new Map<string, Promise<void>>();
  /** Tenants whose folder is there. */
  readonly #made = new Set<string>();

  /** @param quota bytes of a database. */
  constructor(directory: string, quota: number) {
    this.#directory = resolve(directory);
    this.#pages = Math.max(1, Math.floor(quota / PAGE));
  }

  /**
   * The database of a plugin. Its folder is made if it isn't there.
   *
   * @param report hears the whole reason of a failure.
   * @throws PluginError `sql/failed`, without the path: a plugin hears it.
   */
  async place(tenant: string, plugin: string, report: (error: unknown) => void): Promise<Place> {
    const place = this.#placeOf(tenant, plugin);
    try {
      await this.#sweepOnce(tenant);
      await mkdir(dirname(place.path), { recursive: true, mode: 0o700 });
      if (!this.#made.has(tenant)) await this.#keepName(tenant);
      this.#made.add(tenant);
      return place;
    } catch (error) {
      report(error);
      const { code } = error as NodeJS.ErrnoException;
      throw createError(
        'sql/failed',
        `the database of ${plugin}: its folder can't be used (${code}); the log of the host has the reason`,
        { plugin },
      );
    }
  }

  /**
   * Whether the folder of a tenant can be used, or be made. Nothing is changed.
   *
   * @throws PluginError `sql/failed`, with the path.
   */
  async check(tenant: string): Promise<void> {
    for (let folder = this.#folderOf(tenant); ; folder = dirname(folder))
      try {
        // The dot: a file in its place is none.
        await access(`${folder}${sep}.`, constants.R_OK | constants.W_OK | constants.X_OK);
        return;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // One that is gone while databases of it are open takes their data with it.
        const later = code === 'ENOENT' && !this.#made.has(tenant);
        if (!later || folder === dirname(folder)) unusable(error);
      }
  }

  /** Whether a plugin has a database. */
  has(tenant: string, plugin: string): boolean {
    return existsSync(this.#placeOf(tenant, plugin).path);
  }

  /** Where the data from before a migration is kept. */
  before({ path }: Place): string {
    return join(dirname(path), BEFORE);
  }

  /** Deletes the data from before a migration. */
  async forgetBefore(place: Place): Promise<void> {
    await rm(this.before(place), { force: true });
  }

  /** Deletes the data from before a migration that an end of the application has left. */
  async forgetOld(place: Place): Promise<void> {
    const found = await stat(this.before(place)).catch(() => undefined);
    // A younger one may be that of another kernel, whose plugin is being started.
    if (found !== undefined && Date.now() - found.mtimeMs > OLD) await this.forgetBefore(place);
  }

  /**
   * Plugins of a tenant with a database, and the bytes of its files.
   *
   * @throws PluginError `sql/failed`, with the path.
   */
  async list(
    tenant: string,
  ): Promise<readonly { readonly plugin: string; readonly bytes: number }[]> {
    const plugins = await pluginsIn(this.#folderOf(tenant));
    return Promise.all(
      plugins.map(async (plugin) => ({
        plugin,
        bytes: await sizeOf(this.#placeOf(tenant, plugin).path),
      })),
    );
  }

  /**
   * Tenants with a database.
   *
   * @throws PluginError `sql/failed`, with the path; also for a folder of an earlier version that
   * doesn't say whose it is.
   */
  async tenants(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const name of await foldersIn(this.#directory).catch(unusable)) {
      const folder = join(this.#directory, name);
      if ((await pluginsIn(folder)).length > 0)
        found.push(
          name.startsWith('=') ? await readFile(join(folder, NAME), 'utf8').catch(unusable) : name,
        );
    }
    return found.sort();
  }

  /** Deletes a database that is closed. It is gone at once; its files may take a moment. */
  async purge(tenant: string, plugin: string): Promise<void> {
    const folder = join(this.#folderOf(tenant), plugin);
    if (!existsSync(folder)) return;
    const gone = join(this.#folderOf(tenant), `${DELETED}${plugin}-${Date.now()}`);
    await rename(folder, gone);
    await rm(gone, { recursive: true, force: true });
  }

  /**
   * The whole path of a file of the application.
   *
   * @throws PluginError `sql/failed` for what is no path, and for a file among the databases: one
   * that is replaced there goes on without what is written to it.
   */
  async outside(file: unknown): Promise<string> {
    if (typeof file !== 'string' || file === '' || file.includes('\0'))
      throw createError('sql/failed', "'file' is the path of a file");
    const path = resolve(file);
    const folder = await realpath(dirname(path)).catch(() => dirname(path));
    const real = await realpath(path).catch(() => join(folder, basename(path)));
    const own = await realpath(this.#directory).catch(() => this.#directory);
    if (`${real}${sep}`.startsWith(`${own}${sep}`))
      throw createError(
        'sql/failed',
        `'${file}' is in the folder of the databases themselves: name a file in another folder`,
      );
    return path;
  }

  /** Has a file written beside its place, and puts it there when it is complete. */
  async replace(to: string, write: (part: string) => Promise<unknown>): Promise<void> {
    const part = `${to}.${randomBytes(4).toString('hex')}.part`;
    try {
      await write(part);
      const file = await open(part, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(part, to);
    } catch (error) {
      for (const end of ['', '-journal', '-wal', '-shm']) await rm(part + end, { force: true });
      throw error;
    }
  }

  /** Goes on with deletions that an end of the application has interrupted. */
  #sweepOnce(tenant: string): Promise<void> {
    const swept = this.#swept.get(tenant) ?? sweep(this.#folderOf(tenant));
    this.#swept.set(tenant, swept);
    // The folder may be readable the next time.
    swept.catch(() => this.#swept.delete(tenant));
    return swept;
  }

  /** A folder whose name is a hash says whose it is. */
  async #keepName(tenant: string): Promise<void> {
    const folder = this.#folderOf(tenant);
    const file = join(folder, NAME);
    if (basename(folder) === tenant || existsSync(file)) return;
    await this.replace(file, (part) => writeFile(part, tenant, { mode: 0o600 }));
  }

  #folderOf(tenant: string): string {
    return join(this.#directory, folderName(tenant));
  }

  #placeOf(tenant: string, plugin: string): Place {
    return { path: join(this.#folderOf(tenant), plugin, FILE), pages: this.#pages };
  }
}

/** The application hears the path. */
function unusable(error: unknown): never {
  throw createError(
    'sql/failed',
    `the folder of the databases can't be used: ${messageOf(error)}`,
    { cause: error },
  );
}

/** A name for a folder, which says the tenant where that is possible, and is never another's. */
function folderName(tenant: string): string {
  if (/^[a-z0-9][a-z0-9_-]{0,63}$/.test(tenant)) return tenant;
  return `=${createHash('sha256').update(tenant).digest('hex').slice(0, 40)}`;
}

async function sweep(folder: string): Promise<void> {
  for (const name of await foldersIn(folder))
    if (name.startsWith(DELETED)) await rm(join(folder, name), { recursive: true, force: true });
}

/** Plugins with a database in the folder of a tenant. @throws PluginError `sql/failed`. */
async function pluginsIn(folder: string): Promise<readonly string[]> {
  return (await foldersIn(folder).catch(unusable)).filter(
    (name) => !name.startsWith(DELETED) && existsSync(join(folder, name, FILE)),
  );
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  const sizes = await Promise.all(
    ['', '-wal'].map((end) =>
      stat(path + end).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
