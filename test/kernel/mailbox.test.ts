/** What waits for a plugin: one order, one bound, and what ends a wait. */
import { describe, expect, it } from 'vitest';
import { MAX_WAITING } from '../../kernel/src/calls/most-waiting.ts';
import { Mailbox, type Message } from '../../kernel/src/guests/mailbox.ts';

/** What takes the messages: their names, in the order in which they came. */
type Receiver = string[];

function setUp() {
  const received: Receiver = [];
  const refused: string[] = [];
  const mailbox = new Mailbox<Receiver>();
  mailbox.receiver = received;
  const message = (name: string, more: Partial<Message<Receiver>> = {}): Message<Receiver> => ({
    kind: 'command',
    name,
    over: false,
    deliver: (to) => void to.push(name),
    fail: (error) => void refused.push(`${name}: ${error.message}`),
    ...more,
  });
  return { mailbox, message, received, refused };
}

describe('a mailbox', () => {
  it('delivers calls and events in the order of their arrival once the last hold ends', () => {
    const { mailbox, message, received } = setUp();
    mailbox.hold('swap');
    mailbox.hold('pause');
    mailbox.accept(message('call 1'));
    mailbox.accept(message('event', { kind: 'event' }));
    mailbox.accept(message('call 2'));
    mailbox.release('swap');
    expect([received, mailbox.open]).toEqual([[], false]);
    mailbox.release('pause');
    expect([received, mailbox.open]).toEqual([['call 1', 'event', 'call 2'], true]);
  });

  it('delivers to what receives when it opens, not to what received when they came', () => {
    const { mailbox, message, received } = setUp();
    mailbox.hold('swap');
    mailbox.accept(message('call'));
    const next: Receiver = [];
    mailbox.receiver = next;
    mailbox.release('swap');
    expect([received, next]).toEqual([[], ['call']]);
  });

  it('puts what arrives during the delivery behind what waits', () => {
    const { mailbox, message, received } = setUp();
    mailbox.hold('sleep');
    mailbox.accept(
      message('first', {
        deliver(to) {
          to.push('first');
          expect(mailbox.open).toBe(false);
          mailbox.accept(message('third'));
        },
      }),
    );
    mailbox.accept(message('second'));
    mailbox.release('sleep');
    expect(received).toEqual(['first', 'second', 'third']);
  });

  it('stops the delivery when it is held again, and goes on where it stopped', () => {
    const { mailbox, message, received } = setUp();
    mailbox.hold('swap');
    mailbox.accept(
      message('first', {
        deliver(to) {
          to.push('first');
          mailbox.hold('pause');
        },
      }),
    );
    mailbox.accept(message('second'));
    mailbox.release('swap');
    expect(received).toEqual(['first']);
    mailbox.release('pause');
    expect(received).toEqual(['first', 'second']);
  });

  it('skips calls whose senders have given up', () => {
    const { mailbox, message, received } = setUp();
    mailbox.hold('swap');
    const given = { ...message('given up'), over: false };
    mailbox.accept(given);
    mailbox.accept(message('call'));
    Object.assign(given, { over: true });
    expect(mailbox.size).toBe(1);
    mailbox.release('swap');
    expect(received).toEqual(['call']);
  });

  it('keeps a message about the same once', () => {
    const { mailbox, message, received } = setUp();
    const about = {};
    mailbox.hold('swap');
    for (const name of ['once', 'twice']) mailbox.accept(message(name, { kind: 'event', about }));
    mailbox.release('swap');
    expect(received).toEqual(['once']);
  });

  it('takes so many messages and no more, and room comes back with those that are over', () => {
    const { mailbox, message } = setUp();
    mailbox.hold('pause');
    const first = { ...message('first') };
    mailbox.accept(first);
    for (let n = 1; n < MAX_WAITING; n++) mailbox.accept(message('call'));
    expect(mailbox.accept(message('one too many'))).toBe(false);
    Object.assign(first, { over: true });
    expect(mailbox.accept(message('in its place'))).toBe(true);
  });

  it('refuses calls at once where a hold says why, and lets events and guards wait', () => {
    const { mailbox, message, received, refused } = setUp();
    let why: Error | undefined;
    mailbox.hold('pause', { refuse: () => why });
    mailbox.accept(message('waits'));
    why = new Error('over a limit');
    mailbox.accept(message('call'));
    mailbox.accept(message('event', { kind: 'event' }));
    mailbox.accept(message('guard', { kind: 'middleware' }));
    mailbox.reconsider();
    expect(refused).toEqual(['call: over a limit', 'waits: over a limit']);
    mailbox.release('pause');
    expect(received).toEqual(['event', 'guard']);
  });

  it('wakes the plugin with each message, also with those that wait already, but not when paused', () => {
    const { mailbox, message } = setUp();
    const woken: string[] = [];
    const onArrival = async (activation: string) => {
      woken.push(activation);
      return undefined;
    };
    mailbox.hold('pause');
    mailbox.accept(message('a:early'));
    mailbox.hold('sleep', { onArrival });
    mailbox.accept(message('a:late'));
    expect(woken).toEqual([]);
    mailbox.release('pause');
    expect(woken).toEqual(['command:a:early', 'command:a:late']);
    mailbox.accept(message('topic', { kind: 'event' }));
    expect(woken.at(-1)).toBe('event:topic');
  });

  it('restores a hold as it was before', () => {
    const { mailbox, message, refused } = setUp();
    mailbox.hold('pause', { refuse: () => new Error('why') });
    const restore = mailbox.hold('pause');
    mailbox.accept(message('waits'));
    restore();
    expect(refused).toEqual(['waits: why']);
    expect(mailbox.open).toBe(false);
    mailbox.hold('swap')();
    mailbox.release('pause');
    expect(mailbox.open).toBe(true);
  });

  it('rejects the calls when the plugin cannot start, keeps its events, and drops all at its end', () => {
    const { mailbox, message, refused } = setUp();
    mailbox.hold('start');
    mailbox.accept(message('call'));
    mailbox.accept(message('event', { kind: 'event' }));
    mailbox.fail(new Error('cannot start'));
    expect(mailbox.size).toBe(1);
    mailbox.accept(message('later'));
    expect(mailbox.close(new Error('gone'))).toBe(1);
    expect(refused).toEqual(['call: cannot start', 'later: gone']);
    expect([mailbox.open, mailbox.size]).toEqual([true, 0]);
  });
});
