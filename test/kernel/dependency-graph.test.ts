/** The dependency graph: levels, versions, cycles with their path, and what is missing. */
import { parseManifest } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { resolveGraph } from '../../kernel/src/registry/dependency-graph.ts';

const node = (id: string, version: string, more: object = {}) => {
  const manifest = parseManifest({
    id,
    version,
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    ...more,
  });
  return { key: `${id}@${version}`, id, version, manifest };
};
const needing = (...ids: readonly string[]) => ({
  dependencies: Object.fromEntries(ids.map((id) => [id, '^1.0.0'])),
});

/** The outcome of each, as one line. */
const resolved = (...nodes: ReturnType<typeof node>[]) =>
  Object.fromEntries(
    [...resolveGraph(nodes)].map(([key, outcome]) => [
      key,
      outcome.ok
        ? `level ${outcome.level}: ${outcome.dependencies.join(', ')}`
        : `${outcome.error.code}: ${outcome.error.message}`,
    ]),
  );

describe('resolveGraph()', () => {
  it('puts each plugin above what it needs', () => {
    expect(
      resolved(
        node('test.top', '1.0.0', needing('test.middle')),
        node('test.middle', '1.0.0', needing('test.base')),
        node('test.base', '1.0.0'),
      ),
    ).toEqual({
      'test.top@1.0.0': 'level 2: test.middle@1.0.0',
      'test.middle@1.0.0': 'level 1: test.base@1.0.0',
      'test.base@1.0.0': 'level 0: ',
    });
  });

  it('takes the highest stable version that fits, whatever the order is', () => {
    const versions = ['1.2.0', '2.0.0', '1.10.0', '1.11.0-beta.1'].map((one) =>
      node('test.base', one),
    );
    for (const order of [versions, [...versions].reverse()])
      expect(resolved(node('test.top', '1.0.0', needing('test.base')), ...order)).toMatchObject({
        'test.top@1.0.0': 'level 1: test.base@1.10.0',
      });
  });

  it('names what is missing, and what was found instead', () => {
    const outcome = resolved(
      node('test.top', '1.0.0', needing('test.base', 'test.none')),
      node('test.base', '2.0.0'),
    )['test.top@1.0.0'];
    expect(outcome).toMatch(/^plugin\/unsatisfied/);
    expect(outcome).toContain('test.base');
    expect(outcome).toContain('2.0.0');
  });

  it('refuses a circle with its whole path, and what needs a part of it', () => {
    const outcomes = resolved(
      node('test.a', '1.0.0', needing('test.b')),
      node('test.b', '1.0.0', needing('test.c')),
      node('test.c', '1.0.0', needing('test.a')),
      node('test.above', '1.0.0', needing('test.a')),
    );
    for (const id of ['a', 'b', 'c'])
      expect(outcomes[`test.${id}@1.0.0`], id).toMatch(/^plugin\/cycle.*→/);
    expect(outcomes['test.above@1.0.0']).toMatch(/^plugin\/dependency-failed/);
  });

  it('drops a wish that would close a circle', () => {
    expect(
      resolved(
        node('test.heads', '1.0.0', { optionalDependencies: { 'test.tails': '^1.0.0' } }),
        node('test.tails', '1.0.0', { optionalDependencies: { 'test.heads': '^1.0.0' } }),
      ),
    ).toEqual({
      'test.heads@1.0.0': expect.stringMatching(/^level/),
      'test.tails@1.0.0': expect.stringMatching(/^level/),
    });
  });

  it('survives a chain of thousands', () => {
    const chain = Array.from({ length: 5_000 }, (_, n) =>
      node(`test.p${n}`, '1.0.0', n === 0 ? {} : needing(`test.p${n - 1}`)),
    );
    expect(resolveGraph(chain).get('test.p4999@1.0.0')).toMatchObject({ ok: true, level: 4_999 });
  });
});
