/** Faults that the model and code reading have found, each as small as possible. */
import { endpointPair, transfer } from '@plinth/sdk/rpc';
import { describe, expect, it } from 'vitest';
import { afterTurn, linked, type Pair, type SideOptions, turn } from './pairs.ts';

interface Told {
  readonly complaints: string[];
}

function pairOf(
  direct: boolean,
  left: Partial<SideOptions> = {},
  right: Partial<SideOptions> = {},
): Pair & Told {
  const complaints: string[] = [];
  const side = (name: string, options: Partial<SideOptions>): SideOptions => ({
    stacks: false,
    serve: (_target, input) => input,
    note() {},
    control: { echo: async (value: unknown) => value },
    onBreach: (error) => void complaints.push(`${name}: ${error.message}`),
    onRefused: (error) => void complaints.push(`${name}: ${error.message}`),
    defer: afterTurn,
    ...options,
  });
  return {
    ...linked(endpointPair({ direct }), side('left', left), side('right', right)),
    complaints,
  };
}

/** Sends a request. Returns its outcome and its sequence. */
function ask(
  link: Pair['left'],
  input: unknown,
): { readonly answer: Promise<unknown>; readonly sequence: number } {
  const reply = { sequence: 0, settle: (_ok: boolean, _value: unknown) => {} };
  const answer = new Promise<unknown>((resolve, reject) => {
    reply.settle = (ok, value) => (ok ? resolve(value) : reject(value));
  });
  answer.catch(() => {});
  link.request(1, input, undefined, reply);
  return { answer, sequence: reply.sequence };
}

async function settled(): Promise<void> {
  for (let n = 0; n < 20; n++) await turn();
}

async function* three(): AsyncGenerator<number> {
  yield 1;
  yield 2;
  yield 3;
}

const detached = (): ArrayBuffer => {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
};

describe('directly connected ends', () => {
  it("a stream in an answer isn't cancelled by the next call that its reader serves", async () => {
    const { left, right } = pairOf(true, {}, { serve: three });
    const stream = (await ask(left, 0).answer) as AsyncIterable<number>;
    await ask(right, 0).answer;
    const items: number[] = [];
    for await (const item of stream) items.push(item);
    expect(items).toEqual([1, 2, 3]);
  });

  it('a stream in an answer that comes after a cancel is stopped', async () => {
    let answer = (_value: unknown) => {};
    const { left, right } = pairOf(
      true,
      {},
      {
        serve: () =>
          new Promise((resolve) => {
            answer = resolve;
          }),
      },
    );
    left.cancel(ask(left, 0).sequence);
    await settled();
    answer(three());
    await settled();
    expect([left.streams, right.streams]).toEqual([0, 0]);
  });

  it('nothing overtakes the rest of a message that is being taken', async () => {
    const arrived: unknown[] = [];
    const { left, right } = pairOf(
      true,
      { serve: () => void left.note(1, 'third', undefined) },
      {
        serve(_target, input) {
          arrived.push(input);
          if (input === 'zeroth') return new Promise(() => {});
          if (input === 'first') ask(right, 0);
          return undefined;
        },
        note: (_target, payload) => void arrived.push(payload),
      },
    );
    // A cancel travels by message, and what follows in the same turn travels with it.
    left.cancel(ask(left, 'zeroth').sequence);
    ask(left, 'first');
    left.note(1, 'second', undefined);
    await settled();
    expect(arrived).toEqual(['zeroth', 'first', 'second', 'third']);
  });
});

describe('values that are refused late', () => {
  it('a note with a stream is refused by the sender, and leaves no stream open', async () => {
    const { left, complaints } = pairOf(false);
    expect(() => left.note(1, { items: three() }, undefined)).toThrow('cannot cross');
    await settled();
    expect([left.streams, complaints]).toEqual([0, []]);
  });

  it('progress with a stream leaves no stream open', async () => {
    const { left, right, complaints } = pairOf(
      false,
      {},
      {
        serve(_target, _input, _meta, inbound) {
          try {
            inbound.progress({ items: three() });
          } catch {
            // Refused at once, as expected.
          }
        },
      },
    );
    await ask(left, 0).answer;
    await settled();
    expect([right.streams, complaints]).toEqual([0, []]);
  });

  it('a control call whose argument cannot be cloned settles', async () => {
    const { left } = pairOf(false);
    const outcome = left.call('echo', detached()).then(
      () => 'settled',
      () => 'settled',
    );
    expect(await Promise.race([outcome, settled().then(() => 'still waits')])).toBe('settled');
  });

  it('a buffer to move that is not part of a small value is refused as in a large one', () => {
    const { left } = pairOf(false);
    expect(() => ask(left, transfer({ a: 1 }, [new ArrayBuffer(8)]))).toThrow(
      'not part of the value',
    );
  });
});

describe('values that change or act while they are sent', () => {
  it('a getter that sends something does not split the frame', async () => {
    const { left, complaints } = pairOf(false);
    const outer = ask(left, {
      a: 1,
      get b() {
        ask(left, 'inner');
        return 2;
      },
    });
    await settled();
    expect(complaints).toEqual([]);
    expect(await Promise.race([outer.answer, settled()])).toEqual({ a: 1, b: 2 });
  });

  it('changes after a send are not transferred', async () => {
    const arrived: unknown[] = [];
    const { left } = pairOf(false, {}, { note: (_target, payload) => void arrived.push(payload) });
    const list = [1, 2, 3];
    left.note(1, list, undefined);
    list.push(4);
    await settled();
    expect(arrived).toEqual([[1, 2, 3]]);
  });
});
