/** Health while databases can't be used: what isn't known isn't called healthy. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Kernel } from '@plinth/kernel';
import { type SqlOptions, sql } from '@plinth/sql/host';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { rejection } from '../support/kernels.ts';
import { hasPostgres } from '../support/postgres.ts';
import { postgres, stopPostgresAfterAll } from './backends.ts';
import { folder, packageWith, withSql } from './databases.ts';

stopPostgresAfterAll();

const user = packageWith({});
/** A plugin without a database. */
const other = packageWith({ id: 'test.other', manifest: { permissions: {} } });
/** Nothing listens there. */
const NOWHERE = 'postgres://owner:pa55w0rd@127.0.0.1:9/db';

/** The status, and what is said of the extension. */
async function health(kernel: Kernel): Promise<readonly [string, ...string[]]> {
  const { status, parts, problems } = await kernel.health();
  expect(problems.map(({ message }) => message)).toEqual(parts.extensions.reasons);
  return [status, ...parts.extensions.reasons];
}

const unhealthy = (why: RegExp) => [
  'unhealthy',
  expect.stringMatching(new RegExp(`'sql' is unhealthy: .*${why.source}`)),
];

describe('a folder that can not be used', () => {
  it('is unhealthy before the first statement, and healthy once it can be', async () => {
    const directory = await folder();
    const inWay = join(directory, 'tenant-0');
    writeFileSync(inWay, '');
    const { kernel, run } = await withSql([user], { directory });
    expect(await health(kernel)).toEqual(unhealthy(/ENOTDIR.*tenant-0/));
    await rejection(run('select 1'));
    expect(await health(kernel)).toEqual(unhealthy(/ENOTDIR/));
    expect(await rejection(kernel.extension(sql).list())).toMatchObject({
      code: 'sql/failed',
      message: expect.stringContaining('ENOTDIR'),
    });
    rmSync(inWay);
    expect(await health(kernel)).toEqual(['healthy']);
    // Asking has made nothing.
    expect(existsSync(inWay)).toBe(false);
    await run('select 1');
    expect(await health(kernel)).toEqual(['healthy']);
  });

  it('is unhealthy when it is gone while it is used', async () => {
    const { kernel, directory, run } = await withSql([user]);
    await run('select 1');
    rmSync(directory, { recursive: true });
    expect(await health(kernel)).toEqual(unhealthy(/ENOENT/));
    mkdirSync(join(directory, 'tenant-0'), { recursive: true });
    expect(await health(kernel)).toEqual(['healthy']);
  });

  it('matters to no kernel whose plugins have no database', async () => {
    const directory = join(await folder(), 'file');
    writeFileSync(directory, '');
    const { kernel } = await withSql([other], { directory });
    expect(await health(kernel)).toEqual(['healthy']);
  });
});

describe('a server that is not there', () => {
  it('is unhealthy before and after the first statement, with the reason', async () => {
    const { kernel, run } = await withSql([user], { postgres: NOWHERE });
    expect(await health(kernel)).toEqual(unhealthy(/is not there: connect ECONNREFUSED/));
    await rejection(run('select 1'));
    expect(await health(kernel)).toEqual(unhealthy(/ECONNREFUSED/));
    expect(JSON.stringify([await kernel.health(), kernel.diagnostics()])).not.toContain('pa55w0rd');
  });

  it('is unhealthy when a plugin could not start for it', async () => {
    const migrations = { '0001_notes.sql': 'create table notes (id integer)' };
    const { kernel } = await withSql([packageWith({ migrations })], { postgres: NOWHERE });
    expect(kernel.plugins.get('test.notes')?.state).toBe('failed');
    const { status, parts } = await kernel.health();
    expect([status, ...parts.extensions.reasons]).toEqual(unhealthy(/ECONNREFUSED/));
  });

  it('matters to no kernel whose plugins have no database', async () => {
    const { kernel } = await withSql([other], { postgres: NOWHERE });
    expect(await health(kernel)).toEqual(['healthy']);
  });
});

/** A way to a server, which can be cut and become silent. */
class Way {
  readonly #to: URL;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#pass(socket));
  #port = 0;
  /** Connections so far. */
  opened = 0;
  /** What passes last, before a connection becomes silent. */
  last: string | undefined;

  constructor(to: string) {
    this.#to = new URL(to);
  }

