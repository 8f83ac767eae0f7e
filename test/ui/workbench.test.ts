/** `ui()` of `@plinth/ui/host`: what manifests contribute, as lists, and the words of plugins. */
import { type PackageInput, packageOf } from '@plinth/kernel';
import {
  type KeyPress,
  type Present,
  settingsForm,
  type UiOptions,
  ui,
  type Workbench,
} from '@plinth/ui/host';
import { describe, expect, it, vi } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import notes from './plugins/notes.ts?bundle';

const NOTES = 'test.notes';
const contributed = {
  kit: '^1.0',
  views: [
    { id: 'panel', title: 'Notes', slot: 'sidebar', when: "mode == 'edit'" },
    { id: 'first', title: 'First', slot: 'sidebar', order: -1 },
    { id: 'other', title: 'Other', slot: 'nowhere' },
  ],
  palette: [{ command: 'save', when: `${NOTES}.dirty` }],
  menus: {
    'list/item': [
      { command: 'save', group: 'b', when: `${NOTES}.dirty && list.count > 0` },
      { command: 'new', group: 'a' },
    ],
  },
  keys: [
    { key: 'mod+shift+n', command: 'new' },
    { key: 'mod+s', command: 'save', when: `${NOTES}.dirty` },
  ],
  status: [{ id: 'count', command: 'new' }],
  settings: { title: 'Settings of notes', order: ['mode'] },
};
const manifest = {
  id: NOTES,
  name: 'Notes',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  requiredFeatures: ['ui'],
  provides: ['plinth.view@1'],
  needs: ['plinth.ui@^1'],
  permissions: {
    commands: { execute: ['plinth.ui:*'] },
    contracts: { provide: ['plinth.view'] },
  },
  activation: ['new', 'save', 'say', 'left'].map((one) => `command:${NOTES}:${one}`),
  contributes: {
    commands: [{ id: 'new', title: 'New note' }, { id: 'save', title: 'Save' }, { id: 'say' }],
    ui: contributed,
  },
  config: {
    type: 'object',
    properties: {
      max: { type: 'integer', minimum: 1, default: 10, title: 'Most notes' },
      mode: { type: 'string', enum: ['fast', 'slow'], default: 'fast' },
      deep: { type: 'object' },
    },
    required: ['max'],
  },
};

const press = (key: string, held: Partial<Record<'ctrl' | 'meta' | 'shift', boolean>> = {}) => ({
  key,
  ctrlKey: held.ctrl ?? false,
  metaKey: held.meta ?? false,
  altKey: false,
  shiftKey: held.shift ?? false,
});

const start = async (
  options: Partial<UiOptions> = {},
  packages: readonly PackageInput[] = [{ manifest, code: notes }],
) => {
  const present = { notify: vi.fn<Present['notify']>(), ask: vi.fn<Present['ask']>(async () => 0) };
  const kernel = await startKernel({ isolation: 'worker', createHost }, packages, {
    extensions: [ui({ slots: ['sidebar'], present, mac: false, ...options })],
  });
  const bench = kernel.extension(ui);
  const say = (what: string, value: unknown) =>
    kernel.commands.execute(`${NOTES}:say`, { what, value });
  return { kernel, bench, present, say, state: () => kernel.plugins.get(NOTES)?.state };
};
const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);

