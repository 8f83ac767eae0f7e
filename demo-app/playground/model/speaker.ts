/** Whose words they are. */
import { isOwn } from '../kernel/demo-plugins.ts';

/** Characters of a name. What shows it cuts nothing of the id behind it. */
const NAME_MOST = 60;

/**
 * A plugin's name, with its id unless it is one of the page's own: a name may be any text, also that
 * of another plugin.
 */
export function speakerOf(id: string, name = id): string {
  if (isOwn(id) || name === id) return name;
  return `${name.replace(/\s+/g, ' ').trim().slice(0, NAME_MOST)} (${id})`;
}
