/** TypeScript with what the SDK has, and JSON. */
import { javascript, javascriptLanguage } from '@codemirror/lang-javascript';
import { json } from '@codemirror/lang-json';
import type { Extension } from '@codemirror/state';
import { hoverTooltip } from '@codemirror/view';
import { completionsAt, memberAround } from './completion.ts';
import type { Member, SdkTable } from './sdk-table.ts';

/** TypeScript of a plugin. */
export function typescript(table: SdkTable): Extension {
  return [
    javascript({ typescript: true }),
    javascriptLanguage.data.of({
      autocomplete: (context: Parameters<typeof completionsAt>[1]) => completionsAt(table, context),
    }),
    hoverTooltip(({ state }, pos) => {
      const found = memberAround(table, state, pos);
      if (found === undefined) return null;
      const { from, to, member } = found;
      return { pos: from, end: to, above: true, create: () => ({ dom: tooltip(member) }) };
    }),
  ];
}

/** `plugin.json`. */
export const jsonText = (): Extension => json();

function tooltip({ name, type, doc }: Member): HTMLElement {
  const box = document.createElement('div');
  const code = document.createElement('code');
  code.textContent = type
    .split('\n')
    .map((one) => (one.startsWith('(') || one.startsWith('<') ? name + one : `${name}: ${one}`))
    .join('\n');
  box.append(code);
  if (doc !== undefined) {
    const text = document.createElement('p');
    text.textContent = doc;
    box.append(text);
  }
  return box;
}