describe(`${runtime}: the workbench`, () => {
  it('logs what listeners and notices of the application throw later', async () => {
    const { kernel, bench, present, say } = await start();
    const logged: string[] = [];
    kernel.events.on('log:written', ({ payload }) => {
      logged.push(payload.message);
    });
    bench.onChange(async () => {
      throw new Error('a late listener');
    });
    bench.facts.set('a', 1);
    present.notify.mockImplementationOnce((async () => {
      throw new Error('a late notice');
    }) as unknown as Present['notify']);
    await say('notify', { text: 'x' });
    await expect
      .poll(() => logged)
      .toEqual(
        expect.arrayContaining(['a listener of the workbench failed', '`present.notify` failed']),
      );
  });

  it('lists what manifests say, and starts a plugin only by a press', async () => {
    const { bench, present, state } = await start();
    expect(ids(bench.palette())).toEqual([`${NOTES}:new`]);
    expect(bench.menu('list/item')).toEqual([
      { id: `${NOTES}:new`, title: 'New note', plugin: NOTES, group: 'a' },
    ]);
    expect(ids(bench.views('sidebar'))).toEqual(['first']);
    bench.facts.set('mode', 'edit');
    bench.facts.set('list.count', 2);
    expect(bench.views('sidebar')).toMatchObject([
      { id: 'first', plugin: NOTES },
      { id: 'panel', plugin: NOTES, title: 'Notes' },
    ]);
    expect(bench.status()).toEqual([]);
    expect(state()).toBe('resolved');

    expect(await bench.key(press('N', { ctrl: true, shift: true }))).toBe(0);
    expect(state()).toBe('active');
    expect(present.ask).toHaveBeenCalledWith(
      expect.objectContaining({ plugin: NOTES, name: 'Notes', title: 'Keep it?' }),
    );
    expect(present.notify).toHaveBeenCalledWith({
      ...{ plugin: NOTES, name: 'Notes', text: 'chosen 0', tone: 'good' },
    });
    expect(bench.status()).toEqual([
      { id: 'count', plugin: NOTES, text: '1 note', command: `${NOTES}:new` },
    ]);
    expect(ids(bench.palette())).toEqual([`${NOTES}:new`, `${NOTES}:save`]);
    expect(ids(bench.menu('list/item'))).toEqual([`${NOTES}:new`, `${NOTES}:save`]);
    expect(bench.facts.get(`${NOTES}.dirty`)).toBe(true);

    await bench.key(press('s', { ctrl: true }));
    expect(ids(bench.palette())).toEqual([`${NOTES}:new`]);
    expect(bench.key(press('s', { ctrl: true }))).toBeUndefined();
    expect(bench.key(press('x', { ctrl: true }))).toBeUndefined();
  });

  it('has a command with a title in the palette, also of a plugin that contributes nothing else', async () => {
    const tools: PackageInput = {
      manifest: {
        ...{ id: 'test.tools', version: '1.0.0', main: 'plugin.js' },
        engines: { plinth: '^1.0.0' },
        activation: ['command:test.tools:go'],
        contributes: { commands: [{ id: 'go', title: 'Go' }, { id: 'quiet' }] },
      },
      code: 'export default { activate: (ctx) => void ctx.commands.handle("go", () => 7) };',
    };
    const { bench, kernel } = await start({}, [{ manifest, code: notes }, tools]);
    expect(bench.palette()[0]).toEqual({ id: 'test.tools:go', title: 'Go', plugin: 'test.tools' });
    expect(ids(bench.palette())).toEqual(['test.tools:go', `${NOTES}:new`]);
    expect(await bench.run('test.tools:go')).toBe(7);
    await kernel.plugins.disable('test.tools');
    await expect.poll(() => ids(bench.palette())).toEqual([`${NOTES}:new`]);
  });

  it('keeps the views of a plugin that has failed, and lists nothing else of it', async () => {
    const code = 'throw new Error("it does not start");';
    const { bench, kernel, state } = await start({}, [{ manifest, code }]);
    await rejection(kernel.plugins.activate(NOTES));
    expect(state()).toBe('failed');
    expect(ids(bench.views('sidebar'))).toEqual(['first']);
    expect([bench.palette(), bench.menu('list/item'), bench.keys()]).toEqual([[], [], []]);
    await kernel.plugins.disable(NOTES);
    expect(bench.views('sidebar')).toEqual([]);
  });

  it('tells of changes once a turn, and forgets what a disabled plugin has said', async () => {
    const { bench, kernel } = await start();
    await bench.run(`${NOTES}:new`);
    const heard = vi.fn();
    const listening = bench.onChange(heard);
    const { version } = bench;
    bench.facts.set('a', 1);
    bench.facts.set('b', 2);
    await Promise.resolve();
    expect([heard.mock.calls.length, bench.version]).toEqual([1, version + 1]);
    await kernel.plugins.disable(NOTES);
    await expect.poll(() => bench.palette()).toEqual([]);
    expect(bench.status()).toEqual([]);
    expect(bench.facts.get(`${NOTES}.dirty`)).toBeUndefined();
    listening.dispose();
    const calls = heard.mock.calls.length;
    await kernel.plugins.enable(NOTES);
    await expect.poll(() => ids(bench.palette())).toEqual([`${NOTES}:new`]);
    expect(heard.mock.calls.length).toBe(calls);
  });

  it('lists clashes of keys: the user comes first, then the application', async () => {
    const { bench } = await start({
      keys: [{ key: 'ctrl+shift+n', command: 'host:new' }],
      mac: true,
    });
    bench.setKeys([{ key: 'meta+shift+n', command: null }]);
    expect(bench.keys()).toEqual([
      { key: 'meta+shift+n', command: null, when: undefined, source: 'user', clashes: [] },
      ...[{ key: 'ctrl+shift+n', command: 'host:new', when: undefined }].map((one) => ({
        ...one,
        source: 'application',
        clashes: [],
      })),
      {
        ...{ key: 'meta+shift+n', command: `${NOTES}:new`, when: undefined },
        ...{ source: NOTES, clashes: ['user'] },
      },
      expect.objectContaining({ key: 'meta+s', source: NOTES, when: `${NOTES}.dirty` }),
    ]);
    expect(bench.key(press('n', { meta: true, shift: true }))).toBeUndefined();
    expect(() => bench.setKeys([{ key: 'n', command: 'host:new' }])).toThrow(
      expect.objectContaining({ code: 'kernel/invalid-option' }),
    );
  });

  it('knows keys by their place in other alphabets, and runs none that is held, composed or written', async () => {
    const { bench, state } = await start();
    const held = { ...press('N', { ctrl: true, shift: true }), repeat: true };
    expect(await bench.key(held)).toBeUndefined();
    expect(bench.key(held)).toBeInstanceOf(Promise);
    const composed = { ...press('N', { ctrl: true, shift: true }), isComposing: true };
    expect(bench.key(composed)).toBeUndefined();
    const written = { ...press('N', { ctrl: true, shift: true }), getModifierState: () => true };
    expect(bench.key(written)).toBeUndefined();
    expect(state()).toBe('resolved');
    const other = { ...press('Т', { ctrl: true, shift: true }), code: 'KeyN' };
    expect(await bench.key(other)).toBe(0);
  });

  it('knows keys that write a sign with Shift, and takes no sign that is typed', async () => {
    const keys = [...['mod+shift+=', 'mod+shift+,', 'mod+shift+0', 'mod+n', 'alt+l', 'alt+up']].map(
      (key) => ({ key, command: key }),
    );
    const run = async (mac: boolean, event: Parameters<typeof hears>[1]) => {
      const { bench } = await start({ mac, keys });
      return hears(bench, event);
    };
    const hears = (bench: Workbench, event: object) => {
      const done = bench.key({ ...press('?'), ...event } as KeyPress);
      done?.catch(() => {});
      return done !== undefined;
    };
    const ctrl = { ctrlKey: true };
    const shifted = { ctrlKey: true, shiftKey: true };
    // On a US keyboard, and 0 on a German one.
    expect(await run(false, { ...shifted, key: '+', code: 'Equal' })).toBe(true);
    expect(await run(false, { ...shifted, key: '<', code: 'Comma' })).toBe(true);
    expect(await run(false, { ...shifted, key: '=', code: 'Digit0' })).toBe(true);
    // A letter counts by what it writes, wherever it stands.
    expect(await run(false, { ...ctrl, key: 'n', code: 'KeyB' })).toBe(true);
    expect(await run(false, { ...ctrl, key: 'b', code: 'KeyN' })).toBe(false);
    // With Option a Mac writes signs.
    expect(await run(true, { altKey: true, key: '@', code: 'KeyL' })).toBe(false);
    expect(await run(true, { altKey: true, key: 'Dead', code: 'KeyL' })).toBe(false);
    expect(await run(true, { altKey: true, key: 'ArrowUp', code: 'ArrowUp' })).toBe(true);
    expect(await run(false, { altKey: true, key: 'l', code: 'KeyL' })).toBe(true);
    // What a browser fills in is told as a key without a name.
    expect(await run(false, { key: undefined })).toBe(false);
  });

  it('lists each plugin once, also while two of its versions are there', async () => {
    const { bench, kernel, say } = await start();
    bench.facts.set('mode', 'edit');
    await say('fact', { name: 'dirty', value: true });
    const lists = () => [
      ids(bench.palette()),
      ids(bench.views('sidebar')),
      ids(bench.menu('list/item')),
      bench.keys().map(({ key }) => key),
    ];
    const before = lists();
    await kernel.plugins.install(
      packageOf({ manifest: { ...manifest, version: '1.1.0' }, code: notes }),
    );
    expect(kernel.plugins.list()).toHaveLength(2);
    expect(lists()).toEqual(before);
    // What one version has said stays as long as another one may run.
    await kernel.plugins.uninstall(`${NOTES}@1.1.0`);
    expect(bench.facts.get(`${NOTES}.dirty`)).toBe(true);
    await kernel.plugins.disable(NOTES);
    expect(bench.facts.get(`${NOTES}.dirty`)).toBeUndefined();
  });

  it('shows views only where the application allows them, in slots that it has', async () => {
    const allow = vi.fn(() => false);
    const { bench } = await start({ allow });
    expect(bench.views('sidebar')).toEqual([]);
    expect(allow).toHaveBeenCalledWith(NOTES, 'sidebar');
    expect(() => bench.views('nowhere')).toThrow("there is no slot 'nowhere'");
    for (const slot of [undefined, null, {}, Symbol('slot')])
      expect(() => bench.views(slot as never)).toThrow(/there is no slot/);
  });

  it.each([
    ['a promise', async () => false],
    ['a promise that fails', () => Promise.reject(new Error('no'))],
    ['a text', () => 'no'],
    ['1', () => 1],
    ['nothing', () => undefined],
    [
      'a failure',
      () => {
        throw new Error('no');
      },
    ],
  ])('shows no view when the application answers %s, and logs that', async (_, allow) => {
    const { kernel, bench } = await start({ allow: allow as never });
    const logged: string[] = [];
    kernel.events.on('log:written', ({ payload }) => void logged.push(payload.message));
    expect(bench.views('sidebar')).toEqual([]);
    await expect.poll(() => logged).toContain('`allow` of the workbench failed');
  });

  it('refuses keys, events and listeners that are none', async () => {
    const { bench } = await start();
    const refused = expect.objectContaining({ code: 'kernel/invalid-option' });
    for (const keys of [null, {}, [null], [5], [{ key: null, command: 'a' }]])
      expect(() => bench.setKeys(keys as never)).toThrow(refused);
    for (const wrong of [undefined, null, 5]) {
      expect(() => bench.key(wrong as never)).toThrow(refused);
      expect(() => bench.onChange(wrong as never)).toThrow(refused);
    }
  });

  it('makes a form of the settings', async () => {
    const { kernel } = await start();
    const form = settingsForm(kernel, NOTES);
    expect(form.title).toBe('Settings of notes');
    expect(form.fields.map(({ name, title, kind }) => [name, title, kind])).toEqual([
      ['mode', 'mode', 'choice'],
      ['max', 'Most notes', 'number'],
      ['deep', 'deep', 'json'],
    ]);
    expect(form.fields[1]).toMatchObject({ minimum: 1, whole: true, required: true, value: 10 });
    await form.set({ max: 20 });
    expect(settingsForm(kernel, NOTES).fields[1]).toMatchObject({ value: 20, from: 'user' });
    expect((await rejection(form.set({ max: 0 }))).code).toBe('config/invalid');
    expect(() => settingsForm(kernel, 'test.absent')).toThrow();
  });
});

