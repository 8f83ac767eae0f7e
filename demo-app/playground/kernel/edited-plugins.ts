/**
 * The plugins of the editor. They last as long as the page: nothing of them is installed, and the
 * next page knows none of them.
 */
import { packageOf } from '@plinth/kernel';
import { defineExtension } from '@plinth/kernel/extension';
import type { Isolation, Manifest, Permissions } from '@plinth/sdk';

/** Where they come from. The kernel names the owner of their ids so. */
export const ORIGIN = 'editor';

/** A plugin as the editor has compiled it. */
export interface EditedPlugin {
  /** What its manifest says. */
  readonly id: string;
  readonly version: string;
  /** The text of the manifest, and of the bundle. */
  readonly manifest: string;
  readonly code: string;
  readonly isolation: 'sandbox' | 'worker';
  /** Whether another person wrote it: it came by a link. */
  readonly fromLink: boolean;
  /** The work that it is made of. What another work runs is other code. */
  readonly by: object;
}

/**
 * The most that code of a link may do: show views, and notices. It gets no storage, as an id says
 * nothing of who has written the code, and storage belongs to an id.
 */
const OF_A_LINK: Permissions = {
  contracts: { provide: ['plinth.view'] },
  commands: { execute: ['plinth.ui:notify 10/min', 'plinth.ui:ask 10/min'] },
};

type Terms = Pick<EditedPlugin, 'version' | 'isolation' | 'fromLink' | 'by'>;

/** How the plugins of the editor may run. The options of the kernel ask it. */
export class EditedTerms {
  readonly #terms = new Map<string, Terms>();

  of(id: string): Terms | undefined {
    return this.#terms.get(id);
  }

  set(id: string, terms: Terms | undefined): void {
    if (terms === undefined) this.#terms.delete(id);
    else this.#terms.set(id, terms);
  }

  /**
   * Undefined for a plugin that the editor doesn't run. Another version is another plugin, but for
   * code of a link, which has no other place.
   */
  isolationOf({ id, version }: Manifest): Isolation | undefined {
    const terms = this.#terms.get(id);
    if (terms?.fromLink === true) return 'sandbox';
    return terms?.version === version ? terms.isolation : undefined;
  }

  /** The most that a plugin may do. Undefined: what its manifest asks for. */
  ceilingOf({ id }: Manifest): Permissions | undefined {
    return this.#terms.get(id)?.fromLink === true ? OF_A_LINK : undefined;
  }
}

/**
 * Adds, replaces and removes the plugins of the editor.
 *
 * @param terms what the options of the same kernel ask.
 */
export const editedPlugins = defineExtension(
  { name: 'edited-plugins', uses: ['events', 'steer'] },
  (terms: EditedTerms) => ({
    install(port) {
      const viewOf = (id: string) => port.plugins.all().find((one) => one.id === id);
      const remove = async (id: string): Promise<void> => {
        const view = viewOf(id);
        if (view !== undefined) await port.steer.remove(view);
        terms.set(id, undefined);
      };
      port.events.on('plugin:uninstalled', ({ id }) => {
        if (viewOf(id) === undefined) terms.set(id, undefined);
      });
      return {
        /** Whether a plugin is what a work has put there. */
        has: (id: string, by: object): boolean =>
          viewOf(id) !== undefined && terms.of(id)?.by === by,
        /** Whether something of the editor is there. */
        isEdited: (id: string): boolean => viewOf(id) !== undefined && terms.of(id) !== undefined,
        /**
         * Puts a plugin in the place of the one with its id, with its state. It isn't started.
         *
         * @throws when another plugin has the id, or what replacing throws: what ran before still
         * runs then.
         */
        async put({ manifest, code, ...next }: EditedPlugin): Promise<void> {
          const { id, by } = next;
          const found = { ...packageOf({ manifest, code }), origin: ORIGIN };
          const before = terms.of(id);
          if (viewOf(id) !== undefined && before === undefined)
            throw new Error(`another plugin is called ${id}: choose another id in plugin.json`);
          // Other code gets neither the state nor, for a moment, the rights of what is there.
          if (before !== undefined && before.by !== by) await remove(id);
          const now = viewOf(id);
          terms.set(id, next);
          try {
            if (now === undefined) await port.steer.add(found);
            else await port.steer.replace(now, found);
          } catch (error) {
            terms.set(id, now === undefined ? undefined : before);
            throw error;
          }
        },
        /** Takes a plugin away, if it is what a work has put there. */
        async remove(id: string, by: object): Promise<void> {
          if (terms.of(id)?.by === by) await remove(id);
        },
      };
    },
  }),
);
