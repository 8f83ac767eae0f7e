/** What extensions give to their port, and the facts about them: a mistake is told where it is made. */
import {
  defineExtension,
  type Extension,
  type ExtensionPort,
  type PluginView,
} from '@plinth/kernel/extension';
import { command, contract } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const USES = [
  ...['events', 'documents', 'provide', 'calls', 'intercept', 'verify', 'transition', 'steer'],
  ...['guests', 'rights', 'contribute', 'source', 'launch', 'metrics'],
] as const;
// biome-ignore lint/suspicious/noExplicitAny: the test gives what types forbid.
type Wrong = any;

const schema = {
  '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
} as const;
const Clock = contract('clock@1', { now: command({ input: schema, output: schema }) });
const no = () => undefined;
const REASON = { name: 'p', calls: 'queue', guest: 'keep', because: () => 'because' };

/** Each use that is wrong, with a word of what is told. */
const WRONG: Readonly<Record<string, readonly [(port: Wrong) => unknown, RegExp]>> = {
  'a topic that is none': [(port) => port.events.on('plugin:activatd', no), /did you mean/],
  'a topic of others': [(port) => port.events.on('orders:placed', no), /the kernel has no event/],
  'no topic': [(port) => port.events.on(undefined, no), /a topic must be a string/],
  'no listener': [(port) => port.events.on('plugin:activated'), /a listener must be a function/],
  'no listener of any': [(port) => port.events.onAny(['a:b'], 5), /a listener must be a function/],
  'no document': [(port) => port.documents.open(), /must be an object, not undefined/],
  'a document of none': [
    (port) => port.documents.open({ name: 'a', per: 'all', version: 1, parse: no }),
    /'per' must be one of plugin, tenant, not all/,
  ],
  'a document that is misspelt': [
    (port) =>
      port.documents.open({ name: 'a', per: 'tenant', version: 1, parse: no, upgrades: {} }),
    /has no option 'upgrades' \(did you mean 'upgrade'\?\)/,
  ],
  'no contract': [(port) => port.provide({}, {}), /the id of its contract must be a string/],
  'no handlers': [(port) => port.provide(Clock), /its handlers must be an object, not undefined/],
  'an owner without an id': [
    (port) => port.provide(Clock, {}, { owner: { version: '1.0.0' } }),
    /'id' must be a string/,
  ],
  'an owner of no version': [
    (port) => port.provide(Clock, {}, { owner: { id: 'a.b', version: 'banana' } }),
    /not banana/,
  ],
  'no pattern': [(port) => port.calls.listen(undefined, no), /a pattern must be a string/],
  'no interceptor': [(port) => port.intercept(undefined), /must be an object, not undefined/],
  'a place that is none': [
    (port) => port.intercept({ place: 'around', for: no }),
    /'place' must be one of outside, middleware, inside, not around/,
  ],
  'a kind that is none': [
    (port) => port.intercept({ place: 'outside', kinds: ['commands'], for: no }),
    /must be one of command, hook, event, not commands/,
  ],
  'a misspelt interceptor': [
    (port) => port.intercept({ place: 'outside', kind: ['command'], for: no }),
    /has no option 'kind' \(did you mean 'kinds'\?\)/,
  ],
  'a misspelt check': [(port) => port.verify({ manifests: no }), /did you mean 'manifest'\?/],
  'a step that is none': [
    (port) => port.transition('activated', { after: no }),
    /a step must be one of resolve, load,/,
  ],
  'a hook before what only happens': [
    (port) => port.transition(['load', 'crash'], { before: no }),
    /a step with 'before' must be one of load,.* not crash/,
  ],
  'a misspelt hook': [(port) => port.transition('load', { befor: no }), /did you mean 'before'\?/],
  'a pause of nothing': [(port) => port.steer.pause(undefined, REASON), /no plugin 'undefined'/],
  'a pause without a reason': [(port) => port.steer.pause(plugin(port)), /must be an object/],
  'a pause of odd calls': [
    (port) => port.steer.pause(plugin(port), { ...REASON, calls: 'wait' }),
    /'calls' must be one of queue, refuse, wake, not wait/,
  ],
  'no guest hook': [(port) => port.guests(), /must be a function, not undefined/],
  'no source of rights': [(port) => port.rights({ off: no }), /did you mean 'of'\?/],
  'no point': [(port) => port.contribute.point({ schema }), /'point' must be a string/],
  'no schema': [(port) => port.contribute.point({ point: 'a' }), /'schema' must be an object/],
  'no source': [(port) => port.source({}), /'discover' of a source must be a function/],
  'no launch': [(port) => port.launch({}), /must be a function, not an object/],
  'no gauge': [(port) => port.metrics.gauge('a', 5), /must be a function, not 5/],
  'no number': [
    (port) => port.metrics.counter('a').add('1'),
    /what is added must be a number, not 1/,
  ],
  'no text to hide': [(port) => port.log.hide(undefined), /what it hides must be a string/],
  'what can not end': [(port) => port.own({}), /own\(\) takes a function, or what has/],
  'a time that is none': [(port) => port.after('1s', no), /must be a number, not 1s/],
  'no task': [(port) => port.after(1), /the task of after\(\) must be a function/],
  'a phase that is none': [
    (port) => port.on('opn', no),
    /a phase of on\(\) must be one of open, started, stopping, not opn/,
  ],
  'a misspelt inspection': [(port) => port.inspect({ helth: no }), /did you mean 'health'\?/],
};

