/** What a plugin's code declares, as plain data. */

/** A JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One member of a contract. */
export interface MemberFacts {
  readonly name: string;
  readonly kind: 'command' | 'event' | 'hook';
  readonly input?: JsonSchema | undefined;
  readonly output?: JsonSchema | undefined;
  readonly payload?: JsonSchema | undefined;
  readonly errors: Readonly<Record<string, JsonSchema>>;
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