  /** The address of the database by this way. */
  get url(): string {
    return Object.assign(new URL(this.#to), { port: String(this.#port) }).href;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async open(): Promise<this> {
    await new Promise<void>((ready) => this.#server.listen(this.#port, '127.0.0.1', ready));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** What is open now passes nothing any more. What comes later does. */
  silence(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  #pass(socket: Socket): void {
    this.opened += 1;
    this.#sockets.add(socket);
    const server = connect(Number(this.#to.port), this.#to.hostname);
    socket.pipe(server).pipe(socket);
    socket.on('data', (chunk) => {
      if (this.last !== undefined && chunk.includes(this.last)) socket.unpipe();
    });
    for (const end of [socket, server]) end.on('error', () => {});
    server.on('close', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      server.destroy();
    });
  }
}

const ways = new Set<Way>();
afterEach(async () => {
  for (const way of ways) await way.cut();
  ways.clear();
});

describe.skipIf(!hasPostgres)('a server', () => {
  async function onTheWay(options: Partial<SqlOptions> = {}) {
    const to = await (await postgres()).database();
    const way = await new Way(to).open();
    ways.add(way);
    return { way, to, ...(await withSql([user], { ...options, postgres: way.url })) };
  }

  it('is healthy, unhealthy while it is gone, and healthy again', async () => {
    const { kernel, way, run } = await onTheWay();
    expect(await health(kernel)).toEqual(['healthy']);
    await run('select 1');
    await way.cut();
    expect(await health(kernel)).toEqual(unhealthy(/ECONNREFUSED/));
    await way.open();
    expect(await health(kernel)).toEqual(['healthy']);
    await run('select 1');
    await kernel.stop();
    await expect.poll(() => way.connections).toBe(0);
  });

  it('that is silent is unhealthy after 2 s, until a new connection answers', async () => {
    const { kernel, way } = await onTheWay();
    expect(await health(kernel)).toEqual(['healthy']);
    way.silence();
    const asked = await Promise.all([health(kernel), health(kernel)]);
    for (const one of asked) expect(one).toEqual(unhealthy(/does not answer within 2000 ms/));
    await expect.poll(() => health(kernel)).toEqual(['healthy']);
  });

  it('that is silent keeps no statement beyond its time', async () => {
    const { kernel, way, run } = await onTheWay({ limits: { time: 2_500 } });
    await run('select 1');
    await kernel.health();
    way.silence();
    expect(await rejection(run('select 1'))).toMatchObject({ code: 'sql/timeout' });
    await run('select 1');
  });

  it("that is silent keeps none of the application's questions", async () => {
    const { kernel, way, run } = await onTheWay();
    await run('select 1');
    way.silence();
    // The next one goes over a new connection.
    const found = await kernel.extension(sql).list();
    expect(found).toMatchObject([{ plugin: 'test.notes' }]);
  });

  it('that is slow has the time that it needs', async () => {
    const { kernel, way, to, run } = await onTheWay();
    const server = await postgres();
    await run('select 1');
    const before = way.opened;
    const lock = 'lock table plinth.databases; perform pg_sleep(7);';
    const held = server.run(`do $$ begin ${lock} end $$`, [], to);
    const isHeld = `select 1 from pg_locks where relation = 'plinth.databases'::regclass and granted`;
    await expect.poll(() => server.run(isHeld, [], to)).toHaveLength(1);
    expect(await kernel.extension(sql).list()).toMatchObject([{ plugin: 'test.notes' }]);
    await held;
    // One that asks whether the server still works.
    expect(way.opened - before).toBe(1);
  });

  it('that is silent does not hold the end of the kernel', async () => {
    const { kernel, way, run } = await onTheWay();
    await run('select 1');
    way.silence();
    const began = performance.now();
    await kernel.stop();
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it('that is silent between two statements keeps none of them', async () => {
    const { way, run } = await onTheWay();
    await run('select 1');
    way.last = 'commit';
    await run('select 1');
    way.last = undefined;
    await run('select 1');
  });
});

it('sql() needs Node 24.15', () => {
  const refused = (node: string) => {
    vi.stubGlobal('process', Object.create(process, { versions: { value: { node } } }));
    try {
      sql({ directory: './a' });
      return undefined;
    } catch (error) {
      return error;
    } finally {
      vi.unstubAllGlobals();
    }
  };
  for (const node of ['24.14.1', '22.20.0', '9.99.0'])
    expect(refused(node)).toMatchObject({ code: 'kernel/invalid-option' });
  for (const node of ['24.15.0', '26.0.0']) expect(refused(node)).toBeUndefined();
});