const plugin = (port: ExtensionPort): PluginView => port.plugins.all()[0] as PluginView;

describe(`${runtime}: a port refuses`, () => {
  it('each mistake with its name, and the kernel runs', async () => {
    const told: Record<string, unknown> = {};
    const tries = defineExtension({ name: 'tries', uses: USES }, () => ({
      install(port) {
        port.on('open', () =>
          attempt(port as unknown as ExtensionPort, (what) => !ofPlugins(what)),
        );
        port.on('started', () => attempt(port as unknown as ExtensionPort, ofPlugins));
      },
    }));
    const ofPlugins = (what: string) => what.startsWith('a pause');
    const attempt = (port: ExtensionPort, concerns: (what: string) => boolean) => {
      for (const [what, [use]] of Object.entries(WRONG).filter(([what]) => concerns(what)))
        try {
          told[what] = use(port);
        } catch (error) {
          told[what] = `${(error as { code?: string }).code}: ${(error as Error).message}`;
        }
    };
    const echo = pluginOf('test.echo', "ctx.commands.handle('say', (value) => value);");
    const kernel = await startKernel({ isolation: 'worker', createHost }, [echo], {
      extensions: [tries()],
    });
    for (const [what, [, words]] of Object.entries(WRONG))
      expect([what, told[what]]).toEqual([what, expect.stringMatching(words)]);
    for (const text of Object.values(told))
      expect(text).toMatch(/^(kernel\/invalid-option|event\/invalid|plugin\/not-found): /);
    expect(await kernel.commands.execute('test.echo:say', 1)).toBe(1);
  });
});

describe(`${runtime}: defineExtension() refuses`, () => {
  const made = () => ({ install: no });
  it.each<[string, Wrong, RegExp]>([
    ['nothing', undefined, /must be an object, not undefined/],
    ['a misspelt list', { name: 'x', uses: [], require: [] }, /did you mean 'requires'\?/],
    ['a text for a list', { name: 'x', uses: [], after: 'y' }, /needs a list 'after', not y/],
    ['no extension', { name: 'x', uses: [], requires: [5] }, /requires what is no extension/],
    ['no text', { name: 'x', uses: [], features: [5] }, /has '5' in 'features'/],
    ['no events', { name: 'x', uses: [], events: 5 }, /'events'/],
    ["a name of the kernel's events", { name: 'plugin', uses: ['events'] }, /kernel's own/],
    ["the host's name", { name: 'host', uses: ['core'] }, /kernel's own/],
  ])('%s', (_, statics, words) => {
    expect(() => defineExtension(statics, made)).toThrow(
      expect.objectContaining({
        code: 'kernel/invalid-option',
        message: expect.stringMatching(words),
      }),
    );
  });

  it('what makes nothing', () => {
    const refused = expect.objectContaining({ code: 'kernel/invalid-option' });
    expect(() => defineExtension({ name: 'x', uses: [] }, undefined as Wrong)).toThrow(refused);
    for (const parts of [undefined, {}, { instal: no }]) {
      const factory = defineExtension({ name: 'x', uses: [] }, () => parts as Wrong);
      expect((): Extension => factory() as Wrong).toThrow(refused);
    }
  });
});