describe(`${runtime}: words of a plugin`, () => {
  it('are checked before they are shown', async () => {
    const { say, present } = await start();
    for (const [what, value] of [
      ['notify', { text: 'x'.repeat(501) }],
      ['notify', { text: '' }],
      ['notify', { text: 'x', tone: 'loud' }],
      ['notify', { text: 'x', plugin: 'other' }],
      ['ask', { title: 'x', choices: [] }],
      ['ask', { title: 'x', choices: ['1', '2', '3', '4', '5', '6'] }],
      ['status', { id: 'unknown', text: 'x' }],
      ['status', { id: 'count', text: 'x'.repeat(61) }],
      ['fact', { name: '__proto__', value: 1 }],
      ['fact', { name: 'x', value: { a: 1 } }],
      ['fact', { name: 'x', value: Number.NaN }],
      ['fact', undefined],
    ] as const)
      expect([what, value, (await rejection(say(what, value))).code]).toEqual([
        ...[what, value, 'call/invalid-input'],
      ]);
    expect(present.notify).not.toHaveBeenCalled();
    expect(present.ask).not.toHaveBeenCalled();
  });

  it('have a pace: one question at a time, 30 notices a minute, 64 facts', async () => {
    const { say, present } = await start();
    const asked = Promise.withResolvers<number>();
    present.ask.mockReturnValueOnce(asked.promise);
    const first = say('ask', { title: 'One?', choices: ['a'] });
    await expect.poll(() => present.ask.mock.calls.length).toBe(1);
    const second = await rejection(say('ask', { title: 'Two?', choices: ['a'] }));
    expect(second.code).toBe('call/rate-limited');
    asked.resolve(3);
    // There is no fourth choice.
    expect(await first).toBe(null);
    expect(await say('ask', { title: 'Three?', choices: ['a'] })).toBe(0);
    for (let at = 0; at < 30; at++) await say('notify', { text: `notice ${at}` });
    expect((await rejection(say('notify', { text: 'more' }))).code).toBe('call/rate-limited');
    for (let at = 0; at < 64; at++) await say('fact', { name: `f${at}`, value: at });
    const one = await rejection(say('fact', { name: 'more', value: 1 }));
    expect(one.code).toBe('call/rate-limited');
    await say('fact', { name: 'f0', value: null });
    await say('fact', { name: 'more', value: 1 });
  });

  it('may ask again when the first question has lost its caller', async () => {
    const { kernel, say, present } = await start();
    present.ask.mockReturnValueOnce(new Promise(() => {}));
    const gone = new AbortController();
    const first = kernel.commands.execute(
      `${NOTES}:say`,
      { what: 'ask', value: { title: 'One?', choices: ['a'] } },
      { signal: gone.signal },
    );
    await expect.poll(() => present.ask.mock.calls.length).toBe(1);
    gone.abort();
    await rejection(first);
    expect(present.ask.mock.calls[0]?.[0].signal.aborted).toBe(true);
    await expect
      .poll(() => say('ask', { title: 'Two?', choices: ['a'] }).catch(({ code }) => code))
      .toBe(0);
  });

  it('cannot shadow a fact of the application, or one of another plugin', async () => {
    const { say, bench } = await start();
    bench.facts.set('mode', 'edit');
    await say('fact', { name: 'mode', value: 'own' });
    expect(bench.facts.get('mode')).toBe('edit');
    expect(bench.facts.get(`${NOTES}.mode`)).toBe('own');
    // An id that is the beginning of another one.
    const short = { ...manifest, id: 'test', activation: ['command:test:say'], contributes: {} };
    const both = await start({}, [
      { manifest, code: notes },
      { manifest: short, code: notes },
    ]);
    const value = { name: 'notes.mode', value: 'another’s' };
    await both.kernel.commands.execute('test:say', { what: 'fact', value });
    expect(both.bench.facts.get(`${NOTES}.mode`)).toBeUndefined();
    await both.say('fact', { name: 'mode', value: 'mine' });
    expect(both.bench.facts.get(`${NOTES}.mode`)).toBe('mine');
  });

  it('may ask for as long as a question waits, in a command that was run here', async () => {
    const { bench } = await start();
    expect(await bench.run(`${NOTES}:left`)).toBeGreaterThan(500_000);
  });
});

