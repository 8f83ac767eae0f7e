/**
 * Answers of the kernel to plugins that manage plugins: `plinth.plugins@1`, `plinth.settings@1`,
 * `plinth.system@1`. Loaded with the first call. Inputs are valid, and the caller has the right for
 * some target. Here it is checked for the actual target and all callers.
 */
import type { AnyContract, Command } from '@plinth/sdk';
import {
  createError,
  membersOf,
  messageOf,
  type PermissionName,
  type PluginError,
  parseManifest,
} from '@plinth/sdk/contract';
import { Plugins, Settings, System } from '@plinth/sdk/contracts';
import { parsing } from '../../../api/host-commands.js';
import type { CoreConfig } from '../../../api/host-config.js';
import type { CorePlugins } from '../../../api/host-plugins.js';
import type { PluginInfo } from '../../../api/plugin-info.js';
import type { HostCallView } from '../../../calls/host-call.js';
import type { KernelCall } from '../../../calls/kernel-call.js';
import { hostProvider } from '../../../calls/provider.js';
import type { CommandRegistry } from '../../../commands/command-registry.js';
import type { CoreRights } from '../../../extension/core.js';
import type { PluginPackage } from '../../../host.js';
import type { KernelEvents } from '../../../kernel-events.js';
import type { Trusting } from '../../../lifecycle/trusting.js';
import { rightsBeyond } from '../../../permissions/growth.js';
import type { Metrics } from '../../../telemetry/metrics.js';
import type { Installer } from '../installer.js';
import { actorOf, factsOf, refused, unwelcome } from './answers.js';
import { Authority } from './authority.js';
import { type SystemParts, systemFacts } from './system-facts.js';

/** What the providers need of the kernel. */
export interface ManagementParts extends SystemParts {
  readonly commands: CommandRegistry;
  readonly metrics: Metrics;
  readonly rights: CoreRights;
  readonly trust: Trusting;
  readonly plugins: CorePlugins;
  readonly installer: Installer;
  readonly config: CoreConfig;
  /** Changes settings. */
  configure(id: string, patch: Readonly<Record<string, unknown>>): Promise<void>;
  announce<T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]): void;
}

/** The actions on a plugin. */
type Action = KernelEvents['plugin:managed']['action'];
type Handler = (input: never, call: KernelCall) => unknown;

/** Registers everything. The kernel's own commands end with the kernel. */
export function provideManagement(parts: ManagementParts): void {
  const managed = new Management(parts);
  provide(parts, Plugins, managed.plugins());
  provide(parts, Settings, managed.settings());
  provide(parts, System, { info: (_: undefined, call: KernelCall) => managed.system(call) });
}

function provide(
  parts: ManagementParts,
  contract: AnyContract,
  handlers: Readonly<Record<string, Handler>>,
): void {
  for (const [name, member] of membersOf(contract)) {
    // The application provides this member itself.
    if (parts.commands.has(member.id)) continue;
    const handler = handlers[name] as (input: unknown, call: KernelCall) => unknown;
    const provider = hostProvider(
      parsing(
        member as Command & { readonly id: string },
        (input, view) => handler(input, (view as HostCallView).parent),
        parts.metrics,
      ),
    );
    parts.commands.register(member.id, {
      owner: 'host',
      provider,
      timeout: (member as Command).timeout,
    });
  }
}

class Management {
  readonly #parts: ManagementParts;
  readonly #authority: Authority;

  constructor(parts: ManagementParts) {
    this.#parts = parts;
    this.#authority = new Authority({ grants: parts.rights.grants, trust: parts.trust });
  }

