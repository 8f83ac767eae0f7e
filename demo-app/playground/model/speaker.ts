/** Whose words they are. */
import { isOwn } from '../kernel/demo-plugins.ts';

/**
 * A plugin's name, with its id unless it is one of the page's own: a name may be any text, also that
 * of another plugin.
 */
export const speakerOf = (id: string, name = id): string =>
  isOwn(id) || name === id ? name : `${name} (${id})`;
