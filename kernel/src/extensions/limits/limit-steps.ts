/** Tells of the steps against a plugin that exceeds a limit: in the log, as events, in errors. */
import { createError, type PluginError } from '@plinth/sdk/contract';
import type { LimitStep, Resource } from '../../kernel-events.js';
import type { Reporting } from '../../reporting.js';

/** Owns what was said of one plugin. */
export class LimitSteps {
  readonly #plugin: string;
  readonly #parts: Pick<Reporting, 'announce' | 'log'>;
  /** The last step announced for each resource since the plugin was calm. */
  readonly #said = new Map<string, LimitStep>();

  constructor(plugin: string, parts: Pick<Reporting, 'announce' | 'log'>) {
    this.#plugin = plugin;
    this.#parts = parts;
  }

  /** The next step of a plugin's own resource is told, whatever was told before. */
  forget(resource: Resource): void {
    this.#said.delete(`${resource} plugin`);
  }

  /** The plugin is calm: each step is told again. */
  clear(): void {
    this.#said.clear();
  }

  /** Announces each step of a resource once, until the plugin has been calm. */
  say(
    resource: Resource,
    step: LimitStep,
    used: number,
    limit: number,
    whose: 'plugin' | 'tenant',
  ): void {
    const key = `${resource} ${whose}`;
    if (STEPS.indexOf(this.#said.get(key)) >= STEPS.indexOf(step) && step !== 'suspended') return;
    this.#said.set(key, step);
    const plugin = this.#plugin;
    this.#parts.log.write(
      'kernel',
      step === 'warned' ? 'info' : 'warn',
      `${plugin} is ${step}: ${describe(resource, used, limit, whose)}`,
      { plugin },
    );
    this.#parts.announce('resource:limited', { plugin, resource, step, used, limit, of: whose });
  }

  /** The error for those that a step concerns. */
  error(
    code: 'call/overloaded' | 'guest/over-limit' | 'guest/out-of-memory' | 'plugin/over-limit',
    resource: Resource,
    used: number,
    limit: number,
    whose: 'plugin' | 'tenant',
    more: object = {},
  ): PluginError {
    const plugin = this.#plugin;
    const what = code.startsWith('guest/')
      ? 'was ended'
      : code === 'plugin/over-limit'
        ? 'is suspended'
        : 'is refused';
    return createError(code, `${plugin} ${what}: ${describe(resource, used, limit, whose)}`, {
      plugin,
      details: { resource, used, limit, of: whose, ...more },
    });
  }
}

const STEPS: readonly (LimitStep | undefined)[] = [
  undefined,
  'warned',
  'throttled',
  'suspended',
  'ended',
];

const UNITS: Readonly<Record<Resource, string>> = {
  memory: 'bytes of memory',
  cpu: 'of a core',
  messages: 'messages a second',
  calls: 'open calls',
  logs: 'log entries a second',
};

function describe(
  resource: Resource,
  used: number,
  limit: number,
  whose: 'plugin' | 'tenant',
): string {
  const number = (value: number) =>
    resource === 'cpu' ? value.toFixed(2) : String(Math.round(value));
  return `${whose === 'tenant' ? 'with all of its tenant ' : ''}${number(used)} ${UNITS[resource]}, and ${number(limit)} is the limit`;
}