describe(`${runtime}: the right ui.show`, () => {
  const asking = (show?: readonly string[]): PackageInput => ({
    manifest: {
      ...manifest,
      permissions: { ...manifest.permissions, ...(show && { ui: { show: [...show] } }) },
    },
    code: notes,
  });
  const shown = ({ bench }: Awaited<ReturnType<typeof start>>) =>
    bench.views('sidebar').map(({ id }) => id);

  it('lets a plugin that asks for slots show views in these alone', async () => {
    expect(shown(await start({}, [asking(['side*'])]))).toEqual(['first']);
    expect(shown(await start({}, [asking(['main', 'sidebar/top'])]))).toEqual([]);
    expect(shown(await start({}, [asking([])]))).toEqual([]);
  });

  it('can be taken away and given back while the application runs', async () => {
    const started = await start({}, [asking(['sidebar'])]);
    const { kernel, bench } = started;
    let changes = 0;
    bench.onChange(() => {
      changes += 1;
    });
    await kernel.permissions.revoke(NOTES, 'ui.show', 'sidebar');
    expect(shown(started)).toEqual([]);
    await expect.poll(() => changes).toBe(1);
    await kernel.permissions.grant(NOTES, 'ui.show', 'sidebar');
    expect(shown(started)).toEqual(['first']);
    await expect.poll(() => changes).toBe(2);
  });

  it('can be taken from a plugin that does not ask for it, too', async () => {
    const started = await start({}, [asking()]);
    expect(shown(started)).toEqual(['first']);
    await started.kernel.permissions.revoke(NOTES, 'ui.show', 'sidebar');
    expect(shown(started)).toEqual([]);
  });

  it('counts as gained by a version that asks for no slot any more', async () => {
    const { kernel } = await start({}, [asking(['main'])]);
    const later = packageOf({ manifest: { ...manifest, version: '2.0.0' }, code: notes });
    const refused = await rejection(kernel.plugins.update(NOTES, later));
    expect(refused).toMatchObject({
      code: 'permission/consent-required',
      details: { permissions: { 'ui.show': ['*'] } },
    });
  });

  it('is bounded by the policy of the application', async () => {
    const present = { notify: vi.fn(), ask: vi.fn(async () => 0) };
    const kernel = await startKernel({ isolation: 'worker', createHost }, [asking(['sidebar'])], {
      extensions: [ui({ slots: ['sidebar'], present })],
      policy: { permissions: manifest.permissions },
    });
    expect(kernel.extension(ui).views('sidebar')).toEqual([]);
  });

  it('is needed by all plugins where the application says so', async () => {
    const started = await start({ allow: 'granted' }, [asking()]);
    expect(shown(started)).toEqual([]);
    await started.kernel.permissions.grant(NOTES, 'ui.show', 'sidebar');
    expect(shown(started)).toEqual(['first']);
    expect(shown(await start({ allow: 'granted' }, [asking(['sidebar'])]))).toEqual(['first']);
  });

  it('refuses what is no slot', async () => {
    const { kernel } = await start({}, [asking(['Side bar'])]);
    const { error } = kernel.plugins.get(NOTES) ?? {};
    expect(error?.message).toContain('permissions.ui.show.0: not a slot');
  });
});

