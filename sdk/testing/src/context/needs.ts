/** What answers the needs of a context: the plugin's own contracts, or some made of plain functions. */
import { type AnyContract, command, contract, type Optional, type Plugin } from '@plinth/sdk';
import { parseContractId } from '@plinth/sdk/contract';
import { type Stub, stub } from '../stub.js';
import type { PlainNeeds } from './context-types.js';

/** Functions by name, for each need. */
type Answers = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;

/** The needs of the plugin that holds the context, with what answers them. */
export interface PreparedNeeds {
  /** As `definePlugin` takes them. */
  readonly contracts: Readonly<Record<string, AnyContract | Optional<AnyContract>>>;
  /** As a manifest lists them. */
  readonly needs: readonly string[];
  readonly stubs: readonly Stub[];
}

/** The needs of a plugin. A required one without answers is refused when it is called. */
export function needsOf(plugin: Pick<Plugin, 'needs'>, answers: Answers): PreparedNeeds {
  const contracts = plugin.needs ?? {};
  const all = Object.entries(contracts).map(([name, need]) => {
    const required = '$id' in need;
    return { of: required ? need : need.optional, required, given: answers[name] };
  });
  return {
    contracts,
    needs: all.map(({ of }) => needText(of)),
    stubs: all.flatMap(({ of, required, given }) =>
      given === undefined && !required ? [] : [stub(of, answersOf(given) as never)],
    ),
  };
}

/** Contracts for needs that are objects of functions. */
export function plainNeeds(needs: PlainNeeds): PreparedNeeds {
  const made = Object.entries(needs).map(([name, functions], index) => {
    const members = Object.keys(functions).map((member) => [member, command({})] as const);
    const id = `com.example.needs.${name.replaceAll(/\W|_/g, '').toLowerCase()}-${index}@1`;
    const of = contract(id, Object.fromEntries(members));
    return { name, of, stubbed: stub(of, answersOf(functions) as never) };
  });
  return {
    contracts: Object.fromEntries(made.map(({ name, of }) => [name, of])),
    needs: made.map(({ of }) => needText(of)),
    stubs: made.map(({ stubbed }) => stubbed),
  };
}

/** Functions as handlers of the host: they receive the input alone. */
function answersOf(functions: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(functions).map(([name, answer]) => [
      name,
      (input: unknown) => (answer as (value: unknown) => unknown)(input),
    ]),
  );
}

function needText({ $id }: AnyContract): string {
  const { base, major } = parseContractId($id) ?? { base: $id, major: 0 };
  return `${base}@^${major}`;
}
