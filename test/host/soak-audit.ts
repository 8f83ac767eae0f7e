/** The audit of a soak: three sets of figures must agree. */
import type { MetricsSnapshot } from '@plinth/kernel';
import type { Books, Tally } from './soak-driver.ts';
import type { Name } from './soak-plugins.ts';

/** The payload of `call:settled`. */
export interface SettledCall {
  readonly command: string;
  readonly caller: string;
  readonly requestId: string;
  readonly ok: boolean;
  readonly code: string | undefined;
}

/** A plugin's final report. */
export interface Report {
  readonly ticks: Readonly<Record<string, number>>;
  readonly heard: number;
  readonly relayed: Readonly<Record<string, Tally>>;
  readonly faults: readonly string[];
  readonly opened: number;
  readonly closed: number;
  readonly level?: number;
  readonly count: number;
}

/** Everything that was counted. */
export interface Evidence {
  readonly books: readonly Books[];
  readonly reports: Readonly<Record<Name, Report>>;
  readonly settled: readonly SettledCall[];
  readonly metrics: MetricsSnapshot;
  /** The last tick of each caller that the host has heard. */
  readonly heard: Readonly<Record<string, number>>;
  readonly hostAsked: number;
  /** The last setting of `n`. */
  readonly level: number;
  /** Whether faults ended guests. */
  readonly deadly: boolean;
  violation(text: string): void;
}

interface Announced {
  ok: number;
  readonly failed: Record<string, number>;
}

const LASTING = ['a', 'b', 'n', 'z'] as const;
const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);
/**
 * KNOWN: a call that woke no plugin, or ended before, isn't counted for its command. Only `m` is
 * ever gone.
 */
const mayBeGone = (command: string): boolean =>
  command.startsWith('soak.m:') || command.startsWith('plinth.message-handler:');

/** Reports every two figures that don't agree. */
export function audit(evidence: Evidence): void {
  const { books, reports, settled, metrics, violation } = evidence;
  for (const { wrong } of books) for (const text of wrong) violation(text);
  for (const name of LASTING) for (const text of reports[name].faults) violation(text);
  for (const text of reports.m.faults) if (!text.includes(': call ')) violation(text);
  for (const { caller, tallies } of books) {
    for (const [command, { sent, answered, cancelled, failed }] of Object.entries(tallies)) {
      const ended = answered + cancelled + sum(Object.values(failed));
      if (sent !== ended)
        violation(`${caller} has sent ${sent} of ${command}, and ${ended} have settled`);
    }
  }
  auditRequests(settled, violation);
  auditCalls(evidence);
  auditMetrics(evidence);
  auditEvents(evidence);
  auditNumbers(evidence);
  const asked = sum(books.map((one) => one.asked));
  if (asked !== evidence.hostAsked)
    violation(`hooks were asked ${asked} times, and the host has answered ${evidence.hostAsked}`);
  if (evidence.level > 0 && reports.n.level !== evidence.level)
    violation(`soak.n was configured with ${reports.n.level} in place of ${evidence.level}`);
  if (metrics.refusedMessages > 0) violation(`${metrics.refusedMessages} messages were refused`);
}

function auditRequests(settled: readonly SettledCall[], violation: Evidence['violation']): void {
  const seen = new Set<string>();
  for (const { requestId, command } of settled) {
    if (seen.has(requestId)) violation(`call ${requestId} of ${command} has settled twice`);
    seen.add(requestId);
  }
}

/** Each caller's count per command, compared with what the kernel has announced. */
function auditCalls({ books, reports, settled, violation }: Evidence): void {
  const announced = new Map<string, Announced>();
  for (const { caller, command, ok, code } of settled) {
    const key = keyOf(caller, command);
    const one = announced.get(key) ?? { ok: 0, failed: {} };
    announced.set(key, one);
    if (ok) one.ok += 1;
    else one.failed[String(code)] = (one.failed[String(code)] ?? 0) + 1;
  }
  const counted = new Map<string, Tally>();
  const add = (caller: string, tallies: Readonly<Record<string, Tally>>) => {
    for (const [command, tally] of Object.entries(tallies)) {
      const key = keyOf(caller, command);
      counted.set(key, plus(counted.get(key), tally));
    }
  };
  for (const { caller, tallies } of books)
    add(caller.startsWith('host') ? 'host' : caller, tallies);
  for (const name of LASTING) add(`soak.${name}`, reports[name].relayed);
  for (const [key, { sent, answered, cancelled, failed }] of counted) {
    // They are no calls of commands; their handlers are counted elsewhere.
    if (key.endsWith(' emit') || key.includes('→ hook ')) continue;
    const kernel = announced.get(key) ?? { ok: 0, failed: {} };
    // No handler was called then.
    const unrouted = failed['message/no-handler'] ?? 0;
    const total = kernel.ok + sum(Object.values(kernel.failed));
    // A guest's cancel and the answer may cross; the host's can't.
    const slack = key.startsWith('host') ? 0 : cancelled;
    const differs = (mine: number, theirs: number) => theirs < mine || theirs > mine + slack;
    // A message to a plugin that is gone fails before it is a call.
    const early =
      key.endsWith(':onMessage') || key.endsWith(MESSAGES)
        ? sum(Object.values(failed)) - unrouted
        : 0;
    if (total > sent - unrouted || total < sent - unrouted - slack - early)
      violation(`${key}: ${sent - unrouted} sent, ${total} announced`);
    if (differs(answered, kernel.ok))
      violation(`${key}: ${answered} answered, ${kernel.ok} announced`);
    if (slack === 0 && cancelled !== (kernel.failed['call/cancelled'] ?? 0))
      violation(
        `${key}: ${cancelled} cancelled, ${kernel.failed['call/cancelled'] ?? 0} announced`,
      );
    if (early > 0) continue;
    for (const [code, times] of Object.entries(failed)) {
      const theirs = kernel.failed[code] ?? 0;
      if (code !== 'message/no-handler' && differs(times, theirs))
        violation(`${key}: ${times} failed with ${code}, ${theirs} announced`);
    }
  }
  for (const key of announced.keys()) {
    const [caller = '', command = ''] = key.split(' → ');
    if (caller !== 'soak.m' && isCommand(command) && !counted.has(key))
      violation(`${key} was announced, and no caller has sent it`);
  }
}