describe(`${runtime}: contributes.ui`, () => {
  const problem = async (part: object) => {
    const { kernel } = await start({}, [
      {
        manifest: { ...manifest, contributes: { ...manifest.contributes, ui: part } },
        code: notes,
      },
    ]);
    const { error } = kernel.plugins.get(NOTES) ?? {};
    return `${error?.code} ${error?.message}`;
  };

  it.each([
    ['an unknown key', { panels: [] }, 'contributes.ui'],
    ['a slot that is none', { views: [{ id: 'a', title: 'A', slot: 'Side bar' }] }, 'slot'],
    ['a view without a title', { views: [{ id: 'a', slot: 'sidebar' }] }, 'title'],
    ['two views with one id', { views: [contributed.views[0], contributed.views[0]] }, 'twice'],
    [
      'a command that there is not',
      { palette: [{ command: 'gone' }] },
      "palette.0: 'gone' is no command",
    ],
    ['a menu’s command', { menus: { 'a/b': [{ command: 'gone' }] } }, 'menus.a/b.0'],
    ['a key that people type', { keys: [{ key: 'n', command: 'new' }] }, 'keys.0.key'],
    ['a key that there is not', { keys: [{ key: 'mod+hyper', command: 'new' }] }, 'is no key'],
    ['a clause that is none', { palette: [{ command: 'new', when: 'a &&' }] }, 'palette.0.when'],
    ['a clause in a menu', { menus: { a: [{ command: 'new', when: 'f()' }] } }, 'menus.a.0.when'],
    ['a kit that is no range', { kit: 'new' }, 'kit'],
    ['a kit of another age', { kit: '^2.0' }, 'this host has 1.1.0'],
  ])('is refused for %s', async (_, part, message) => {
    const found = await problem(part);
    expect(found).toContain('manifest/invalid');
    expect(found).toContain(message);
  });

  it('is refused for views of a plugin that provides none', async () => {
    const { kernel } = await start({}, [{ manifest: { ...manifest, provides: [] }, code: notes }]);
    expect(kernel.plugins.get(NOTES)?.error?.message).toContain(
      "add 'plinth.view@1' to 'provides'",
    );
  });

  it('is refused for frames of a plugin that provides none', async () => {
    const views = [{ id: 'a', title: 'A', slot: 'sidebar', frame: true }];
    expect(await problem({ views })).toContain("add 'plinth.frame@1' to 'provides'");
  });

  it('may ask for a later kit of the same age', async () => {
    expect(await problem({ kit: '^1.7' })).toBe('undefined undefined');
  });
});

