/** Observers of single middleware: what each takes, without a change of the chain. */
import { defineExtension, type Interest, observer, wrapper } from '@plinth/kernel/extension';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const TARGET = 'command:test.echo:say';
const echo = pluginOf('test.echo', "ctx.commands.handle('say', (value) => value);");
const around = (id: string, code: string) =>
  pluginOf(id, `ctx.middleware.use('${TARGET}', ${code});`, {
    permissions: { middleware: { use: [TARGET] } },
  });
const marking = around('test.marking', "({ input }, next) => next(input + '!')");
const refusing = around(
  'test.refusing',
  "({ input }, next) => { if (input === 'no!') throw new Error('refused'); return next(); }",
);

/** Writes down what an observer hears. */
const noting = (name: string, heard: string[]) =>
  defineExtension({ name, uses: ['intercept'] }, () => ({
    install(port) {
      port.intercept({
        place: 'middleware',
        kinds: ['command'],
        for: () =>
          observer({
            start: ({ middleware }) => void heard.push(`${name}: into ${middleware?.name}`),
            end: ({ middleware }, { ok, took }) =>
              void heard.push(`${name}: ${middleware?.owner} ${ok} ${took >= 0}`),
          }),
      });
    },
  }));

const start = (extensions: Parameters<typeof startKernel>[2] & object, packages = [echo]) =>
  startKernel({ isolation: 'worker', createHost }, packages, extensions);

describe(`${runtime}: an observer of middleware`, () => {
  it('hears of each one, of the application and of plugins, from the outside in', async () => {
    const heard: string[] = [];
    const kernel = await start({ extensions: [noting('notes', heard)()] }, [
      echo,
      marking,
      refusing,
    ]);
    kernel.middleware.use(TARGET, (_call, next) => next(), { name: 'page' });
    expect(await kernel.commands.execute('test.echo:say', 'a')).toBe('a!');
    expect(heard).toEqual([
      'notes: into page',
      'notes: into test.marking',
      'notes: into test.refusing',
      'notes: test.refusing true true',
      'notes: test.marking true true',
      'notes: host true true',
    ]);
  });

  it('hears of one that throws, and the error names the same middleware as without it', async () => {
    const heard: string[] = [];
    const kernel = await start({ extensions: [noting('notes', heard)()] }, [
      echo,
      marking,
      refusing,
    ]);
    const error = await rejection(kernel.commands.execute('test.echo:say', 'no'));
    expect(error).toMatchObject({
      message: expect.stringContaining('refused'),
      details: { middleware: 'test.refusing' },
    });
    expect(heard).toContain('notes: test.refusing false true');
  });

  it('stands outside of one that was given later, and its own error changes nothing', async () => {
    const heard: string[] = [];
    const broken = defineExtension({ name: 'broken', uses: ['intercept'] }, () => ({
      install: (port) =>
        port.intercept({
          place: 'middleware',
          for: () =>
            observer({
              start() {
                throw new Error('no start');
              },
              end() {
                throw new Error('no end');
              },
            }),
        }),
    }));
    const kernel = await start(
      { extensions: [noting('first', heard)(), broken(), noting('second', heard)()] },
      [echo, marking],
    );
    expect(await kernel.commands.execute('test.echo:say', 'a')).toBe('a!');
    expect(heard.slice(0, 2)).toEqual(['first: into test.marking', 'second: into test.marking']);
    expect(kernel.logger.recent('extension:broken').map(({ message }) => message)).toEqual([
      expect.stringContaining('no start'),
      expect.stringContaining('no end'),
    ]);
  });

  it.each([
    ['there is no interest', (): Interest | undefined => undefined, 'a!'],
    ['it is a wrapper, which may not stand there', () => wrapper((_, input) => input), undefined],
  ])('where %s', async (_what, interest, answer) => {
    const one = defineExtension({ name: 'one', uses: ['intercept'] }, () => ({
      install: (port) => port.intercept({ place: 'middleware', for: interest }),
    }));
    const kernel = await start({ extensions: [one()] }, [echo, marking]);
    const called = kernel.commands.execute('test.echo:say', 'a');
    if (answer !== undefined) expect(await called).toBe(answer);
    else expect((await rejection(called)).code).toBe('extension/failed');
  });
});