/**
 * KNOWN: a message to a plugin that is restarting may be routed like one without a receiver. Which
 * of the two can't be known.
 */
const MESSAGES = 'messages to soak.m or without receiver';
const keyOf = (caller: string, command: string): string =>
  `${caller} → ${command === 'soak.m:onMessage' || command === 'plinth.message-handler:handle' ? MESSAGES : command}`;
const isCommand = (id: string): boolean => /^soak\.[a-z]:/.test(id);

function plus(a: Tally | undefined, b: Tally): Tally {
  const failed = { ...a?.failed };
  for (const [code, times] of Object.entries(b.failed)) failed[code] = (failed[code] ?? 0) + times;
  return {
    sent: (a?.sent ?? 0) + b.sent,
    answered: (a?.answered ?? 0) + b.answered,
    cancelled: (a?.cancelled ?? 0) + b.cancelled,
    failed,
  };
}

/** The kernel's totals, compared with what it has announced. */
function auditMetrics({ settled, metrics, violation }: Evidence): void {
  const failures = settled.filter(({ ok }) => !ok).length;
  if (metrics.calls !== settled.length)
    violation(`metrics count ${metrics.calls} calls, ${settled.length} were announced`);
  if (metrics.failures !== failures)
    violation(`metrics count ${metrics.failures} failures, ${failures} were announced`);
  const byCommand = new Map<string, { calls: number; failures: number }>();
  for (const { command, ok } of settled) {
    const one = byCommand.get(command) ?? { calls: 0, failures: 0 };
    byCommand.set(command, one);
    one.calls += 1;
    if (!ok) one.failures += 1;
  }
  for (const [command, { calls, failures: failed }] of Object.entries(metrics.commands)) {
    const one = byCommand.get(command) ?? { calls: 0, failures: 0 };
    const missing = one.calls - calls;
    if (missing !== one.failures - failed || missing < 0 || (missing > 0 && !mayBeGone(command)))
      violation(
        `metrics count ${calls} calls and ${failed} failures of ${command}, ${one.calls} and ${one.failures} were announced`,
      );
  }
}

/** Delivered plus dropped equals emitted times listeners. */
function auditEvents({ books, reports, metrics, heard, deadly, violation }: Evidence): void {
  const emitted = new Map(
    books.filter(({ ticks }) => ticks > 0).map(({ caller, ticks }) => [caller, ticks]),
  );
  const total = sum([...emitted.values()]);
  for (const [caller, ticks] of emitted) {
    if (heard[caller] !== ticks)
      violation(`${caller} has emitted ${ticks} ticks, the host has heard ${heard[caller]}`);
    for (const name of LASTING)
      if (reports[name].ticks[caller] !== ticks)
        violation(
          `${caller} has emitted ${ticks} ticks, the last that soak.${name} has heard is ${reports[name].ticks[caller]}`,
        );
  }
  for (const name of LASTING)
    if (reports[name].heard !== total)
      violation(`${total} ticks were emitted, soak.${name} has heard ${reports[name].heard}`);
  if (metrics.events !== total)
    violation(`${total} ticks were emitted, metrics count ${metrics.events}`);
  const possible = total * (LASTING.length + 1);
  const { deliveries, droppedDeliveries } = metrics;
  if (
    deadly
      ? deliveries < total * LASTING.length || deliveries > possible
      : deliveries !== possible || droppedDeliveries > 0
  )
    violation(
      `${total} ticks were emitted, metrics count ${deliveries} deliveries and ${droppedDeliveries} drops`,
    );
}

/** No number is given twice, and none is lost. */
function auditNumbers({ books, reports, violation }: Evidence): void {
  for (const name of [...LASTING, 'm'] as const) {
    const numbers = books.flatMap((one) => one.numbers[name] ?? []);
    if (new Set(numbers).size !== numbers.length)
      violation(`the storage of soak.${name} has given a number twice`);
    const { count } = reports[name];
    if (name === 'm' ? count < numbers.length : count !== numbers.length)
      violation(
        `the storage of soak.${name} was updated ${numbers.length} times, and counts ${count}`,
      );
  }
}
