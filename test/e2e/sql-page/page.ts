/** One page: a kernel with a plugin that keeps notes in a database of the origin. */
import { createKernel, packageSource } from '@plinth/host-browser';
import { type SqlLimits, sql } from '@plinth/sql/host';

const code = `export default { activate(ctx) {
  const call = (name, value) => ctx.commands.execute('plinth.sql:' + name, value);
  const query = (sql, parameters = [], lease) => call('query', { sql, parameters, lease });
  ctx.commands.handle('query', ([sql, parameters, lease]) => query(sql, parameters, lease));
  ctx.commands.handle('begin', async () => (await call('begin', { access: 'write' })).lease);
  ctx.commands.handle('commit', (lease) => call('end', { lease, how: 'commit' }));
} };`;
const manifest = {
  id: 'test.notes',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  permissions: { commands: { execute: ['plinth.sql:*'] } },
};

/** A note of each id of the page, and whether it was acknowledged. */
declare global {
  var acknowledged: (id: number) => Promise<void>;
}

type Rows = { readonly rows: readonly (readonly unknown[])[] };

async function start(limits: SqlLimits) {
  const kernel = await createKernel({
    telemetry: { log: false },
    sources: [packageSource([{ manifest, code }])],
    extensions: [sql({ directory: 'databases', limits })],
  });
  await kernel.start();
  const query = (text: string, parameters: readonly unknown[] = [], lease?: number) =>
    kernel.commands.execute('test.notes:query', [text, parameters, lease]) as Promise<Rows>;
  const codeOf = (error: { code: string; message: string }) => `${error.code}: ${error.message}`;
  return {
    /** The rows of a statement, or how it fails. */
    query: (text: string, parameters?: readonly unknown[]) =>
      query(text, parameters).then(({ rows }) => rows, codeOf),
    /** Writes one note after another, and tells of each that is kept. */
    async write(from: number, to: number) {
      for (let id = from; id < to; id++) {
        await query('insert into notes values (?, ?)', [id, 'x'.repeat(id % 3_000)]);
        await globalThis.acknowledged(id);
      }
    },
    /** Writes in a transaction, and leaves it open. */
    async hold(id: number) {
      const lease = (await kernel.commands.execute('test.notes:begin')) as number;
      await query('insert into notes values (?, ?)', [id, 'held'], lease);
      return lease;
    },
    commit: (lease: number) => kernel.commands.execute('test.notes:commit', lease),
    stop: () => kernel.stop(),
  };
}

export type Notes = Awaited<ReturnType<typeof start>>;
let notes: Notes | undefined;
const page = {
  async start(limits: SqlLimits = {}) {
    notes = await start(limits);
  },
  async call(name: keyof Notes, values: readonly unknown[]): Promise<unknown> {
    return (notes as unknown as Record<string, (...values: unknown[]) => unknown>)[name]?.(
      ...values,
    );
  },
};
export type SqlPage = typeof page;
Object.assign(globalThis, { sqlPage: page });
