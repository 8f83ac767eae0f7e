/** What is completed, and what isn't known: by the types that the SDK really has. */
import { CompletionContext } from '@codemirror/autocomplete';
import { describe, expect, it } from 'vitest';
import { sdkTable } from '../../build/sdk-table.ts';
import { parsedState } from '../../testing/parsed-state.ts';
import { completionsAt, memberAround, unknownMembers } from './completion.ts';

const table = sdkTable();
/** The labels that are offered where the text has a bar. */
function offered(text: string): readonly string[] {
  const pos = text.indexOf('|');
  const state = parsedState(text.replace('|', ''));
  const result = completionsAt(table, new CompletionContext(state, pos, true));
  return result?.options.map(({ label }) => label) ?? [];
}
const plugin = (body: string) =>
  `import { definePlugin } from '@plinth/sdk';\nexport default definePlugin({ activate(it) { ${body} } });`;
const unknown = (text: string) =>
  unknownMembers(table, parsedState(text)).map(({ message }) => message);

describe('the table', () => {
  it('has every member of the context, with its signature and its first sentence', () => {
    const names = table.types.PluginContext?.map(({ name }) => name);
    for (const name of ['plugin', 'commands', 'events', 'storage', 'fetch', 'permissions', 'own'])
      expect(names).toContain(name);
    expect(table.types.PluginStorage?.find(({ name }) => name === 'delete')).toEqual({
      name: 'delete',
      kind: 'method',
      type: '(key: string): Promise<boolean>',
      doc: 'Whether the key existed.',
    });
  });

  it('has overloads, exports of both modules, and elements with their props', () => {
    const on = table.types.PluginEvents?.find(({ name }) => name === 'on');
    expect(on?.type.split('\n')).toHaveLength(2);
    const exports = (name: string) => table.modules[name]?.map((one) => one.name);
    expect(exports('@plinth/sdk')).toEqual(
      expect.arrayContaining(['definePlugin', 'PluginContext']),
    );
    expect(exports('@plinth/ui')).toEqual(expect.arrayContaining(['h', 'views', 'View']));
    expect(table.types['Elements.button']?.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['disabled', 'onPress', 'tone']),
    );
  });

  it('is small', () => {
    expect(JSON.stringify(table).length).toBeLessThan(80_000);
  });
});

describe('completion', () => {
  it('knows the context by its place, whatever its name', () => {
    expect(offered(plugin('it.|'))).toContain('storage');
    expect(offered(plugin('it.sto|'))).toContain('storage');
    expect(offered(plugin('it.storage.|'))).toEqual(expect.arrayContaining(['get', 'update']));
    expect(offered(plugin('it.plugin.|'))).toEqual(['id', 'version', 'manifest']);
    expect(offered(plugin('other.|'))).toEqual([]);
  });

  it('follows annotations, variables and what calls answer', () => {
    expect(offered('function f(a: Call) { a.| }')).toContain('progress');
    expect(offered(plugin('const s = it.storage; s.|'))).toContain('keys');
    expect(offered(plugin("const m = it.metrics.counter('x'); m.|"))).toEqual(['add']);
    expect(offered(plugin("const r = await it.fetch('x'); r.|"))).toContain('json');
    expect(offered('const shown = views(ctx, {}); shown.|')).toEqual(['refresh', 'dispose']);
    expect(offered('const a = b.c; const b = a.d; a.|')).toEqual([]);
  });

  it('offers exports in imports, hooks of a plugin, elements and their props', () => {
    expect(offered("import { | } from '@plinth/ui';")).toContain('views');
    expect(offered("import { def| } from '@plinth/sdk';")).toContain('definePlugin');
    expect(offered('definePlugin({ get| })')).toEqual(expect.arrayContaining(['getState']));
    expect(offered("h('bu|')")).toContain('button');
    expect(offered("h('button', { on| })")).toContain('onPress');
    expect(offered("other('button', { on| })")).toEqual([]);
  });

  it('offers nothing in texts and comments', () => {
    expect(offered("const a = 'ctx.|'")).toEqual([]);
    expect(offered('// ctx.|')).toEqual([]);
  });
});

describe('a member that the SDK has not', () => {
  it('is told with the nearest one', () => {
    expect(unknown(plugin("it.storge.get('x');"))).toEqual([
      "PluginContext has no 'storge' (did you mean 'storage'?)",
    ]);
    expect(unknown(plugin('it.storage.fetch(1);'))).toHaveLength(1);
  });

  it('is none where nothing is known, or an object has it anyway', () => {
    for (const body of [
      'it.needs.a.b();',
      'it.config.x;',
      'it.toString();',
      'a.b.c;',
      'it.signal.x;',
    ])
      expect(unknown(plugin(body)), body).toEqual([]);
  });
});

it('reads code that was written to be slow in a moment', () => {
  const texts = [
    `a${'.b'.repeat(20_000)};`,
    Array.from({ length: 3_000 }, (_, at) => `const a = a${at}.b; a${at}.c.d;`).join('\n'),
    Array.from({ length: 3_000 }, () => 'const a = a.a(); a.b;').join('\n'),
    // Each name leads to the next one by as many ways as are read.
    Array.from({ length: 400 }, (_, at) => {
      const ways = [1, 2, 3, 4, 5, 6, 7, 8].map((step) => `const a${at} = a${at + step}.b;`);
      return `${ways.join('\n')}\na${at}.c;`;
    }).join('\n'),
  ];
  for (const text of texts) {
    const state = parsedState(text);
    const began = process.cpuUsage();
    unknownMembers(table, state);
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1_000, text.slice(0, 20)).toBeLessThan(500);
  }
});

it('tells what stands under the pointer', () => {
  const text = plugin("it.storage.get('x');");
  const found = memberAround(table, parsedState(text), text.indexOf('get('));
  expect(found?.member.type).toBe('(key: string): Promise<unknown>');
  expect(memberAround(table, parsedState(text), text.indexOf('definePlugin('))?.member.kind).toBe(
    'function',
  );
});
