/**
 * Why no provider answers a command. The same reasons apply to a plugin's own commands and to open
 * contracts.
 */
import {
  addressOf,
  createError,
  didYouMean,
  type Manifest,
  ownerOf,
  type PluginError,
  parseContractId,
} from '@plinth/sdk/contract';
import type { IsOpen } from '../calls/open-contracts.js';
import type { Route } from '../calls/route.js';
import { manifestOf, type PluginRecord, versionOf } from '../plugin/record.js';
import type { PluginRegistry } from './plugin-registry.js';

/** What is known about the possible providers. */
export interface UnansweredParts {
  readonly registry: PluginRegistry;
  /** Ids of all registered commands. */
  ids(): readonly string[];
  /** Plugins that may answer a command, the best first. */
  answering(id: string, route: Route | undefined): readonly PluginRecord[];
  /** Why a plugin that declares an open contract may not answer it. Undefined when it may. */
  mayNot(manifest: Manifest, contract: string): string | undefined;
  /** Why a plugin is in its state, in one sentence. */
  because(record: PluginRecord): string;
  hasStarted(): boolean;
  readonly isOpen: IsOpen;
}

/** Most plugins that one error names. */
const MAX_TOLD = 4;

/**
 * @returns PluginUnavailableError `call/unknown-command` or `plugin/unavailable`,
 * PluginResolutionError `plugin/unsatisfied`.
 */
export function whyUnanswered(
  id: string,
  route: Route | undefined,
  parts: UnansweredParts,
): PluginError {
  const { registry, answering, because, isOpen } = parts;
  const { provider } = addressOf(id);
  const owner = ownerOf(id);
  const able = answering(id, route);
  const isForeign = !isOpen(owner) && provider !== undefined && provider !== owner;
  if (isForeign) return unknown(id, owner, provider, parts);
  const versions = isOpen(owner) ? answering(id, undefined) : registry.versions(owner);
  if (able.length === 0 && versions.length > 0 && route !== undefined)
    return unsatisfied(id, owner, route, versions, parts);
  const known = able.length > 0 || isOpen(owner) ? able : [registry.find(owner) ?? []].flat();
  // A running plugin that has not registered the command explains more than a plugin that doesn't
  // run.
  const idle = known.find(({ state }) => state === 'active');
  if (idle !== undefined) return unregistered(id, idle, didYouMean(id, parts.ids(), []));
  const [first] = known;
  if (first === undefined) return unknown(id, owner, provider, parts);
  const reasons = known.slice(0, MAX_TOLD).map(because);
  return createError('plugin/unavailable', `no plugin answers ${id}: ${reasons.join('; ')}`, {
    plugin: first.id,
    details: {
      command: id,
      state: first.state,
      ...(isOpen(owner) && { providers: known.map((record) => record.id) }),
    },
  });
}

function unsatisfied(
  id: string,
  owner: string,
  route: Route,
  versions: readonly PluginRecord[],
  { because }: UnansweredParts,
): PluginError {
  const wanted = route.range === undefined ? (route.contract ?? owner) : `${owner}@${route.range}`;
  const found = versions.map((one) => `${one.id}@${versionOf(one)}`);
  const told = versions.slice(0, MAX_TOLD).map((one) => {
    const provided = (manifestOf(one)?.provides ?? []).filter(
      (contract) => parseContractId(contract)?.base === owner,
    );
    const promise = provided.length > 0 ? ` (its manifest provides ${provided.join(', ')})` : '';
    return `${one.id}@${versionOf(one)}${promise}${one.state === 'failed' ? `, and ${because(one)}` : ''}`;
  });
  return createError(
    'plugin/unsatisfied',
    `no plugin answers ${id} as ${wanted} does: found ${told.join(', ')}`,
    { plugin: (versions[0] as PluginRecord).id, details: { command: id, wanted, found } },
  );
}

/** A running plugin that has no such command, although its manifest may declare it. */
function unregistered(id: string, record: PluginRecord, near: string): PluginError {
  const known = manifestOf(record);
  const owner = ownerOf(id);
  const contract = known?.provides?.find((one) => parseContractId(one)?.base === owner);
  const declared =
    known?.contributes.commands?.some(
      (command) => `${record.id}:${command.id}` === addressOf(id).id,
    ) === true;
  const promise =
    contract === undefined
      ? declared
        ? "'contributes.commands'"
        : undefined
      : `'provides' (${contract})`;
  const cure =
    contract === undefined
      ? `register it with ctx.commands.handle('${id.slice(id.indexOf(':') + 1)}', …)`
      : `provide the contract with ctx.provide, or take it out of the manifest`;
  const told =
    promise === undefined
      ? near
      : `${near}, though its manifest promises it in ${promise}: ${cure}`;
  return createError(
    'call/unknown-command',
    `no plugin answers ${id}: ${record.id} is active and has not registered it${told}`,
    {
      plugin: record.id,
      details: { command: id, ...(contract !== undefined && { promised: contract }) },
    },
  );
}

function unknown(
  id: string,
  owner: string,
  provider: string | undefined,
  { registry, ids, mayNot, hasStarted, isOpen }: UnansweredParts,
): PluginError {
  const said = (hint: string) =>
    createError('call/unknown-command', `no plugin or host answers ${id}${hint}`, {
      details: { command: id },
    });
  if (!hasStarted()) return said(': the kernel has not been started');
  const absent =
    provider === undefined || registry.find(provider) !== undefined
      ? `: ${provider} doesn't provide ${owner}`
      : `: no plugin '${provider}' is installed`;
  if (!isOpen(owner) && provider !== undefined) return said(absent);
  const near = provider === undefined ? didYouMean(id, ids(), []) : '';
  if (!isOpen(owner) || near !== '') return said(near);
  const refused = (provider === undefined ? registry.all() : registry.versions(provider)).flatMap(
    (record) => {
      const known = manifestOf(record);
      if (known?.provides?.some((contract) => parseContractId(contract)?.base === owner) !== true)
        return [];
      return mayNot(known, owner) ?? [];
    },
  );
  if (refused.length > 0) return said(`: ${refused.slice(0, MAX_TOLD).join('; ')}`);
  if (provider === undefined) return said(`: no plugin here provides ${owner}`);
  return said(absent);
}
