/**
 * Plugins and guests as extensions see them. Each plugin has one object for as long as it is
 * installed.
 */
import type { Manifest } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import type { PluginFacts } from '../lifecycle/extending.js';
import type { TrustLevel } from '../permissions/trust-level.js';
import { manifestOf, type PluginRecord, type PluginState, versionOf } from '../plugin/record.js';
import { keyOf } from '../registry/key.js';
import type { PluginRegistry } from '../registry/plugin-registry.js';
import type { GuestView, PluginView, ViewedGuest } from './views.js';

/** What this needs of the kernel. */
export interface PluginViewParts {
  readonly registry: PluginRegistry;
  isEnabled(key: string): boolean;
  trust(found: PluginPackage, manifest: Manifest): TrustLevel | undefined;
}

/** Owns the views of a tenant's plugins. */
export class PluginViews {
  readonly #parts: PluginViewParts;
  readonly #views = new Map<string, PluginView>();

  constructor(parts: PluginViewParts) {
    this.#parts = parts;
  }

  all(): readonly PluginView[] {
    return this.#parts.registry.all().map(({ key }) => this.of(key));
  }

  get(id: string, range?: string): PluginView | undefined {
    const record = this.#parts.registry.find(id, range);
    return record && this.of(record.key);
  }

  /** The view of one version. The id alone finds a plugin whose manifest isn't known. */
  exact(id: string, version: string | undefined): PluginView | undefined {
    const key = version === undefined ? id : keyOf(id, version);
    return this.#views.get(key) ?? (this.#parts.registry.get(key) && this.of(key));
  }

  of(key: string): PluginView {
    let view = this.#views.get(key);
    if (view === undefined) {
      view = new LivePlugin(key, this.#parts);
      this.#views.set(key, view);
    }
    return view;
  }

  /**
   * The view of a record. A record outside the registry, like the next version of a plugin, gets a
   * view of its own.
   */
  ofRecord(record: PluginFacts): PluginView {
    const { key, id, version, manifest, package: found } = record;
    if (this.#parts.registry.get(key)?.package === found) return this.of(key);
    const trust = this.#parts.trust(found, manifest);
    const next = { key, id, version, manifest, package: found, trust };
    return Object.freeze({
      ...next,
      state: 'resolved',
      reason: undefined,
      enabled: true,
      waiting: 0,
      phases: undefined,
    });
  }

  /** A plugin is gone. A view that is still held then has no state. */
  forget(): void {
    if (this.#views.size <= this.#parts.registry.size) return;
    for (const key of this.#views.keys())
      if (this.#parts.registry.get(key) === undefined) this.#views.delete(key);
  }

  guest(connection: ViewedGuest): GuestView {
    const { id, version } = connection.manifest;
    return new LiveGuest(connection, this.of(keyOf(id, version)));
  }
}

class LivePlugin implements PluginView {
  readonly key: string;
  readonly #parts: PluginViewParts;

  constructor(key: string, parts: PluginViewParts) {
    this.key = key;
    this.#parts = parts;
  }

  get #record(): PluginRecord | undefined {
    return this.#parts.registry.get(this.key);
  }

  get id(): string {
    const at = this.key.lastIndexOf('@');
    return this.#record?.id ?? (at > 0 ? this.key.slice(0, at) : this.key);
  }

  get version(): string | undefined {
    const record = this.#record;
    if (record !== undefined) return versionOf(record);
    const at = this.key.lastIndexOf('@');
    return at > 0 ? this.key.slice(at + 1) : undefined;
  }

  get state(): PluginState | undefined {
    return this.#record?.state;
  }

  get reason(): PluginView['reason'] {
    const record = this.#record;
    return record?.state === 'suspended' ? record.reason : undefined;
  }

  get enabled(): boolean {
    return this.#record !== undefined && this.#parts.isEnabled(this.key);
  }

  get waiting(): number {
    return this.#parts.registry.plugin(this.key)?.mailbox.size ?? 0;
  }

  get phases(): PluginView['phases'] {
    const record = this.#record;
    return record !== undefined && 'phases' in record ? record.phases : undefined;
  }

  get manifest(): Manifest | undefined {
    const record = this.#record;
    return record && manifestOf(record);
  }

  get package(): PluginPackage | undefined {
    return this.#record?.package;
  }

  get trust(): TrustLevel | undefined {
    const { manifest, package: found } = this;
    return manifest && found && this.#parts.trust(found, manifest);
  }
}

class LiveGuest implements GuestView {
  readonly plugin: PluginView;
  readonly #connection: ViewedGuest;

  constructor(connection: ViewedGuest, plugin: PluginView) {
    this.#connection = connection;
    this.plugin = plugin;
  }

  get isolated(): boolean {
    return this.#connection.isolated;
  }

  get requests(): number {
    return this.#connection.requests;
  }

  get busy(): boolean {
    return this.#connection.busy;
  }

  get pending(): number {
    return this.#connection.link.pending;
  }

  get stored(): number {
    return this.#connection.storage.used;
  }

  usage(): ReturnType<GuestView['usage']> {
    return this.#connection.usage();
  }

  alive(milliseconds: number): Promise<boolean> {
    return this.#connection.alive(milliseconds);
  }

  end(error: Error): void {
    this.#connection.endBecause(error);
  }
}
