/** What a plugin's code declares, as plain data. */

/** A JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** No value: undefined. JSON Schema says it as what has none of the types of JSON. */
export const NOTHING: JsonSchema = {
  not: { type: ['null', 'boolean', 'number', 'string', 'array', 'object'] },
};

/** What a schema accepts. Absent parts can't be said, and may be any value. */
export interface Described {
  /** A value before it is parsed, as it is on the wire: also an output, which its caller parses. */
  readonly input?: JsonSchema;
  /** A value after it was parsed. */
  readonly output?: JsonSchema;
  /** The items of a stream, which has no other parts. */
  readonly stream?: 'bytes' | { readonly item: Described };
}

/** One member of a contract. */
export interface MemberFacts {
  readonly name: string;
  readonly kind: 'command' | 'event' | 'hook';
  readonly input: Described;
  readonly output: Described;
  readonly payload: Described;
  readonly errors: Readonly<Record<string, Described>>;
  /** The rest of its declaration: time-outs, policies, queues. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A contract that the plugin provides. */
export interface ContractFacts {
  readonly id: string;
  readonly members: readonly MemberFacts[];
}

/** A contract that it calls. */
export interface NeedFacts {
  readonly name: string;
  readonly contract: string;
  readonly optional: boolean;
}

/** Everything that can be known of a plugin by evaluating its module. */
export interface Facts {
  readonly provides: readonly ContractFacts[];
  readonly needs: readonly NeedFacts[];
  readonly config: JsonSchema | undefined;
  /** Names under which the contract's module exports contracts, with their ids. */
  readonly exports: Readonly<Record<string, string>>;
  /** Schemas that can't be said as JSON Schema, in whole or in part. */
  readonly unconverted: readonly string[];
}

/** What the inspecting process is sent. */
export interface InspectRequest {
  readonly code: string;
  readonly contract: string | undefined;
}

/** What it answers. */
export type InspectAnswer =
  | { readonly ok: true; readonly facts: Facts }
  | { readonly ok: false; readonly message: string; readonly stack: string };
