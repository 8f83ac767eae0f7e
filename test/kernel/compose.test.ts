/** A chain of middleware: order, changed inputs, short cuts, and `next` called twice. */
import { describe, expect, it } from 'vitest';
import { guardUnavailable } from '../../kernel/src/calls/layers.ts';
import { compose, type Layer, type Wrapped } from '../../kernel/src/middleware/compose.ts';
import { Metrics } from '../../kernel/src/telemetry/metrics.ts';

const layer = (
  name: string,
  run: Layer<Wrapped>['run'] = (_call, _input, next) => next(),
): Layer<Wrapped> => ({ name, owner: 'test.a', run });
/** Runs layers around work that returns its input. */
const run = async (input: unknown, ...layers: Layer<Wrapped>[]) => {
  const inputs: unknown[] = [];
  const call: Wrapped = {
    layers: undefined,
    within: undefined,
    proceed: async (given) => {
      inputs.push(given);
      return given;
    },
  };
  const metrics = new Metrics();
  const [outcome] = await Promise.allSettled([compose(layers, metrics)(call, input)]);
  return {
    outcome: outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as Error),
    inputs,
    within: call.within?.name,
    entered: metrics.middlewareRuns,
  };
};

describe('a chain of layers', () => {
  it('without layers is the work alone', async () => {
    expect(await run('in')).toMatchObject({ outcome: 'in', inputs: ['in'], entered: 0 });
  });

  it('enters layers from the outside in, and leaves them from the inside out', async () => {
    const steps: string[] = [];
    const noting = (name: string) =>
      layer(name, async (_call, _input, next) => {
        steps.push(`into ${name}`);
        await next();
        steps.push(`out of ${name}`);
      });
    await run('in', noting('a'), noting('b'));
    expect(steps).toEqual(['into a', 'into b', 'out of b', 'out of a']);
  });

  it('keeps the input on next(), and changes it on next(value), even to undefined', async () => {
    const inputs = async (...change: [] | [unknown]) =>
      (
        await run(
          'in',
          layer('a', (_call, _input, next) => next(...change)),
        )
      ).inputs;
    expect(await inputs()).toEqual(['in']);
    expect(await inputs('new')).toEqual(['new']);
    expect(await inputs(undefined)).toEqual([undefined]);
  });

  it('ends early when a layer answers itself, and does not run the work', async () => {
    const answering = layer('b', () => 'cached');
    expect(await run('in', layer('a'), answering, layer('c'))).toEqual({
      outcome: 'cached',
      inputs: [],
      within: 'b',
      entered: 2,
    });
  });

  it('rejects the second next() of one layer, with its name, and runs the work once', async () => {
    const twice = layer('twice', async (_call, _input, next) => {
      await next();
      return next();
    });
    expect(await run('in', twice)).toMatchObject({
      outcome: {
        code: 'middleware/next-twice',
        plugin: 'test.a',
        details: { middleware: 'twice' },
      },
      inputs: ['in'],
    });
  });

  it('rejects when a layer throws, at once or later, and an outer layer may catch that', async () => {
    const throwing = layer('b', () => {
      throw new Error('no');
    });
    const rejecting = layer('b', () => Promise.reject(new Error('later')));
    const catching = layer('a', (_call, _input, next) => next().catch(() => 'caught'));
    for (const [failing, message] of [
      [throwing, 'no'],
      [rejecting, 'later'],
    ] as const) {
      expect(await run('in', failing)).toMatchObject({ outcome: { message }, inputs: [] });
      expect(await run('in', catching, failing)).toMatchObject({ outcome: 'caught', inputs: [] });
    }
  });
});

describe('guardUnavailable()', () => {
  it('names the guard, its state and the reason, and may be tried again', () => {
    const absence = () => ({ state: 'failed', because: 'it crashed' });
    const error = guardUnavailable('waited for', { name: 'log', owner: 'test.a', absence }, {});
    expect(error).toMatchObject({ code: 'middleware/unavailable', plugin: 'test.a' });
    expect(error).toMatchObject({ retryable: true, details: { state: 'failed' } });
    expect(error.message).toContain('it crashed');
    const ofHost = guardUnavailable('waited for', { name: 'log', owner: 'host' }, {});
    expect(ofHost).toMatchObject({ plugin: undefined, details: { state: 'unknown' } });
  });
});
