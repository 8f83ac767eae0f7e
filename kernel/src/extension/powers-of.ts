/** Makes the powers of one extension from the parts of the tenant. */
import { createError, disposable, isTopic } from '@plinth/sdk/contract';
import { contained } from '../contained.js';
import { requireKernelTopic } from '../events/kernel-topics.js';
import { callsOf } from './calls-power.js';
import { checkKind, checkShape } from './check-arguments.js';
import { pointParser, type Reach } from './contributions.js';
import { openDocuments } from './documents.js';
import { metricsOf } from './metrics-power.js';
import type { PowerParts } from './power-parts.js';
import type { EventsPower, Powers } from './powers.js';
import { checkProvided, provide } from './provide.js';
import type { AnyExtension } from './statics.js';
import type { Keep } from './tenant-extensions.js';
import { checkHook } from './transitions.js';

/** Makes one power. */
export function powerOf<P extends keyof Powers>(
  name: P,
  extension: AnyExtension,
  keep: Keep,
  parts: PowerParts,
): Powers[P] {
  const { places } = parts;
  const own = extension.statics.name;
  const where = `${name}() of the extension '${own}'`;
  const report = (what: string) => (error: unknown) => places.report(own, what, error);
  const makers: { readonly [K in keyof Powers]: () => Powers[K] } = {
    events: () => eventsOf(extension, keep, parts),
    documents: () => ({
      open: (spec) => {
        checkShape(where, spec, DOCUMENT);
        return openDocuments(parts.storage, parts.tenant, own, spec);
      },
    }),
    provide: () => (contract, handlers, options) => {
      checkProvided(where, contract, handlers, options);
      return keep(provide(contract, handlers, options, parts));
    },
    calls: () => callsOf(own, keep, parts),
    intercept: () => (interceptor) => {
      const registered = places.around.add(own, interceptor);
      return Object.assign(keep(registered), { changed: registered.changed });
    },
    verify: () => (check) => {
      checkShape(where, check, { manifest: 'function?', code: 'function?' });
      places.checks.push({ extension: own, check });
    },
    transition: () => (names, hook) => {
      const steps = [names].flat();
      checkHook(where, steps, hook);
      return places.steps.add(own, steps, hook, (end) => keep(disposable(end)));
    },
    steer: () => parts.steer,
    guests: () => (onGuest) => {
      checkKind(where, 'what it calls', onGuest, 'function');
      places.onGuests.push({ extension: own, onGuest });
    },
    rights: () => (source) => {
      checkShape(where, source, { of: 'function' });
      return { changed: places.rights.add(own, source) };
    },
    contribute: () => contributeOf(own, keep, parts),
    source: () => (source) => {
      checkKind(where, "'discover' of a source", Object(source).discover, 'function');
      parts.addSource(source);
    },
    launch: () => (wrap) => {
      checkKind(where, 'what it calls', wrap, 'function');
      places.launches.push({ extension: own, wrap });
    },
    metrics: () => metricsOf(own, keep, parts.metrics, report('could not read a gauge')),
    core: () => parts.core,
  };
  return makers[name]();
}

const DOCUMENT = {
  name: 'string',
  per: ['plugin', 'tenant'],
  version: 'number',
  parse: 'function',
  upgrade: 'object?',
  damaged: 'function?',
} as const;
const POINT = {
  point: 'string',
  schema: 'object',
  check: 'function?',
  reach: 'function?',
} as const;

function contributeOf(
  own: string,
  keep: Keep,
  { places, views }: PowerParts,
): Powers['contribute'] {
  const where = `a point of the extension '${own}'`;
  const failed = (error: unknown) =>
    places.report(own, 'failed when its contributions changed', error);
  return {
    point: (spec) => {
      checkShape(where, spec, POINT);
      const reach = spec.reach && ((value: unknown) => spec.reach?.(value as never) as Reach);
      places.points.open(spec.point, `the extension '${own}'`, pointParser(spec), reach);
      const of = (manifest: Parameters<typeof places.points.of>[0] | undefined) =>
        manifest && (places.points.of(manifest, spec.point) as never);
      return {
        of: (plugin) => of(plugin.manifest),
        all: () =>
          views.all().flatMap((plugin) => {
            const value = of(plugin.manifest);
            return value === undefined ? [] : [{ plugin, value }];
          }),
        onChange: (listener) => {
          checkKind(where, 'a listener', listener, 'function');
          return keep(places.points.onChange(listener, failed));
        },
      };
    },
  };
}

function eventsOf(
  { statics: { name, events = {} } }: AnyExtension,
  keep: Keep,
  { bus, redaction, tenant, places }: PowerParts,
): EventsPower<never> {
  const where = `events of the extension '${name}'`;
  const listen = (
    topics: readonly string[],
    listener: (payload: never, topic: never) => unknown,
  ): Disposable & { dispose(): void } => {
    for (const topic of topics) checkKind(where, 'a topic', topic, 'string');
    checkKind(where, 'a listener', listener, 'function');
    const all = topics.map((topic) =>
      bus.on(topic, ({ event }) => {
        // A plugin's event with a similar topic is ignored.
        if (event.source !== 'kernel') return;
        contained(
          () => listener(event.payload as never, event.topic as never),
          (error) => places.report(name, `failed in a listener of ${event.topic}`, error),
        );
      }),
    );
    return keep(
      disposable(() => {
        for (const one of all) one.dispose();
      }),
    );
  };
  return {
    on: (topics, listener) => {
      const all: readonly string[] = [topics].flat();
      for (const topic of all)
        if (typeof topic === 'string' && isTopic(topic)) requireKernelTopic(topic);
      return listen(all, listener as never);
    },
    onAny: (topics, listener) => listen([topics].flat(), listener as never),
    emit(topic: string, payload: unknown) {
      if (!Object.hasOwn(events, topic))
        throw createError(
          'extension/undeclared',
          `the extension '${name}' tells '${topic}', which it doesn't declare: add it to 'events'`,
          { details: { extension: name, topic } },
        );
      bus.emit({ topic, payload: redaction.value(payload), source: 'kernel', tenant });
    },
  };
}
