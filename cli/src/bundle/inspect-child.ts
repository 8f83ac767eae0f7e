/**
 * Evaluates a bundle in a process of its own, under Node's permission model, and tells what it
 * declares as plain data. The code gets no files, processes, threads, environment or modules of
 * Node. This limits what a build can reach. It is no sandbox: hostile code could still use the
 * network.
 */
import { registerHooks } from 'node:module';
import process from 'node:process';
import { described, describedObject } from './described.js';
import type { ContractFacts, Facts, InspectAnswer, InspectRequest, MemberFacts } from './facts.js';

const answer = (message: InspectAnswer) =>
  process.send?.(message, () => {
    process.exit();
  });

// The program that asked has ended. A module that waits for ever must not outlive it.
process.once('disconnect', () => process.exit());
process.once('message', (request: InspectRequest) => {
  refuseModules();
  inspect(request).then(
    (facts) => answer({ ok: true, facts }),
    (error: unknown) => {
      const { message, stack } =
        error instanceof Error ? error : { message: String(error), stack: undefined };
      answer({ ok: false, message, stack: stack ?? message });
    },
  );
});

function refuseModules(): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (context.parentURL?.startsWith('data:'))
        throw new Error(`a plugin imports nothing, and this one imports '${specifier}'`);
      return next(specifier, context);
    },
  });
  const hidden = ['fetch', 'WebSocket', 'EventSource', 'process', 'Buffer', 'setImmediate'];
  for (const name of hidden) Reflect.deleteProperty(globalThis, name);
}

async function inspect({ code, contract }: InspectRequest): Promise<Facts> {
  const module = await evaluate(code);
  const exported = module.default;
  const plugin = (
    typeof exported === 'function' ? new (exported as new () => object)() : exported
  ) as Record<string, unknown> | null | undefined;
  if (plugin === null || typeof plugin !== 'object' || typeof plugin.activate !== 'function')
    throw new Error(
      "has no default export of a plugin: write 'export default definePlugin({ … })'",
    );
  const provides = Array.isArray(plugin.provides) ? plugin.provides : [];
  const schemas: string[] = [];
  return {
    provides: provides.map((one) => contractFacts(one, schemas)),
    needs: Object.entries(Object(plugin.needs) as Record<string, unknown>).map(([name, need]) => {
      const { optional } = Object(need) as { readonly optional?: unknown };
      return {
        name,
        contract: String((Object(optional ?? need) as { readonly $id?: unknown }).$id),
        optional: optional !== undefined,
      };
    }),
    config: describedObject(plugin.config, () => schemas.push('config')),
    exports: contract === undefined ? {} : contractsOf(await evaluate(contract)),
    unconverted: schemas,
  };
}

const evaluate = (code: string) =>
  import(`data:text/javascript,${encodeURIComponent(code)}`) as Promise<Record<string, unknown>>;

/** Names under which a module exports contracts, with their ids. */
function contractsOf(module: Record<string, unknown>): Record<string, string> {
  const ids = Object.entries(module).flatMap(([name, value]) => {
    const { $id } = Object(value) as { readonly $id?: unknown };
    return typeof $id === 'string' && name !== 'default' ? [[name, $id] as const] : [];
  });
  return Object.fromEntries(ids);
}

function contractFacts(contract: unknown, schemas: string[]): ContractFacts {
  const { $id, ...members } = Object(contract) as Record<string, Record<string, unknown>>;
  if (typeof $id !== 'string') throw new Error("lists something in 'provides' that is no contract");
  return {
    id: $id,
    members: Object.entries(members).map(([name, member]): MemberFacts => {
      const at = `${$id} ${name}`;
      const { id: _, kind, input, output, payload, errors: declared, ...settings } = member;
      const errors = Object.entries(Object(declared) as Record<string, unknown>);
      const part = (schema: unknown, what: string) =>
        described(schema, () => schemas.push(`${at} ${what}`));
      return {
        name,
        kind: kind as MemberFacts['kind'],
        settings: JSON.parse(JSON.stringify(settings)) as Record<string, unknown>,
        input: part(input, 'input'),
        output: part(output, 'output'),
        payload: part(payload, 'payload'),
        errors: Object.fromEntries(
          errors.map(([key, schema]) => [key, part(schema, `error ${key}`)]),
        ),
      };
    }),
  };
}