  plugins(): Readonly<Record<string, Handler>> {
    const { config, plugins, configure, installer } = this.#parts;
    const right = 'plugins.manage';
    const verb =
      (action: Action & ('enable' | 'disable' | 'uninstall')): Handler =>
      async ({ id }: { readonly id: string }, call: KernelCall) => {
        const by = actorOf(call);
        await this.#change(action, right, id, call, () =>
          action === 'enable' ? installer.enable(id, by) : installer[action](id, undefined, by),
        );
      };
    return {
      list: (input: { readonly state?: string } | undefined, call: KernelCall) =>
        plugins
          .list()
          .filter(
            ({ id, state }) =>
              (input?.state === undefined || input.state === state) &&
              this.#authority.may(call, right, id),
          )
          .map(factsOf),
      status: ({ id }: { readonly id: string }, call: KernelCall) => {
        const info = this.#info(right, id, call);
        const { running, because } = plugins.explain(id);
        return { ...factsOf(info), running, because, dependencies: info.dependencies };
      },
      enable: verb('enable'),
      disable: verb('disable'),
      uninstall: verb('uninstall'),
      install: (
        input: { readonly manifest: string; readonly code: string; readonly signature?: string },
        call: KernelCall,
      ) => this.#install(input, call),
      settings: ({ id }: { readonly id: string }, call: KernelCall) => {
        this.#info(right, id, call);
        return { settings: config.get(id), layers: config.layers(id) };
      },
      configure: (
        { id, patch }: { readonly id: string; readonly patch: Readonly<Record<string, unknown>> },
        call: KernelCall,
      ) => this.#change('configure', right, id, call, () => configure(id, patch)),
    };
  }

  settings(): Readonly<Record<string, Handler>> {
    const { config, configure } = this.#parts;
    return {
      get: ({ id }: { readonly id: string }, call: KernelCall) => {
        if (call.caller.id !== id) this.#authority.demand(call, 'config.read', id);
        return config.get(id);
      },
      set: (
        { id, patch }: { readonly id: string; readonly patch: Readonly<Record<string, unknown>> },
        call: KernelCall,
      ) => this.#change('configure', 'config.write', id, call, () => configure(id, patch), true),
    };
  }

  system(call: KernelCall): unknown {
    this.#authority.demand(call, 'system.read', '');
    return systemFacts(this.#parts);
  }

  async #install(
    input: { readonly manifest: string; readonly code: string; readonly signature?: string },
    call: KernelCall,
  ): Promise<unknown> {
    const { plugins, installer, trust } = this.#parts;
    const { grants, requests, isOpen: open } = this.#parts.rights;
    const by = call.caller.id;
    const manifest = parseManifest(input.manifest, `a package that ${by} installs`, { open });
    const { id, version } = manifest;
    const { signature } = input;
    const found: PluginPackage = {
      origin: `plugin:${by}`,
      manifest: input.manifest,
      code: async () => input.code,
      ...(signature !== undefined && { signature: async () => signature }),
    };
    const updated = plugins.get(id) !== undefined;
    await this.#change('install', 'plugins.manage', id, call, async () => {
      // Policy by id or origin applies now. Policy by signature applies once that is checked.
      if (call.caller.kind === 'plugin')
        this.#authority.checkTrust(call, id, trust.level(found, manifest) ?? 'undecided');
      const rights = grants.delegation.rightsOf(call.caller);
      // An update asks for consent itself, for rights that the version before lacks.
      const more =
        rights === undefined || updated
          ? {}
          : rightsBeyond(rights.grants, grants.unasked(manifest), (permission, scope) =>
              // Also those that were revoked, and those that a caller lacks.
              this.#authority.may(call, permission, scope),
            );
      if (
        Object.keys(more).length > 0 &&
        !(await requests.consent({ plugin: id, version, permissions: more, by }))
      )
        throw unwelcome(by, manifest, more);
      await (updated
        ? installer.update(id, found, undefined, actorOf(call))
        : installer.install(found, undefined, actorOf(call)));
    });
    return { id, version, updated };
  }

  /** Checks that a plugin may change another, does it, and audits the result. */
  async #change(
    action: Action,
    right: PermissionName,
    id: string,
    call: KernelCall,
    change: () => Promise<unknown>,
    own = false,
  ): Promise<void> {
    const { plugins, trust, announce } = this.#parts;
    const by = call.caller.id;
    try {
      this.#authority.demand(call, right, id);
      const target = plugins.get(id);
      if (target === undefined && action !== 'install')
        throw createError('plugin/not-found', `no plugin '${id.slice(0, 128)}' is installed`, {
          plugin: id,
        });
      if (call.caller.kind === 'plugin') {
        if (by === id && !own)
          throw refused(
            by,
            id,
            right,
            'self',
            `${by} may not ${action} itself: the application does that, or another plugin`,
          );
        for (const one of plugins.list())
          if (one.id === id && one.manifest !== undefined)
            this.#authority.checkTrust(call, id, trust.of(one.manifest), right);
      }
      await change();
      announce('plugin:managed', { plugin: by, action, target: id, ok: true });
    } catch (error) {
      announce('plugin:managed', {
        plugin: by,
        action,
        target: id,
        ok: false,
        code: String((error as Partial<PluginError>).code ?? 'call/failed'),
        message: messageOf(error),
      });
      throw error;
    }
  }

  #info(right: PermissionName, id: string, call: KernelCall): PluginInfo {
    this.#authority.demand(call, right, id);
    const info = this.#parts.plugins.get(id);
    if (info === undefined)
      throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
    return info;
  }
}
