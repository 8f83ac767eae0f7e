/**
 * A private PostgreSQL for tests: Debian's binaries over a folder of its own, on a free port of the
 * loopback. `PLINTH_POSTGRES_URL` names one that runs already, by a role that may create roles and
 * databases.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findPostgres } from '../../scripts/find-postgres.ts';

/** Whether tests can have a server. Suites without one are skipped, and say so. */
export const hasPostgres =
  process.env.PLINTH_POSTGRES_URL !== undefined || findPostgres() !== undefined;

if (!hasPostgres)
  console.warn(
    'No PostgreSQL: its suites are skipped. Install one (Debian: apt-get install postgresql) or set PLINTH_POSTGRES_URL.',
  );

/** A server for tests. */
export interface Postgres {
  /** Makes a database with an owner of its own, as an application would, and answers its address. */
  database(): Promise<string>;
  /** Runs a statement as the administrator; in a database of {@link database} when one is given. */
  run(
    text: string,
    values?: readonly unknown[],
    url?: string,
  ): Promise<readonly Record<string, unknown>[]>;
  /** Kills the server as a crash would, and starts it again. Throws for a server that is not its own. */
  crash(): Promise<void>;
  /** Deletes all that was made. */
  stop(): Promise<void>;
}

/** Starts a server, or uses the one that `PLINTH_POSTGRES_URL` names. */
export async function startPostgres(): Promise<Postgres> {
  const given = process.env.PLINTH_POSTGRES_URL;
  const server = given === undefined ? await Server.start() : undefined;
  const admin = server?.url ?? (given as string);
  const made: { readonly name: string; readonly owner: string }[] = [];
  const run: Postgres['run'] = async (text, values = [], url = admin) => {
    const client = new pg.Client({ connectionString: withRole(url, admin) });
    // A crash of the server is told by the statement.
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(text, [...values])).rows;
    } finally {
      await client.end();
    }
  };
  return {
    run,
    async database() {
      const name = `t_${randomBytes(6).toString('hex')}`;
      const password = randomBytes(12).toString('hex');
      await run(`create role ${name} login createrole password '${password}'`);
      // Who creates a database for another role is a member of it.
      await run(`grant ${name} to current_user`).catch(() => {});
      await run(`create database ${name} owner ${name}`);
      made.push({ name, owner: name });
      const url = new URL(admin);
      Object.assign(url, { username: name, password, pathname: `/${name}` });
      return url.href;
    },
    async crash() {
      if (server === undefined) throw new Error('only a server of the tests can crash');
      await server.crash();
    },
    async stop() {
      if (server !== undefined) return server.stop();
      for (const { name, owner } of made.splice(0)) {
        await run(`drop database if exists ${name} with (force)`);
        const members = await run(
          `select rolname from pg_roles where rolname like 'plinth\\_%' and not exists (select 1 from pg_shdepend d where d.refobjid = pg_roles.oid and d.dbid <> 0)`,
        );
        for (const { rolname } of members)
          await run(`drop role if exists "${rolname}"`).catch(() => {});
        await run(`drop role if exists ${owner}`);
      }
    },
  };
}

/** The address of a database, as another role. */
function withRole(url: string, role: string): string {
  const [to, of] = [new URL(url), new URL(role)];
  Object.assign(to, { username: of.username, password: of.password });
  return to.href;
}

/** Milliseconds that the server has to be ready. */
const READY = 30_000;

/** Owns the process and the folder of a server. */
class Server {
  readonly url: string;
  readonly #binaries: string;
  readonly #folder: string;
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(binaries: string, folder: string, port: number, password: string) {
    this.#binaries = binaries;
    this.#folder = folder;
    this.#port = port;
    this.url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  }

  static async start(): Promise<Server> {
    const binaries = findPostgres();
    if (binaries === undefined) throw new Error('no PostgreSQL is installed');
    const folder = mkdtempSync(join(tmpdir(), 'plinth-postgres-'));
    const user = otherUser();
    const password = randomBytes(12).toString('hex');
    const secret = join(folder, 'password');
    writeFileSync(secret, password);
    if (user !== undefined)
      for (const path of [folder, secret]) chownSync(path, user.uid, user.gid);
    const made = spawnSync(
      join(binaries, 'initdb'),
      [
        '-D',
        join(folder, 'data'),
        '-U',
        'postgres',
        '-A',
        'scram-sha-256',
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
        `--pwfile=${secret}`,
      ],
      { ...user, cwd: folder, encoding: 'utf8' },
    );
    if (made.status !== 0) {
      rmSync(folder, { recursive: true, force: true });
      throw new Error(`initdb failed: ${made.error ?? made.stderr}`);
    }
    const server = new Server(binaries, folder, await freePort(), password);
    await server.#run();
    return server;
  }

  async crash(): Promise<void> {
    // SIGQUIT: all processes end at once, without a checkpoint.
    await this.#end('SIGQUIT');
    await this.#run();
  }

  async stop(): Promise<void> {
    await this.#end('SIGINT');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #run(): Promise<void> {
    const settings = [
      'fsync=off',
      'synchronous_commit=on',
      'listen_addresses=127.0.0.1',
      `port=${this.#port}`,
      'unix_socket_directories=',
      'max_connections=100',
      'shared_buffers=32MB',
      'logging_collector=off',
    ];
    const started = spawn(
      join(this.#binaries, 'postgres'),
      ['-D', join(this.#folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])],
      { ...otherUser(), cwd: this.#folder, stdio: 'ignore' },
    );
    this.#process = started;
    // A run that is ended in the middle leaves no server.
    process.once('exit', this.#atExit);
    const until = performance.now() + READY;
    while (!(await answers(this.url))) {
      if (started.exitCode !== null || performance.now() > until)
        throw new Error(`PostgreSQL does not start on port ${this.#port}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    process.off('exit', this.#atExit);
    if (running === undefined || running.exitCode !== null) return;
    const over = once(running, 'exit');
    running.kill(signal);
    await over;
  }

  readonly #atExit = (): void => {
    this.#process?.kill('SIGQUIT');
    rmSync(this.#folder, { recursive: true, force: true });
  };
}

/** The user without rights, where there is none for the server. */
const NO_RIGHTS = 65_534;

/** PostgreSQL refuses to run as root. */
function otherUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ['-u', '-g'].map((which) =>
    Number.parseInt(spawnSync('id', [which, 'postgres'], { encoding: 'utf8' }).stdout, 10),
  );
  return { uid: uid || NO_RIGHTS, gid: gid || NO_RIGHTS };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
