/** The facts about the extension that are known without running it. */
import { type ExtensionPort, fact } from '@plinth/kernel/extension';

/** The name of the extension, its powers and its events. */
export const statics = {
  name: 'sql',
  uses: ['contribute', 'documents', 'events', 'provide', 'transition', 'verify'],
  features: ['sql'],
  events: {
    /** Migrations of a plugin have run, and it is active with them. */
    'sql:migrated': fact<{
      readonly plugin: string;
      readonly version: string;
      readonly migrations: readonly string[];
    }>(),
  },
} as const;

/** The port of this extension. */
export type SqlPort = ExtensionPort<typeof statics>;
