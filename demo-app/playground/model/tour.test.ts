import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newTrace, type Span } from '../kernel/trace.ts';
import { browserMemory, Tour, type TourMemory } from './tour.ts';
import { CLOCK, ROGUE, STEPS, type Step } from './tour-steps.ts';

let refused: boolean;
let compared: number;
let called: number;

beforeEach(() => {
  [refused, compared, called] = [false, 0, 0];
  vi.useFakeTimers();
  // What has changed is drawn later.
  vi.stubGlobal('document', { hidden: true });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A memory with what it has been told. */
function memoryOf(kept: string | null = null): TourMemory & { readonly told: string[] } {
  const told: string[] = [];
  return { told, read: () => kept, write: (text) => void told.push(text) };
}

/** A tour at a step, in a page of its own. */
function tourAt(name: Step['name'] | undefined, memory = memoryOf()): Tour {
  const at = STEPS.findIndex((step) => step.name === name);
  const tour = new Tour(name === undefined ? memory : memoryOf(String(at)));
  tour.join({
    refused: () => refused,
    compared: () => compared,
    callAnother: () => void called++,
  });
  return tour;
}

const later = () => vi.advanceTimersByTime(10);
const PERSON = newTrace().traceparent.split('-')[2] as string;

/** A call that begins now, and has ended. */
const callOf = (target: string, more: Partial<Span> = {}): Span => ({
  ...{ id: '1', trace: '1', parent: undefined, kind: 'command', target, caller: 'host' },
  ...{ provider: target.split(':')[0] as string, started: performance.now(), took: 3, ok: true },
  ...more,
});
/** Tells of events, each a moment after the one before. */
const tell = (tour: Tour, ...events: readonly (readonly [topic: string, payload: object])[]) => {
  for (const [topic, payload] of events) {
    later();
    tour.event(topic, payload);
  }
};
const crash = ['plugin:crashed', { id: ROGUE, message: 'rogue threw' }] as const;
const back = ['plugin:restarted', { id: ROGUE, attempt: 1 }] as const;
const reload = ['plugin:reloaded', { id: CLOCK }] as const;
const tick = (ticks: number) => [`${CLOCK}:tick`, { ticks }] as const;

describe('a step', () => {
  it('run ends with an answer to a call by hand, and with no other call', () => {
    const tour = tourAt('run');
    tour.call(callOf('demo.notes:list'));
    tour.call(callOf('demo.notes:list', { parent: PERSON, ok: false }));
    tour.call(callOf('demo.notes:list', { parent: PERSON, took: undefined }));
    expect(tour.step?.name).toBe('run');
    tour.call(callOf('demo.notes:list', { parent: PERSON }));
    expect(tour.step?.name).toBe('break');
    expect(tour.outcome).toBe('demo.notes:list has answered in 3.0 ms.');
  });

  it('break ends with a crash of the rogue, which has another plugin called', () => {
    const tour = tourAt('break');
    tell(tour, ['plugin:crashed', { id: 'demo.notes' }]);
    expect([tour.step?.name, called]).toEqual(['break', 0]);
    tell(tour, crash);
    expect([tour.step?.name, called]).toEqual(['recover', 1]);
    expect(tour.outcome).toContain('rogue threw');
  });

  it('recover ends with a restart, if another plugin answered a call that began meanwhile', () => {
    const tour = tourAt('break');
    const early = callOf('demo.clock:now');
    tell(tour, crash);
    tour.call(early);
    tour.call(callOf('demo.rogue:ask'));
    tell(tour, back);
    later();
    tour.call(callOf('demo.clock:now'));
    expect(tour.step?.name).toBe('recover');
    tell(tour, crash);
    const meanwhile = callOf('demo.clock:now');
    tell(tour, back);
    expect(tour.step?.name).toBe('recover');
    tour.call(meanwhile);
    expect(tour.step?.name).toBe('deny');
    expect(tour.outcome).toBe(
      'demo.rogue runs again after 10 ms. Meanwhile demo.clock has answered in 3.0 ms.',
    );
  });

  it('deny ends with a refused request, once it is listed', () => {
    const tour = tourAt('deny');
    const request = (granted: boolean) =>
      [
        'permission:requested',
        { plugin: ROGUE, permission: 'commands.execute', scope: 'demo.notes:list', granted },
      ] as const;
    tell(tour, request(true), request(false));
    expect(tour.step?.name).toBe('deny');
    refused = true;
    tour.look();
    expect(tour.step?.name).toBe('swap');
    expect(tour.outcome).toContain('commands.execute demo.notes:list');
  });

  it('swap ends when the clock counts on, and not when it begins again', () => {
    const tour = tourAt('swap');
    tell(tour, tick(4), reload, tick(1), tick(2), tick(5));
    expect(tour.step?.name).toBe('swap');
    tell(tour, reload, tick(6));
    expect(tour.step?.name).toBe('show');
    expect(tour.outcome).toBe('demo.clock was replaced after tick 5, and has gone on with tick 6.');
  });

  it('swap waits for a tick before, since a count of nothing proves nothing', () => {
    const tour = tourAt('swap');
    tell(tour, reload, tick(1), tick(2));
    expect(tour.step?.name).toBe('swap');
    tell(tour, reload, tick(3));
    expect(tour.step?.name).toBe('show');
  });

  it('show ends with a press that a view has answered, if it began in the step', () => {
    const tour = tourAt('swap');
    const early = callOf(`plinth.view:event@${CLOCK}`, { provider: CLOCK });
    tell(tour, tick(1), reload, tick(2));
    tour.call(early);
    later();
    tour.call(callOf(`plinth.view:open@${CLOCK}`, { provider: CLOCK }));
    tour.call(callOf(`plinth.view:event@${CLOCK}`, { provider: CLOCK, caller: 'demo.rogue' }));
    expect(tour.step?.name).toBe('show');
    tour.call(callOf(`plinth.view:event@${CLOCK}`, { provider: CLOCK }));
    expect(tour.step?.name).toBe('compare');
  });

  it('compare ends with a comparison that ends in it, and the tour with it', () => {
    compared = 2;
    const tour = tourAt('compare');
    tour.look();
    expect(tour.step?.name).toBe('compare');
    compared = 3;
    tour.look();
    expect([tour.step, tour.place, tour.state]).toEqual([undefined, STEPS.length, 'going']);
    tour.end();
    expect(tour.state).toBe('over');
  });

  it('takes payloads of any form', () => {
    const tour = tourAt('swap');
    for (const payload of [undefined, null, 7, 'text', { ticks: 'many' }, { id: {} }])
      for (const topic of ['plugin:reloaded', `${CLOCK}:tick`, 'permission:requested'])
        tour.event(topic, payload);
    expect(tour.step?.name).toBe('swap');
  });
});

describe('the tour', () => {
  it('is offered until it is started or declined, and goes on where it was', () => {
    const memory = memoryOf();
    const tour = tourAt(undefined, memory);
    expect(tour.state).toBe('offered');
    tour.start();
    tour.skip();
    expect([tour.step?.name, tour.outcome, memory.told]).toEqual(['break', undefined, ['0', '1']]);
    expect(new Tour(memoryOf('1')).step?.name).toBe('break');
    tour.end();
    expect(memory.told.at(-1)).toBe('over');
    expect(new Tour(memoryOf('over')).state).toBe('over');
    tour.start();
    expect(tour.step?.name).toBe('run');
  });

  it.each(['7', '-1', 'length', '0.5', '', 'null'])('reads %j as a first visit', (kept) => {
    expect(new Tour(memoryOf(kept)).state).toBe('offered');
  });

  it('does nothing before it is started', () => {
    const tour = tourAt(undefined);
    tell(tour, crash);
    tour.look();
    expect([tour.state, called]).toEqual(['offered', 0]);
  });

  it('works in a browser that forbids storage', () => {
    const forbidden = () => {
      throw new Error('SecurityError');
    };
    vi.stubGlobal('localStorage', { getItem: forbidden, setItem: forbidden });
    const tour = new Tour(browserMemory);
    tour.start();
    expect(tour.step?.name).toBe('run');
  });
});