describe(`${runtime}: an update`, () => {
  const next = (more: object) =>
    packageOf({
      manifest: {
        ...manifest,
        version: '2.0.0',
        provides:
          'views' in more && JSON.stringify(more).includes('frame')
            ? [...manifest.provides, 'plinth.frame@1']
            : manifest.provides,
        contributes: { ...manifest.contributes, ui: { ...contributed, ...more } },
      },
      code: notes,
    });

  it.each([
    [
      'a slot',
      { views: [...contributed.views, { id: 'x', title: 'X', slot: 'footer' }] },
      { 'ui.slots': ['footer'] },
    ],
    [
      'a menu',
      { menus: { ...contributed.menus, 'list/more': [{ command: 'new' }] } },
      { 'ui.menus': ['list/more'] },
    ],
    [
      'a key',
      { keys: [...contributed.keys, { key: 'f4', command: 'new' }] },
      { 'ui.keys': ['f4'] },
    ],
    [
      'a frame',
      { views: [...contributed.views, { id: 'x', title: 'X', slot: 'sidebar', frame: true }] },
      { 'ui.frames': ['sidebar'], provides: ['plinth.frame@1'] },
    ],
    ['a status item', { status: [...contributed.status, { id: 'y' }] }, { 'ui.status': ['y'] }],
  ])('that adds %s asks for consent', async (_, more, permissions) => {
    const { kernel } = await start();
    const asked = vi.fn(() => false);
    kernel.permissions.onRequest(asked);
    const refused = await rejection(kernel.plugins.update(NOTES, next(more)));
    expect([refused.code, refused.details?.permissions]).toEqual([
      'permission/consent-required',
      permissions,
    ]);
    expect(asked).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ plugin: NOTES, reason: 'update', permissions }),
      expect.anything(),
    );
    expect(kernel.plugins.get(NOTES)?.version).toBe('1.0.0');
    await kernel.plugins.update(NOTES, next(more), { consent: true });
    expect(kernel.plugins.get(NOTES)?.version).toBe('2.0.0');
  });

  it('that shows no more than before asks nothing', async () => {
    const { kernel } = await start();
    const fewer = {
      keys: [],
      views: [...contributed.views, { id: 'x', title: 'X', slot: 'sidebar' }],
    };
    await kernel.plugins.update(NOTES, next(fewer));
    expect(kernel.plugins.get(NOTES)?.version).toBe('2.0.0');
  });
});

describe(`${runtime}: ui()`, () => {
  const present: Present = { notify() {}, ask: async () => null };
  it.each([
    ['no options', undefined],
    ['no slots', { present }],
    ['a slot that is none', { present, slots: ['Side bar'] }],
    ['no present', { slots: [] }],
    ['half of it', { slots: [], present: { notify() {} } }],
    ['an unknown option', { slots: [], present, theme: 'dark' }],
    ['no function', { slots: [], present, allow: true }],
    ['frames in a slot that there is not', { slots: ['a'], frames: ['b'], present }],
    ['keys that are none', { slots: [], present, keys: [{ key: 'x', command: 'a:b' }] }],
    [
      'a clause that is none',
      { slots: [], present, keys: [{ key: 'f2', command: 'a:b', when: '(' }] },
    ],
  ])('refuses %s', (_, options) => {
    expect(() => ui(options as never)).toThrow(
      expect.objectContaining({ code: 'kernel/invalid-option' }),
    );
  });
});
